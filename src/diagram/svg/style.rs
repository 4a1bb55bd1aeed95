//! The style that all pictures share.

/// CSS for a page with pictures, on one line, to stand once in a `<style>`.
///
/// Everything is below `.msd-figure`. Colours are mdBook's own variables with fallbacks for readers
/// that have none; a file of its own brings a light and a dark set. Kinds differ by shape and dash
/// as well, never by colour alone.
pub const STYLE: &str = concat!(
    ".msd-figure{--msd-fg:var(--fg,#1b1f24);--msd-bg:var(--bg,#fff);",
    "--msd-a:var(--blockquote-note-color,var(--links,#0a58ca));",
    "--msd-g:var(--blockquote-tip-color,var(--links,#177245));",
    "--msd-r:var(--blockquote-important-color,var(--links,#7a3fc4));",
    "--msd-x:var(--blockquote-caution-color,var(--links,#b3261e));",
    "margin:1em 0;overflow-x:auto;max-width:100%}",
    "svg.msd-file{font-family:'Open Sans',Arial,sans-serif}",
    "@media (prefers-color-scheme:dark){svg.msd-file{--fg:#d7dbe0;--bg:#16181c;--links:#6ea8fe;",
    "--blockquote-note-color:#6ea8fe;--blockquote-tip-color:#5bc489;",
    "--blockquote-important-color:#b794f4;--blockquote-caution-color:#ff8a80}}",
    ".msd-figure svg{display:block;max-width:none;font-family:'Open Sans',Arial,sans-serif}",
    ".msd-figure text{fill:var(--msd-fg);text-anchor:middle;font-size:11px;stroke:none}",
    ".msd-figure text.n{font-size:13px}",
    ".msd-figure text.s{text-anchor:start}",
    ".msd-figure text.h{text-anchor:start;font-weight:600}",
    ".msd-figure text.o{paint-order:stroke;stroke:var(--msd-bg);stroke-width:4px;stroke-linejoin:round}",
    ".msd-figure text.f{fill:var(--msd-x)}",
    ".msd-figure a text.n,.msd-figure a text.l{text-decoration:underline;text-decoration-thickness:1px;text-underline-offset:2px}",
    ".msd-figure rect.p{fill:var(--msd-bg)}",
    ".msd-figure rect.v{fill:var(--msd-fg);fill-opacity:.05;stroke:var(--msd-fg);stroke-opacity:.25}",
    ".msd-figure .b{fill:var(--msd-bg);stroke:var(--msd-fg);stroke-width:1.3}",
    ".msd-figure .k{fill:none;stroke:var(--msd-fg);stroke-width:1.3}",
    ".msd-figure .x{stroke-dasharray:5 3}",
    ".msd-figure .u{stroke-width:1.8}",
    ".msd-figure .w{stroke-width:2}",
    ".msd-figure .q{stroke:var(--msd-g)}",
    ".msd-figure .d{stroke:var(--msd-a)}",
    ".msd-figure .e,.msd-figure .t{fill:none;stroke:var(--msd-fg);stroke-width:1.4}",
    ".msd-figure .t{fill:var(--msd-fg);stroke-width:1;stroke-linejoin:round}",
    ".msd-figure .y{stroke:var(--msd-g);stroke-dasharray:7 4}",
    ".msd-figure .r{stroke:var(--msd-r);stroke-dasharray:9 3 2 3}",
    ".msd-figure .i{stroke:var(--msd-a)}",
    ".msd-figure .c{stroke:var(--msd-x)}",
    ".msd-figure .c.e{stroke-dasharray:3 2}",
    ".msd-figure .z{stroke-width:.9;stroke-dasharray:2 4}",
    ".msd-figure .t.y,.msd-figure .t.r,.msd-figure .t.o{fill:none;stroke-dasharray:none;stroke-width:1.4}",
    ".msd-figure .t.i{fill:var(--msd-bg)}",
    ".msd-figure .t.c{fill:var(--msd-x);stroke-dasharray:none}",
    ".msd-figure .t.y.c{fill:none}",
    ".msd-figure .j{stroke:var(--msd-fg);stroke-opacity:.45;stroke-dasharray:3 4}",
    ".msd-figure .dot{fill:var(--msd-fg)}",
    ".msd-figure a:hover .b,.msd-figure a:focus .b{stroke-width:2.6}",
    "@media print{.msd-figure{overflow:visible}.msd-figure svg{max-width:100%;height:auto}}",
);

#[cfg(test)]
mod tests {
    use super::STYLE;

    #[test]
    fn stands_in_markdown_and_xml() {
        assert!(!STYLE.contains(['\n', '<', '&', '`']));
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
    }

    #[test]
    fn touches_nothing_else() {
        for rule in STYLE.split('}').filter(|r| !r.is_empty()) {
            let selectors = rule.rsplit_once('{').map_or("", |r| r.0);
            for one in selectors.rsplit('{').next().unwrap_or_default().split(',') {
                let ours = one.starts_with(".msd-figure") || one.starts_with("svg.msd-file");
                assert!(ours, "{one}");
            }
        }
    }
}
