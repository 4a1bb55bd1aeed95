//! English verbs of events: which names order something, and how to say that it has happened.

/// Verbs that no noun looks like: where one begins a name or ends it, it is an order.
pub const ORDERS: [&str; 24] = [
    "add",
    "allocate",
    "apply",
    "approve",
    "assign",
    "authorize",
    "calculate",
    "cancel",
    "confirm",
    "create",
    "delete",
    "deliver",
    "execute",
    "fetch",
    "get",
    "insert",
    "notify",
    "process",
    "remove",
    "reserve",
    "send",
    "submit",
    "validate",
    "write",
];

/// Verbs that are nouns or adjectives as well: they order something only where a thing follows.
pub const ORDERS_IN_FRONT: [&str; 22] = [
    "capture", "charge", "close", "complete", "decline", "disable", "dispatch", "enable",
    "generate", "handle", "make", "pay", "place", "prepare", "publish", "refund", "register",
    "reject", "release", "ship", "start", "update",
];

/// Verbs that end the names of facts told in the wrong tense: `price.change`.
const OTHERS: [&str; 16] = [
    "accept", "archive", "book", "change", "check", "expire", "fail", "finish", "import", "move",
    "open", "receive", "return", "scan", "transfer", "verify",
];

/// Whether `word` is one of these verbs, in the infinitive.
pub(super) fn is_verb(word: &str) -> bool {
    ORDERS.contains(&word) || ORDERS_IN_FRONT.contains(&word) || OTHERS.contains(&word)
}

/// The past participle of one of these verbs: `placed`, `sent`, `notified`.
pub(super) fn past(verb: &str) -> String {
    match verb {
        "send" => "sent".to_owned(),
        "pay" => "paid".to_owned(),
        "make" => "made".to_owned(),
        "write" => "written".to_owned(),
        "get" => "fetched".to_owned(),
        "cancel" | "ship" | "submit" | "scan" | "transfer" => {
            format!("{verb}{}ed", verb.chars().last().unwrap_or_default())
        }
        v if v.ends_with('e') => format!("{v}d"),
        v if v.ends_with('y') && !v.ends_with("ay") => format!("{}ied", &v[..v.len() - 1]),
        v => format!("{v}ed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participles_are_english() {
        for (verb, participle) in [
            ("notify", "notified"),
            ("place", "placed"),
            ("cancel", "cancelled"),
            ("ship", "shipped"),
            ("send", "sent"),
            ("refund", "refunded"),
        ] {
            assert!(is_verb(verb));
            assert_eq!(past(verb), participle);
        }
        // The convention takes each of them for the past.
        for verb in ORDERS.iter().chain(&ORDERS_IN_FRONT).chain(&OTHERS) {
            assert!(crate::plan::is_past(&past(verb)), "{verb}: {}", past(verb));
        }
    }
}
