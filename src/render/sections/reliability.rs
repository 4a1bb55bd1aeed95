//! Section body.

use super::super::Cx;
use super::super::doc::Doc;

pub(super) fn write(_cx: &Cx<'_>, _doc: &mut Doc) {}
