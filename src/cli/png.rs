//! A picture in pixels, for places that take no SVG. Only in builds with the feature `png`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};

/// The most pixels of a picture; it takes four bytes each while it is drawn.
const MOST: f32 = 64e6;
/// Fonts that the widths of labels are made for, the best first.
const KNOWN: [&str; 5] = [
    "Open Sans",
    "Arial",
    "Liberation Sans",
    "DejaVu Sans",
    "Noto Sans",
];

/// The bytes of `svg`, with `scale` pixels for each of its own. It is written with the first of `fonts`, and
/// then has the same bytes on every machine; without any, with what the machine has.
///
/// # Errors
///
/// A font cannot be read, there is none, or there would be too many pixels.
pub(super) fn png(svg: &str, scale: f32, fonts: &[PathBuf]) -> Result<Vec<u8>> {
    let mut options = Options::default();
    let known = Arc::make_mut(&mut options.fontdb);
    if fonts.is_empty() {
        known.load_system_fonts();
    }
    for font in fonts {
        let shown = super::shown(font);
        let bytes = std::fs::read(font).with_context(|| format!("`{shown}` cannot be read"))?;
        let before = known.len();
        known.load_font_data(bytes);
        if known.len() == before {
            bail!("`{shown}` is no font (TrueType or OpenType)");
        }
    }
    let Some(family) = family(known) else {
        bail!("there is no font to write with: name one with `--font FILE`");
    };
    known.set_sans_serif_family(&family);
    options.font_family = family;
    let tree = Tree::from_str(svg, &options).context("the picture cannot be drawn as PNG")?;
    let (w, h) = (tree.size().width() * scale, tree.size().height() * scale);
    if w * h > MOST {
        bail!("{w:.0} × {h:.0} pixels are too many: choose a smaller `--scale`, or `svg`");
    }
    let mut drawn = Pixmap::new(w.ceil() as u32, h.ceil() as u32)
        .ok_or_else(|| anyhow!("{w:.0} × {h:.0} pixels cannot be drawn"))?;
    let to_scale = Transform::from_scale(scale, scale);
    resvg::render(&tree, to_scale, &mut drawn.as_mut());
    drawn
        .encode_png()
        .context("the picture cannot be written as PNG")
}

/// The font to write with: one that the labels are measured for if there is one, else the first.
fn family(fonts: &Database) -> Option<String> {
    let has = |name: &&str| {
        let query = Query {
            families: &[Family::Name(name)],
            ..Query::default()
        };
        fonts.query(&query).is_some()
    };
    let known = KNOWN.iter().copied().find(|n| has(n)).map(str::to_owned);
    known.or_else(|| Some(fonts.faces().next()?.families.first()?.0.clone()))
}
