//! The script that a book may ask for: a tab that a reader chooses is chosen wherever it exists, on this page
//! and on the next; and arrow keys move a picture that has the focus, where mdBook would turn the page. Tabs work
//! without it, and the links of a picture are reached, and seen, with the key Tab.

/// The `<script>` block: one line, ended by an empty one.
pub(super) fn block() -> String {
    let one_line: String = TABS.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("<script>{one_line}</script>\n")
}

/// What is above the chosen tab may change its height; the page is scrolled by as much, so that the tab stays
/// under the pointer. A browser that keeps nothing for a page from a file throws; the choice then holds for the
/// page.
const TABS: &str = "
addEventListener('DOMContentLoaded', () => {
  const tabs = [...document.querySelectorAll('.msd-tabs > input')];
  const choose = (key) => tabs.forEach((t) => { if (t.value === key) t.checked = true; });
  try { choose(localStorage.getItem('msdesign-tab')); } catch {}
  tabs.forEach((t) => t.addEventListener('change', () => {
    const before = t.nextElementSibling.getBoundingClientRect().top;
    choose(t.value);
    scrollBy(0, t.nextElementSibling.getBoundingClientRect().top - before);
    try { localStorage.setItem('msdesign-tab', t.value); } catch {}
  }));
  document.querySelectorAll('.msd-pan').forEach((p) => p.addEventListener('keydown', (e) => {
    if (p.scrollWidth > p.clientWidth && /^Arrow(Left|Right)$/.test(e.key)) e.stopPropagation();
  }));
});
";

#[cfg(test)]
mod tests {
    /// In one line, a comment would swallow the rest; and nothing may look like the end of the element.
    #[test]
    fn the_script_can_stand_in_one_line() {
        let block = super::block();
        assert_eq!(block.matches('\n').count(), 1);
        assert!(!super::TABS.contains("//") && !super::TABS.contains("</"));
    }
}
