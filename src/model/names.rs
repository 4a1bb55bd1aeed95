//! Looking names up, with a suggestion where one is near.

use std::collections::BTreeMap;

use super::design::{ActorId, Party, ServiceId};
use crate::diag::{Diagnostic, nearest};
use crate::spec::Text;

/// The names of parties that a spec declares.
#[derive(Default)]
pub(super) struct Names {
    services: BTreeMap<String, ServiceId>,
    actors: BTreeMap<String, ActorId>,
    /// Whether no service is declared or could be read: then no name is known, and saying so of each is noise.
    mute: bool,
}

impl Names {
    pub(super) fn new(
        services: BTreeMap<String, ServiceId>,
        actors: BTreeMap<String, ActorId>,
        mute: bool,
    ) -> Self {
        Self {
            services,
            actors,
            mute,
        }
    }

    pub(super) fn find_service(&self, name: &str) -> Option<ServiceId> {
        self.services.get(name).copied()
    }

    pub(super) fn find(&self, name: &str) -> Option<Party> {
        self.find_service(name)
            .map(Party::Service)
            .or_else(|| self.actors.get(name).copied().map(Party::Actor))
    }

    /// The service `name`, or a report.
    pub(super) fn service(&self, name: &Text, out: &mut Vec<Diagnostic>) -> Option<ServiceId> {
        let found = self.find_service(&name.value);
        if found.is_none() && !self.mute {
            let mut d = self.unknown(name);
            if self.actors.contains_key(&name.value) {
                d = Diagnostic::error(
                    "unknown-service",
                    name.span,
                    format!(
                        "`{}` is an actor outside; a service is needed here",
                        name.value
                    ),
                )
                .at("not a service")
                .help(
                    "name a service here, or declare it in `services` if it is part of the system",
                );
            }
            out.push(d);
        }
        found
    }

    /// The service or actor `name`, or a report.
    pub(super) fn party(&self, name: &Text, out: &mut Vec<Diagnostic>) -> Option<Party> {
        let found = self.find(&name.value);
        if found.is_none() && !self.mute {
            out.push(self.unknown(name));
        }
        found
    }

    fn unknown(&self, name: &Text) -> Diagnostic {
        let known = self.services.keys().chain(self.actors.keys());
        let help = match nearest(&name.value, known.map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "declare `{}` in `services`, or in `actors` if it is outside the system",
                short(&name.value)
            ),
        };
        Diagnostic::error(
            "unknown-service",
            name.span,
            format!("there is no service `{}`", short(&name.value)),
        )
        .at("not declared")
        .help(help)
    }
}

/// A name as messages show it.
pub(super) fn short(name: &str) -> String {
    let mut out: String = name.chars().take(60).collect();
    if out.len() < name.len() {
        out.push('…');
    }
    out
}

/// Whether `name` may name a service, team or actor: letters, digits, `-`, `_`, `.` and inner spaces.
pub(super) fn valid(name: &str) -> bool {
    name.chars().count() <= 100
        && !name.starts_with(' ')
        && !name.ends_with(' ')
        && name.chars().any(char::is_alphanumeric)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '))
        && !name.contains("--")
}

/// Reports a name that may not be one.
pub(super) fn check(what: &str, name: &Text, out: &mut Vec<Diagnostic>) {
    if valid(&name.value) {
        return;
    }
    out.push(
        Diagnostic::error(
            "bad-name",
            name.span,
            format!("`{}` cannot name {what}", short(&name.value)),
        )
        .at("not a name")
        .help("names are letters, digits, `-`, `_`, `.` and inner spaces, at most 100 of them, and no `--`"),
    );
}
