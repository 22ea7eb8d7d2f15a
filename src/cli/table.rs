//! Tables for terminals: columns as wide as their widest cell.

/// Where a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// `rows` under `heads`, two spaces apart; no space at a line's end.
pub(super) fn table<const N: usize>(heads: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let rows: Vec<&[String]> = rows.iter().map(<[String; N]>::as_slice).collect();
    columns(&heads, &rows)
}

/// The same for as many columns as there are heads; what a row has beyond them is not shown.
pub(super) fn columns<R: AsRef<[String]>>(heads: &[(&str, Align)], rows: &[R]) -> String {
    let width = |(column, (head, _)): (usize, &(&str, Align))| {
        let cells = rows.iter().filter_map(|row| row.as_ref().get(column));
        let widths = cells.map(|cell| cell.chars().count());
        widths.chain([head.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = heads.iter().enumerate().map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cell = |(cell, (width, (_, align))): (&str, (&usize, &(&str, Align)))| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        };
        let cells: Vec<String> = cells.zip(widths.iter().zip(heads)).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let head = line(&mut heads.iter().map(|(text, _)| *text));
    let body = rows
        .iter()
        .map(|row| line(&mut row.as_ref().iter().map(String::as_str)));
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
