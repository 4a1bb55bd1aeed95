//! What is written about tokens and their checks.

use super::Text;
use super::table::{Context, Table};
use crate::diag::Span;

/// How tokens are checked.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtDecl {
    /// Where the checks stand, or the whole table.
    pub span: Span,
    /// What is compared: `alg`, `iss`, `aud`, `exp`, …
    pub checks: Vec<Text>,
}

/// The table `jwt`.
pub(super) fn jwt(cx: &mut Context<'_>, t: &mut Table<'_>) -> Option<JwtDecl> {
    let mut t = t.table(cx, "jwt", "a token check")?;
    let whole = t.span;
    let checks = t.entry(cx, "checks").map(|e| e.span);
    let out = JwtDecl {
        span: checks.unwrap_or(whole),
        checks: t.texts(cx, "checks").unwrap_or_default(),
    };
    if checks.is_none() {
        t.missing(
            cx,
            "checks",
            "checks = [\"alg\", \"iss\", \"aud\", \"exp\"]",
        );
    }
    t.finish(cx);
    Some(out)
}
