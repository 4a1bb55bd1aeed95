//! Which errors a caller has to expect of each call, when, and whether a repetition helps.

use super::Plan;
use crate::model::{Auth, Call, CallId, Method, Party, Protocol};

/// One error answer of one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorAnswer {
    /// The status on the wire: of HTTP (RFC 9110, RFC 6585), or of gRPC by name.
    pub code: &'static str,
    /// When the callee or the gateway answers so.
    pub when: String,
    /// Whether the same request may succeed a moment later. Only a call that may be repeated is.
    pub transient: bool,
}

impl Plan<'_> {
    /// How the caller of `id` proves who it is.
    #[must_use]
    pub fn auth(&self, id: CallId) -> Auth {
        let c = self.model.call(id);
        match (c.auth, c.from) {
            (Some(auth), _) => auth.value,
            // A user's token is passed on by the gateway.
            (None, Party::Actor(_)) => Auth::Jwt,
            (None, Party::Service(_)) => self.choices.auth,
        }
    }

    /// The errors of the call `id` by their code. Empty for a protocol that has no codes we know.
    #[must_use]
    pub fn errors(&self, id: CallId) -> Vec<ErrorAnswer> {
        let c = self.model.call(id);
        let signs: Signs = match c.protocol {
            Protocol::Rest(method) => rest(c, method),
            Protocol::GraphQl => GRAPHQL,
            Protocol::Grpc => grpc(&c.operation),
            Protocol::Other(_) => return Vec::new(),
        };
        let callee = &self.model.service(c.to).name;
        let mut out = Vec::new();
        let mut say = |code, when: String, transient| {
            out.push(ErrorAnswer {
                code,
                when,
                transient,
            });
        };
        for (code, when) in signs.request {
            say(*code, (*when).to_owned(), false);
        }
        let http = signs.overload == "503";
        // A certificate is refused before there is a request to answer.
        if self.auth(id) != Auth::Mtls {
            say(
                if http { "401" } else { "UNAUTHENTICATED" },
                "the caller's token is missing, expired or forged".to_owned(),
                false,
            );
        }
        say(
            if http { "403" } else { "PERMISSION_DENIED" },
            "the caller is known but may not do this".to_owned(),
            false,
        );
        if matches!(c.from, Party::Actor(_)) || c.rate_limit.is_some() {
            say(
                if http { "429" } else { "RESOURCE_EXHAUSTED" },
                "the caller is over its limit; nothing was processed".to_owned(),
                true,
            );
        }
        say(
            if http { "500" } else { "INTERNAL" },
            "a fault in the callee, which would fail again".to_owned(),
            false,
        );
        say(
            signs.overload,
            "no instance of the callee is ready or has room".to_owned(),
            true,
        );
        // Whoever waits for others tells that it waited in vain.
        let slowest = self
            .callees(c.to)
            .iter()
            .max_by_key(|b| (self.call(**b).of_request(), std::cmp::Reverse(b.0)));
        if let Some(slowest) = slowest {
            let behind = &self.model.service(self.model.call(*slowest).to).name;
            say(
                if http { "504" } else { "DEADLINE_EXCEEDED" },
                format!("`{callee}` waited in vain, for `{behind}` the longest"),
                true,
            );
        } else if !http {
            say(
                "DEADLINE_EXCEEDED",
                format!("`{callee}` did not answer in time"),
                true,
            );
        }
        out.sort();
        out
    }
}

/// What of the errors follows from the request alone, and the code of a callee without room.
struct Signs {
    request: &'static [(&'static str, &'static str)],
    overload: &'static str,
}

const MALFORMED: (&str, &str) = ("400", "a parameter or the body breaks the contract");
const NAMES_NOTHING: (&str, &str) = ("404", "what the path names does not exist");
/// The draft of the header `Idempotency-Key`.
const STILL_RUNNING: (&str, &str) = ("409", "a request with this `Idempotency-Key` still runs");
const KEY_REUSED: (&str, &str) = ("422", "the `Idempotency-Key` came before with another body");

const GRAPHQL: Signs = Signs {
    request: &[(
        "400",
        "the document does not parse or validate; whatever fails later stands in `errors` of a 200",
    )],
    overload: "503",
};

fn rest(c: &Call, method: Option<Method>) -> Signs {
    let path = c.operation.split_once(' ').map_or("", |(_, path)| path);
    let named = path.contains('{') || path.contains("/:");
    let keyed = method.is_some_and(|m| !m.idempotent());
    let body = keyed || method == Some(Method::Put);
    let request: &[_] = match (named, keyed, body || path.contains('?')) {
        (true, true, _) => &[MALFORMED, NAMES_NOTHING, STILL_RUNNING, KEY_REUSED],
        (false, true, _) => &[MALFORMED, STILL_RUNNING, KEY_REUSED],
        (true, false, _) => &[MALFORMED, NAMES_NOTHING],
        (false, false, true) => &[MALFORMED],
        (false, false, false) if method.is_none() => &[MALFORMED, NAMES_NOTHING],
        (false, false, false) => &[],
    };
    Signs {
        request,
        overload: "503",
    }
}

/// By the standard methods of Google's API design guide (AIP-131 to AIP-135).
fn grpc(operation: &str) -> Signs {
    const BAD: (&str, &str) = ("INVALID_ARGUMENT", "a field breaks the contract");
    const MISSING: (&str, &str) = ("NOT_FOUND", "what the request names does not exist");
    const EXISTS: (&str, &str) = ("ALREADY_EXISTS", "what it would create exists");
    let method = operation.rsplit(['/', '.']).next().unwrap_or(operation);
    let begins = |words: &[&str]| words.iter().any(|w| method.starts_with(w));
    let request: &[_] = if begins(&["List", "Search"]) {
        &[BAD]
    } else if begins(&["Create", "Add"]) {
        &[EXISTS, BAD]
    } else {
        &[BAD, MISSING]
    };
    Signs {
        request,
        overload: "UNAVAILABLE",
    }
}
