//! What an author may say about how a caller proves who it is.

use std::collections::BTreeSet;

use super::check::{self, Out};
use super::design::Set;
use crate::spec::{JwtDecl, Text};

/// Whose token a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The one that the caller was called with, as it came.
    Relay,
    /// One for this callee, exchanged for the one that the caller was called with.
    Exchange,
    /// The caller's own.
    Own,
}

pub(super) fn token(text: Option<&Text>, out: Out<'_>) -> Option<Set<Token>> {
    let text = text?;
    let known = ["relay", "exchange", "own"];
    let value = match check::choice("a token of a call", text, &known, out)? {
        "relay" => Token::Relay,
        "exchange" => Token::Exchange,
        _ => Token::Own,
    };
    Some(Set {
        value,
        span: text.span,
    })
}

/// What of a token is checked, by the names of its claims and of its algorithm.
pub(super) fn jwt(decl: Option<&JwtDecl>, out: Out<'_>) -> Option<Set<BTreeSet<&'static str>>> {
    const KNOWN: [&str; 9] = [
        "alg",
        "signature",
        "iss",
        "aud",
        "exp",
        "nbf",
        "sub",
        "typ",
        "scope",
    ];
    let decl = decl?;
    let checks = decl.checks.iter();
    Some(Set {
        value: checks
            .filter_map(|c| check::choice("a check of a token", c, &KNOWN, out))
            .collect(),
        span: decl.span,
    })
}
