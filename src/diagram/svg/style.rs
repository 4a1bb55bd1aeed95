//! The style that all pictures share, in a page and in files.

use std::collections::BTreeSet;

/// What a picture looks like, wherever it stands. A macro, because `concat!` takes literals only.
macro_rules! look {
    () => {
        concat!(
            ".msd-figure{--msd-fg:var(--fg,#1b1f24);--msd-bg:var(--bg,#fff);",
            "--msd-a:var(--blockquote-note-color,var(--links,#0a58ca));",
            "--msd-g:var(--blockquote-tip-color,var(--links,#177245));",
            "--msd-r:var(--blockquote-important-color,var(--links,#7a3fc4));",
            "--msd-x:var(--blockquote-caution-color,var(--links,#b3261e))}",
            ".msd-figure text{fill:var(--msd-fg);text-anchor:middle;font-size:11px;stroke:none}",
            ".msd-figure text.n,.msd-figure a>rect+text,.msd-figure a>path+text{font-size:13px}",
            ".msd-figure text.s,.msd-figure .s text{text-anchor:start}",
            ".msd-figure text.g,.msd-figure .g text{text-anchor:end}",
            ".msd-figure text.h,.msd-figure .h text{text-anchor:start;font-weight:600}",
            ".msd-figure text.o,.msd-figure .o text{paint-order:stroke;stroke:var(--msd-bg);stroke-width:4px;stroke-linejoin:round}",
            ".msd-figure text.f,.msd-figure .f text{font-weight:600}",
            ".msd-figure a text{text-decoration:underline dotted 1px;text-underline-offset:2px}",
            ".msd-figure a text.n,.msd-figure a>rect+text,.msd-figure a>path+text{text-decoration-style:solid}",
            ".msd-figure a>rect+text~text:not(.n),.msd-figure a>path+text~text{text-decoration:none}",
            ".msd-figure a rect:not([class]){rx:4px}",
            ".msd-figure rect.p{fill:var(--msd-bg)}",
            ".msd-figure .v{rx:5px;fill:var(--msd-fg);fill-opacity:.04;stroke:var(--msd-fg);stroke-opacity:.6;stroke-width:.7}",
            ".msd-figure rect,.msd-figure path{fill:var(--msd-bg);stroke:var(--msd-fg);stroke-width:1.3}",
            ".msd-figure .k{fill:none;stroke:var(--msd-fg);stroke-width:1.3}",
            ".msd-figure .x{stroke-dasharray:5 3}",
            ".msd-figure .u{stroke-width:1.8}",
            ".msd-figure .w{stroke-width:2}",
            ".msd-figure .b>rect,.msd-figure .b>path{stroke-width:3.4}",
            ".msd-figure .b>text{font-weight:700}",
            ".msd-figure .q{stroke:var(--msd-g)}",
            ".msd-figure .d{stroke:var(--msd-a)}",
            ".msd-figure .e,.msd-figure .t{fill:none;stroke:var(--msd-fg);stroke-width:1.4}",
            ".msd-figure .t{fill:var(--msd-fg);stroke-width:1;stroke-linejoin:round}",
            ".msd-figure .y{stroke:var(--msd-g);stroke-dasharray:7 4}",
            ".msd-figure .r{stroke:var(--msd-r);stroke-dasharray:9 3 2 3}",
            ".msd-figure .i{stroke:var(--msd-a)}",
            ".msd-figure .c{stroke:var(--msd-x)}",
            ".msd-figure .c.e{stroke-dasharray:3 2}",
            ".msd-figure .z{stroke-width:1.2;stroke-dasharray:2 3}",
            ".msd-figure .t.y,.msd-figure .t.r,.msd-figure .t.o{fill:none;stroke-dasharray:none;stroke-width:1.4}",
            ".msd-figure .t.i{fill:var(--msd-bg)}",
            ".msd-figure .t.c{fill:var(--msd-x);stroke-dasharray:none}",
            ".msd-figure .t.o.c{fill:none}",
            ".msd-figure .j{stroke:var(--msd-fg);stroke-opacity:.65;stroke-width:1;stroke-dasharray:3 4}",
            ".msd-figure .l{stroke:var(--msd-a);stroke-width:1}",
            ".msd-figure .m{stroke-width:1.6;stroke-dasharray:6 3}",
            ".msd-figure .a1{fill:var(--msd-a);stroke:none}",
            ".msd-figure .a2{stroke:var(--msd-a);stroke-width:1;stroke-dasharray:2 2}",
            ".msd-figure .a3{fill:var(--msd-x);stroke:var(--msd-fg);stroke-width:1.3}",
            ".msd-figure .m1{fill:none;stroke:var(--msd-fg);stroke-opacity:.3;stroke-width:.6}",
            ".msd-figure .m2{fill:var(--msd-fg);fill-opacity:.14}",
            ".msd-figure .m3{fill:var(--msd-fg);fill-opacity:.3;stroke:none}",
            ".msd-figure .m4{fill:none;stroke-width:1.8}",
            ".msd-figure .m5{fill:none;stroke-width:1.3}",
            ".msd-figure .dot{fill:var(--msd-fg);stroke:none}",
            ".msd-figure a:hover rect,.msd-figure a:focus rect,.msd-figure a:hover path,.msd-figure a:focus path{stroke-width:2.6}",
            ".msd-figure a:hover text{text-decoration-style:solid}",
        )
    };
}

/// A picture on a sheet of paper of its own.
macro_rules! sheet {
    ($name:literal, $width:literal, $height:literal) => {
        concat!(
            ".",
            $name,
            "{page:",
            $name,
            ";width:",
            $width,
            "}",
            ".msd-sheet.",
            $name,
            " svg{width:",
            $width,
            ";max-width:none;max-height:",
            $height,
            "}",
        )
    };
}

/// CSS for a page with pictures, on one line, to stand once in a `<style>`.
///
/// Everything is below `.msd-figure`. Colours are mdBook's own variables with fallbacks for readers
/// that have none. Kinds differ by shape and dash as well, never by colour alone.
pub const STYLE: &str = concat!(
    look!(),
    ".msd-figure{margin:1em 0;max-width:100%}",
    ".msd-figure svg{display:block;max-width:none;font-family:'Open Sans',Arial,sans-serif}",
    // A shade at an edge behind which there is more; what covers it there moves away with the picture.
    ".msd-pan{display:block;overflow-x:auto;background:",
    "linear-gradient(90deg,var(--bg,#fff) 40%,transparent) 0 0/40px 100% no-repeat local,",
    "linear-gradient(270deg,var(--bg,#fff) 40%,transparent) 100% 0/40px 100% no-repeat local,",
    "linear-gradient(90deg,rgb(128 128 128/.6),transparent) 0 0/14px 100% no-repeat scroll,",
    "linear-gradient(270deg,rgb(128 128 128/.6),transparent) 100% 0/14px 100% no-repeat scroll}",
    ".msd-pan:focus-visible,.msd-full:focus-visible{outline:2px solid var(--links,#0a58ca);outline-offset:2px}",
    ".msd-full{appearance:none;display:block!important;width:max-content;margin:0 0 4px auto;padding:3px 9px;",
    "font:inherit;font-size:12px;line-height:18px;color:var(--fg,#1b1f24);background:var(--bg,#fff);",
    "border:1px solid;border-radius:4px;cursor:pointer}",
    "@media(min-width:64em){.msd-n:not(:checked){display:none!important}}",
    ".msd-full::before{content:'Full size'}",
    ".msd-full:checked::before{content:'Close'}",
    ".msd-full:checked{position:fixed;top:8px;right:24px;z-index:1002;margin:0}",
    ".msd-full:checked+.msd-pan{position:fixed;inset:0;z-index:1001;overflow:auto;padding:48px 16px 16px;",
    "background-color:var(--bg,#fff)}",
    ".msd-full:checked+.msd-pan>svg{margin:auto}",
    "@media print{.msd-full{display:none!important}.msd-pan,.msd-full:checked+.msd-pan{position:static;overflow:visible;padding:0;background:none}",
    ".msd-figure{break-inside:avoid}.msd-figure svg{max-width:100%;max-height:24cm;height:auto}",
    // A sheet of its own, as large as the picture needs to be read, with the title on it.
    sheet!("msd-a4", "277mm", "175mm"),
    sheet!("msd-a4t", "190mm", "264mm"),
    sheet!("msd-a3", "400mm", "255mm"),
    sheet!("msd-a3t", "277mm", "387mm"),
    sheet!("msd-a2", "574mm", "379mm"),
    sheet!("msd-a2t", "400mm", "562mm"),
    sheet!("msd-a1", "821mm", "554mm"),
    sheet!("msd-a1t", "574mm", "808mm"),
    ".msd-sheet{margin:0;max-width:none}.msd-sheet .msd-pan::before{content:attr(aria-label);display:block;margin-bottom:4mm;font-weight:600}}",
    "@page msd-a4{size:A4 landscape;margin:10mm}@page msd-a4t{size:A4;margin:10mm}",
    "@page msd-a3{size:A3 landscape;margin:10mm}@page msd-a3t{size:A3;margin:10mm}",
    "@page msd-a2{size:594mm 420mm;margin:10mm}@page msd-a2t{size:420mm 594mm;margin:10mm}",
    "@page msd-a1{size:841mm 594mm;margin:10mm}@page msd-a1t{size:594mm 841mm;margin:10mm}",
);

/// Light and dark for a picture that is a file of its own.
const SCHEMES: &str = concat!(
    "svg.msd{font-family:'Open Sans',Arial,sans-serif}",
    "@media (prefers-color-scheme:dark){svg.msd{--fg:#d7dbe0;--bg:#16181c;--links:#6ea8fe;",
    "--blockquote-note-color:#6ea8fe;--blockquote-tip-color:#5bc489;",
    "--blockquote-important-color:#b794f4;--blockquote-caution-color:#ff8a80}}",
);

/// CSS inside a picture that is a file of its own: the same look, in light and in dark. Only what `body`, the rest of
/// the picture, has a use for.
pub(super) fn file(body: &str) -> String {
    let look = look!();
    let (variables, rules) = look.split_once('}').unwrap_or_default();
    // Shorter, for it stands in every rule.
    let rules = format!("{variables}}}{}", used(rules, body)).replace(".msd-figure", ".msd");
    format!("{rules}{SCHEMES}")
}

/// Those of `rules` that concern a class or an element of `body`.
fn used(rules: &str, body: &str) -> String {
    let classes: BTreeSet<&str> = body
        .split(" class=\"")
        .skip(1)
        .flat_map(|b| b.split('"').next().unwrap_or_default().split(' '))
        .collect();
    let linked = body.contains("<a ");
    let concerns = |selector: &str| {
        let own = selector.strip_prefix(".msd-figure ").unwrap_or(selector);
        let positive = own.split(":not(").next().unwrap_or_default();
        let named = positive.split('.').skip(1);
        let mut names = named.map(|n| n.split([' ', '>', '+', '~', ':', ',']).next().unwrap_or(n));
        let of_links = own.starts_with("a ") || own.starts_with("a>") || own.starts_with("a:");
        names.all(|n| classes.contains(n)) && (linked || !of_links)
    };
    let mut out = String::new();
    for rule in rules.split_inclusive('}') {
        let Some((selectors, body)) = rule.split_once('{') else {
            continue;
        };
        let kept: Vec<&str> = selectors.split(',').filter(|s| concerns(s)).collect();
        if !kept.is_empty() {
            out.push_str(&kept.join(","));
            out.push('{');
            out.push_str(body);
        }
    }
    out
}

/// The look in light colours, without variables, and without rules for links: for programs that know
/// little CSS. Only what `body` has a use for.
pub(super) fn plain(body: &str) -> String {
    let look = look!();
    let (variables, rules) = look.split_once('}').unwrap_or_default();
    // `--msd-a:var(--blockquote-note-color,var(--links,#0a58ca))` is its last fallback.
    let values = variables.split(';').filter_map(|v| {
        let name = v.find("--msd-").map(|at| &v[at..])?.split_once(':')?.0;
        let value = v.rsplit_once(',')?.1.trim_end_matches(')');
        Some((format!("var({name})"), value))
    });
    let mut rules = used(rules, body);
    for (variable, value) in values {
        rules = rules.replace(&variable, value);
    }
    format!("svg.msd{{font-family:'Open Sans',Arial,sans-serif}}{rules}")
        .replace(".msd-figure", ".msd")
}

#[cfg(test)]
mod tests {
    use super::{STYLE, file, plain};

    /// A picture with every class.
    fn all() -> String {
        let classes = STYLE
            .split('.')
            .map(|c| c.split([' ', ',', '{', ':', '>']).next());
        let classes: Vec<&str> = classes.flatten().collect();
        format!("<a x=\"\"><g class=\"{}\">", classes.join(" "))
    }

    #[test]
    fn a_file_has_the_rules_of_what_occurs() {
        let css = file("<g class=\"e y\">");
        assert!(
            css.contains(".msd .y{") && css.contains(".msd .e{"),
            "{css}"
        );
        assert!(
            css.contains(".msd text{") && css.contains("--msd-a:"),
            "{css}"
        );
        for other in [" .z{", " a ", " .t", ".dot"] {
            assert!(!css.contains(&format!(".msd{other}")), "{other} in {css}");
        }
        assert!(file(&all()).contains(&look!().replace(".msd-figure", ".msd")));
    }

    #[test]
    fn the_plain_style_has_all_colours_and_no_variable() {
        let css = plain(&all().replace("<a ", "<g "));
        assert!(!css.contains("var(") && !css.contains("--"), "{css}");
        for colour in [
            "#1b1f24", "#fff", "#0a58ca", "#177245", "#7a3fc4", "#b3261e",
        ] {
            assert!(css.contains(colour), "{colour}");
        }
    }

    #[test]
    fn stands_in_markdown_and_xml() {
        for css in [STYLE, file(&all()).as_str()] {
            assert!(!css.contains(['\n', '<', '&', '`']));
            assert_eq!(css.matches('{').count(), css.matches('}').count());
        }
    }

    #[test]
    fn touches_nothing_else() {
        let file = file(&all());
        let rules = STYLE.split('}').chain(file.split('}'));
        for rule in rules.filter(|r| !r.is_empty()) {
            let selectors = rule.rsplit_once('{').map_or("", |r| r.0);
            for one in selectors.rsplit('{').next().unwrap_or_default().split(',') {
                let ours = [".msd-", ".msd ", "svg.msd", "@page msd-"]
                    .iter()
                    .any(|o| one == ".msd" || one.starts_with(o));
                assert!(ours, "{one}");
            }
        }
    }
}
