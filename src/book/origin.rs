//! Leads findings back to the file that the author has open.
//!
//! mdBook hands chapters over after `{{#include}}` and after other preprocessors, so lines may have
//! moved. The file is read only when there is something to report.

use super::design::Page;
use super::fences::{self, Block};
use crate::diag::{SourceId, Sources};

/// Makes `block` `nth` of `page` and its info string speak of the file on disk.
///
/// The block is the one with the same text there, counted among its like. If there is none, the name
/// says that the lines are those of the expanded text.
pub(crate) fn trace(
    page: &Page<'_>,
    blocks: &[Block],
    nth: usize,
    sources: &mut Sources,
    block_id: SourceId,
    info_id: Option<SourceId>,
) {
    let Some(text) = page.file.as_ref().and_then(|f| std::fs::read(f).ok()) else {
        return;
    };
    // mdBook takes a byte order mark off.
    let text = String::from_utf8_lossy(&text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text == page.text {
        return;
    }
    let block = &blocks[nth];
    let info = block.info_text(page.text);
    let same =
        |other: &Block, text: &str| other.content == block.content && other.info_text(text) == info;
    let before = blocks[..nth].iter().filter(|b| same(b, page.text)).count();
    let on_disk = fences::find(text);
    let (name, text, block) = match on_disk.iter().filter(|b| same(b, text)).nth(before) {
        Some(found) => (page.name.clone(), text, found),
        None => (format!("{} (after includes)", page.name), page.text, block),
    };
    sources.replace(block_id, block.source(&name, text));
    if let Some(id) = info_id {
        sources.replace(id, block.info_source(&name, text));
    }
}
