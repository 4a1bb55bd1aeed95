//! The style that a page needs, scoped to our own classes, with two exceptions. On paper it touches the boxes that
//! mdBook puts around tables and the page, which would cut what cannot be scrolled to there, or what stands on a
//! larger sheet. On a screen it draws the columns of tables closer where the screen is narrow or the table wide, for
//! mdBook's 20 pixels on each side of a cell push a column out of sight.

/// The style as one line of HTML. It stands in a picture of no size: the body of a page, and the more so of an EPUB,
/// must have no `<style>` but such a one, which counts for the whole page all the same.
pub(super) fn block() -> String {
    let mut css = String::from(PAGE);
    css.push_str(crate::diagram::STYLE);
    let one_line: String = css.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "<div hidden=\"hidden\"><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"0\">\
         <style>{one_line}</style></svg></div>\n"
    )
}

const PAGE: &str = "
.msd-details { margin: 1em 0; border-inline-start: 3px solid var(--quote-border, #ccc); padding-inline-start: 0.8em; }
.msd-details > summary { cursor: pointer; font-weight: 600; }
.msd-matrix th[scope=col] { writing-mode: vertical-rl; transform: rotate(180deg); text-align: start; white-space: nowrap; }
.msd-matrix { font-size: 0.85em; }
.msd-matrix thead { background: none; }
.msd-matrix th[scope=row], .msd-matrix thead td { text-align: start; white-space: nowrap; position: sticky; inset-inline-start: 0; background: var(--bg); }
.msd-matrix td { text-align: center; white-space: nowrap; padding: 2px 4px; }
.msd-matrix td:has(abbr) { font-weight: 600; background: rgb(128 128 128 / 0.18); }
.msd-matrix .msd-same { background: var(--table-header-bg, #ccc); }
.msd-matrix abbr { text-decoration: none; }
.msd-tabs { display: flex; flex-wrap: wrap; position: relative; margin: 1em 0; }
.msd-tabs > input { position: absolute; opacity: 0; pointer-events: none; }
.msd-tabs > label { padding: 0.3em 0.9em; cursor: pointer; border-block-end: 3px solid transparent; }
.msd-tabs > label:hover { border-block-end-color: var(--quote-border, #ccc); }
.msd-tabs > input:checked + label { font-weight: 600; border-block-end-color: currentColor; }
.msd-tabs > input:focus-visible + label { outline: 2px solid currentColor; outline-offset: -2px; }
.msd-tabs > .msd-panel { display: none; order: 1; flex: 0 0 100%; min-width: 0; border-block-start: 1px solid var(--quote-border, #ccc); }
.msd-tabs > input:checked + label + .msd-panel { display: block; }
.msd-entry { font-size: 1em; margin: 1.2em 0 0.3em; }
@media print { .msd-tabs, .msd-tabs > .msd-panel { display: block; } .msd-tabs > label { display: block; font-weight: 600; border: none; padding: 0.3em 0; } }
@media print { body, #body-container, #mdbook-body-container, .content { overflow: visible; } .content main { max-width: none; } }
@media print { .msd-details:not(:has(> pre, > .msd-tabs))::details-content { content-visibility: visible; display: block; block-size: auto; } }
@media screen { .table-wrapper:has(th:nth-child(6)) :is(th, td) { padding: 3px 8px; } }
@media screen and (max-width: 50em) { .table-wrapper :is(th, td) { padding: 3px 8px; } }
@media print { .table-wrapper { overflow: visible; font-size: 0.7em; } .table-wrapper :is(th, td) { padding: 3px 4px; overflow-wrap: anywhere; min-width: 4.4em; } .table-wrapper code { white-space: normal; overflow-wrap: anywhere; } }
";
