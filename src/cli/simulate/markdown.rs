//! Tables in Markdown.

/// A table with these heads; all columns but the first are for figures.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<&str> = cells.collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = heads
        .iter()
        .enumerate()
        .map(|(i, _)| if i == 0 { "---" } else { "---:" });
    let rule: Vec<&str> = rule.collect();
    let head = line(&mut heads.iter().copied()) + &format!("|{}|\n", rule.join("|"));
    let body = rows
        .iter()
        .map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(head).chain(body).collect()
}
