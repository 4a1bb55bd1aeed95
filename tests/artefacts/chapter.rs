//! What a chapter says, read back out of its tables.

/// The cells under `heads` of every table of `chapter` that has all of them, row by row.
pub(crate) fn rows<const N: usize>(chapter: &str, heads: [&str; N]) -> Vec<[String; N]> {
    let mut out = Vec::new();
    let mut places: Option<[usize; N]> = None;
    let mut last: Vec<String> = Vec::new();
    for line in chapter.lines() {
        if !line.starts_with('|') {
            places = None;
            last = Vec::new();
            continue;
        }
        let cells = cells(line);
        if cells
            .iter()
            .all(|c| c.starts_with("---") || c.starts_with(":--"))
        {
            let found = heads.map(|h| last.iter().position(|c| c == h));
            places = found
                .iter()
                .all(Option::is_some)
                .then(|| found.map(Option::unwrap_or_default));
        } else if let Some(places) = places {
            out.push(places.map(|at| cells[at].clone()));
        }
        last = cells;
    }
    out
}

/// The cells of a row; a bar of the author's is escaped.
fn cells(line: &str) -> Vec<String> {
    let bar = "\u{1}";
    let line = line.replace("\\|", bar);
    let inner = line.trim_matches('|');
    inner
        .split('|')
        .map(|c| c.trim().replace(bar, "|"))
        .collect()
}

/// The names between backticks.
pub(crate) fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The number that a cell starts with.
pub(crate) fn number(cell: &str) -> u64 {
    let digits: String = cell.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|e| panic!("{cell}: {e}"))
}
