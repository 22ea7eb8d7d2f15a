//! Tables for terminals: columns as wide as their widest cell.

/// Where a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// `rows` under `heads`, two spaces apart; no space at a line's end.
pub(super) fn table<const N: usize>(heads: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([heads[column].0.chars().count()])
            .max()
            .unwrap_or(0)
    });
    let line = |cells: [&str; N]| {
        let cells: Vec<String> = (0..N)
            .map(|column| {
                let (cell, width) = (cells[column], widths[column]);
                match heads[column].1 {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                }
            })
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let head = line(heads.map(|(text, _)| text));
    let body = rows
        .iter()
        .map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(head).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let heads = [("NAME", Align::Left), ("N", Align::Right)];
        let rows = [["a", "1"], ["größer", "100"]].map(|row| row.map(str::to_owned));
        let expected = "NAME      N\na         1\ngrößer  100\n";
        assert_eq!(table(heads, &rows), expected);
    }
}
