//! Pattern code: circuit breaker, retry, bulkhead and the three composed for one call of the design, in
//! each language.
//!
//! A sample is one template of `templates/code/<language>/` filled with the values of one call. It
//! uses the language's standard library only and means the same in every language:
//!
//! **Circuit breaker.** An outcome is a *success* (any answer that shows the callee works, so also
//! the refusals that blame the caller, such as 4xx; a fault of the caller's own counts like one), a
//! *failure* (timeout, lost or refused connection, 5xx) or *ignored* (the caller gave up; it says
//! nothing). A success that took `slow_call_ms` or more counts as a failure.
//! - *Closed*: every call is admitted. The window is counted in tenths of its length since the breaker
//!   closed: an outcome belongs to the tenth in which it is recorded, and that one and the nine before it
//!   count. After an outcome was added, the breaker opens if they hold at least `minimum_calls` and
//!   failures / calls ≥ `failure_ratio`.
//! - *Open*: every call is refused at once until `open_ms` have passed since it opened.
//! - *Half-open*, from that moment: at most `half_open_calls` probes are admitted, the rest is refused. An
//!   ignored probe gives its place back. A failure opens the breaker again; when all probes have succeeded
//!   it closes with an empty window.
//! - The caller's cancellation is told apart from the attempt's timeout, which is a failure: where a
//!   language ends both alike, the breaker looks at the caller's own signal (C#, TypeScript), or the
//!   timeout is set inside it (Python).
//! - An outcome counts only in the phase (from one opening or closing to the next) in which its call was
//!   admitted; a late one is dropped.
//!
//! **Retry.** `attempts` includes the first. Attempt `n` (from 1) may take the smaller of
//! `attempt_timeout_ms` and what is left of `deadline_ms`. After a failed attempt the error is
//! *not processed* (429, or the connection was refused: retried for every call), *unknown* (timeout, lost
//! connection, 502 to 504: retried only if the call is idempotent), *broken* (500: the callee failed and
//! would again, never retried) or *final* (all else: an open breaker, a refusal, an error that nobody knows
//! and so any fault of the program; never retried). The pause is U(0, min(cap, base · 2^(n-1))), after
//! the callee's `Retry-After` if it sent one. The error is returned when the attempts are used up, when the pause
//! would not end before the deadline, or when the budget is empty, in this order.
//!
//! **Retry budget.** Counted in thousandths of a retry: a logical call earns
//! `retry_budget_ratio` · 1000 when it starts, a retry costs 1000, at most ten retries are kept, and
//! that many are there at the start so that a quiet client may retry at all.
//!
//! **Bulkhead.** `slots` calls at a time; one more is refused at once, for a queue would only hide that the
//! callee is too slow. A slot is given back however the call ends.
//!
//! **Guarded call.** The bulkhead is outside, the breaker inside the retry: a logical call keeps one slot
//! while it pauses, each attempt counts for the breaker, and an open breaker ends the retry. Timeouts,
//! lost and refused connections and replies that say that the callee failed count; a refusal such as 429 does
//! not. A call that is tried once has no retry in it, and `attempt_timeout_ms` for all of it; one without a
//! breaker has none.
//!
//! **Fallback.** Where the design has one, it answers a call that was not served: that the bulkhead or the breaker
//! refused, or whose last error was *not processed*, *unknown* or *broken*. It gets that error and may end with it.
//! What is *final* otherwise, such as a 4xx or a fault of the program, passes it by, and so does a caller's
//! cancellation. Of a call that is tried once it answers what counts for the breaker; a 429 passes it by there.
//!
//! `tests/code/reference.rs` is a machine by these rules; every language replays its trace table.

mod languages;
mod safe;

use std::sync::LazyLock;

use minijinja::{Environment, State, UndefinedBehavior, Value, context};

pub use languages::{Case, LANGUAGES, Language, language};
pub use safe::identifier;
pub(crate) use safe::{comment, dollars, literal};

/// One of the patterns that a chapter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Stops calling a callee that fails.
    CircuitBreaker,
    /// Tries again with full jitter, a deadline and a budget.
    Retry,
    /// Caps how many calls are under way.
    Bulkhead,
    /// The three around the call.
    GuardedCall,
}

impl Pattern {
    /// All patterns in the order of the chapter.
    pub const ALL: [Self; 4] = [
        Self::CircuitBreaker,
        Self::Retry,
        Self::Bulkhead,
        Self::GuardedCall,
    ];

    /// What ids of a page call it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "breaker",
            Self::Retry => "retry",
            Self::Bulkhead => "bulkhead",
            Self::GuardedCall => "guarded",
        }
    }

    /// Whether `call` uses it: one that is tried once has no retry, and nothing is put around one that has no
    /// breaker either.
    #[must_use]
    pub fn of(self, call: &CallSample) -> bool {
        match self {
            Self::CircuitBreaker => call.breaker.is_some(),
            Self::Retry => call.attempts.value > 1,
            Self::Bulkhead => true,
            Self::GuardedCall => call.breaker.is_some() || call.attempts.value > 1,
        }
    }

    /// Position in [`Pattern::ALL`] and in the lists of a [`Language`].
    fn index(self) -> usize {
        match self {
            Self::CircuitBreaker => 0,
            Self::Retry => 1,
            Self::Bulkhead => 2,
            Self::GuardedCall => 3,
        }
    }
}

/// A number of the design and why it has this value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reasoned<'a, T> {
    /// The number.
    pub value: T,
    /// The reason: a short phrase, of any origin (it is made safe here).
    pub why: &'a str,
}

impl<'a, T> Reasoned<'a, T> {
    /// A number with its reason.
    pub const fn new(value: T, why: &'a str) -> Self {
        Self { value, why }
    }
}

/// Values of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerValues<'a> {
    /// Share of failed calls that opens it, 0 to 1.
    pub failure_ratio: Reasoned<'a, f64>,
    /// Length of the sliding window in seconds.
    pub window_s: Reasoned<'a, u32>,
    /// Calls that the window must hold before the ratio means anything.
    pub minimum_calls: Reasoned<'a, u32>,
    /// Milliseconds for which an open breaker refuses.
    pub open_ms: Reasoned<'a, u32>,
    /// Probes of a half-open breaker; all must succeed.
    pub half_open_calls: Reasoned<'a, u32>,
    /// Milliseconds from which a successful call counts as failed.
    pub slow_call_ms: Reasoned<'a, u32>,
}

/// What the caller does when the call is not served. The texts may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback<'a> {
    /// It has this answer all the same, such as `the last price that was read`.
    Answers(&'a str),
    /// It has none and ends so itself, such as `fails fast with 503`.
    Fails(&'a str),
}

/// One call of the design with every value that its pattern code needs. The strings may hold
/// anything; numbers outside their range are brought to its edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallSample<'a> {
    /// The service that calls.
    pub caller: &'a str,
    /// The service that is called; names the functions of the sample.
    pub callee: &'a str,
    /// What is called, such as `POST /charges`.
    pub operation: &'a str,
    /// How, such as `REST` or `gRPC`.
    pub protocol: &'a str,
    /// Milliseconds that one attempt may take.
    pub attempt_timeout_ms: Reasoned<'a, u32>,
    /// Attempts, the first included.
    pub attempts: Reasoned<'a, u32>,
    /// Upper bound of the first pause in milliseconds.
    pub backoff_base_ms: Reasoned<'a, u32>,
    /// Upper bound of every pause in milliseconds.
    pub backoff_cap_ms: Reasoned<'a, u32>,
    /// Retries that each logical call earns, 0 to 1.
    pub retry_budget_ratio: Reasoned<'a, f64>,
    /// Milliseconds for the whole logical call, pauses included.
    pub deadline_ms: Reasoned<'a, u32>,
    /// Whether a request may be sent again after it may have been processed.
    pub idempotent: Reasoned<'a, bool>,
    /// Whether that takes an `Idempotency-Key`, as a POST does.
    pub keyed: bool,
    /// The circuit breaker's values; `None`: it has no breaker.
    pub breaker: Option<BreakerValues<'a>>,
    /// Calls under way at the same time.
    pub slots: Reasoned<'a, u32>,
    /// What the caller does when the call is not served.
    pub fallback: Fallback<'a>,
}

/// The code of `pattern` around `call`, ready for a fence with the info string
/// [`Language::fence`]; ends with a newline. Only for a pattern that the call uses ([`Pattern::of`]).
#[must_use]
pub fn sample(language: &Language, pattern: Pattern, call: &CallSample) -> String {
    // The templates are part of the program and every one is rendered by the tests; if one is
    // broken all the same, the sample says so instead of taking the chapter down.
    fill(language, pattern, call).unwrap_or_else(|error| {
        format!(
            "{} This sample could not be written: {}\n",
            language.comment,
            safe::comment(&error.to_string())
        )
    })
}

fn fill(
    language: &Language,
    pattern: Pattern,
    call: &CallSample,
) -> Result<String, minijinja::Error> {
    let shared = context! {
        caller => safe::label(call.caller),
        callee => safe::label(call.callee),
        operation => safe::label(call.operation),
        protocol => safe::label(call.protocol),
        text => safe::literal(call.callee),
        name => identifier(call.callee, language.case, language.reserved),
        package => identifier(call.caller, Case::Package, language.reserved),
        typed => language.id != "javascript",
    };
    let values = match pattern {
        Pattern::CircuitBreaker => breaker_values(language, call.breaker.as_ref()),
        Pattern::Retry => context! {
            attempts => count(language, call.attempts, 1),
            attempt_timeout_ms => count(language, call.attempt_timeout_ms, 1),
            deadline_ms => count(language, call.deadline_ms, 1),
            backoff_base_ms => count(language, call.backoff_base_ms, 0),
            backoff_cap_ms => count(language, call.backoff_cap_ms, 0),
            budget_per_call => ratio(language, call.retry_budget_ratio, true),
            idempotent => truth(language, call.idempotent),
        },
        Pattern::Bulkhead => context! { slots => count(language, call.slots, 1) },
        Pattern::GuardedCall => {
            let [refused, failed, broken_by] = replies(call.protocol);
            let (retried, broken) = (call.attempts.value > 1, call.breaker.is_some());
            let (answers, fallback) = match call.fallback {
                Fallback::Answers(text) => (true, format!("The design's fallback: {text}")),
                Fallback::Fails(text) => (
                    false,
                    format!("No fallback: {} {text}", safe::label(call.caller)),
                ),
            };
            context! {
                refused, failed, broken_by, retried, broken, answers,
                keyed => call.keyed,
                parts => match (retried, broken) {
                    (true, true) => "bulkhead, retry and breaker",
                    (true, false) => "bulkhead and retry",
                    (false, _) => "bulkhead and breaker",
                },
                attempt_timeout_ms => count(language, call.attempt_timeout_ms, 1),
                mapping => format!("{refused}: not processed; {failed}: unknown; {broken_by}: broken"),
                fallback => safe::wrap(&fallback, 76).join("\n"),
            }
        }
    };
    let template = TEMPLATES.get_template(&template_name(language, pattern))?;
    let mut code = template.render(context! { ..shared, ..values })?;
    // The engine drops the newline that ends a template.
    code.push('\n');
    Ok(code)
}

/// The values of a breaker; none of a call without one, whose template then fails.
fn breaker_values(language: &Language, breaker: Option<&BreakerValues>) -> Value {
    let Some(breaker) = breaker else {
        return context! {};
    };
    context! {
        failure_ratio => ratio(language, breaker.failure_ratio, false),
        window_s => count(language, breaker.window_s, 1),
        minimum_calls => count(language, breaker.minimum_calls, 1),
        open_ms => count(language, breaker.open_ms, 0),
        half_open_calls => count(language, breaker.half_open_calls, 1),
        slow_call_ms => count(language, breaker.slow_call_ms, 0),
    }
}

/// Replies that say that nothing was processed, those that say that the callee failed and may work soon, and
/// those that say that it would fail again.
pub(crate) fn replies(protocol: &str) -> [&'static str; 3] {
    match protocol {
        "REST" | "GraphQL" => ["429", "502, 503, 504", "500"],
        "gRPC" => ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL"],
        _ => ["a refusal", "an outage", "a fault"],
    }
}

/// A whole number between `least` and the largest 32-bit integer that every language has.
fn count(language: &Language, number: Reasoned<'_, u32>, least: u32) -> Value {
    let most = u32::try_from(i32::MAX).unwrap_or(u32::MAX);
    context! { value => number.value.clamp(least, most), why => note(language, number.why) }
}

/// A share between 0 and 1, as a decimal with at most four places, or as whole thousandths.
fn ratio(language: &Language, number: Reasoned<'_, f64>, thousandths: bool) -> Value {
    let share = if number.value.is_nan() {
        0.0
    } else {
        number.value.clamp(0.0, 1.0)
    };
    let text = if thousandths {
        format!("{:.0}", share * 1000.0)
    } else {
        format!("{:?}", (share * 10_000.0).round() / 10_000.0)
    };
    context! { value => text, why => note(language, number.why) }
}

/// A truth value; `value` prints as Python writes it, `text` as all others do.
fn truth(language: &Language, fact: Reasoned<'_, bool>) -> Value {
    context! { value => fact.value, text => fact.value.to_string(), why => note(language, fact.why) }
}

/// A text of any origin as lines of a comment of any language, at most `width` characters long where its words
/// allow.
pub(crate) fn comment_lines(text: &str, width: usize) -> Vec<String> {
    safe::wrap(text, width)
}

/// A name of any origin as it may stand in a comment of any language.
pub(crate) fn name_in_comment(name: &str) -> String {
    safe::label(name)
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.add_filter("digits", digits);
    env.add_filter("dollars", safe::dollars);
    env.add_filter("seconds", seconds);
    env.add_filter("under", under);
    env.add_filter("ts", ts);
    env.add_filter("capitalize", minijinja::filters::capitalize);
    for language in &LANGUAGES {
        for pattern in Pattern::ALL {
            // A template that does not parse is missing afterwards, and `fill` reports that.
            let source = language.templates[pattern.index()];
            let _ = env.add_template_owned(template_name(language, pattern), source);
        }
    }
    env
});

fn template_name(language: &Language, pattern: Pattern) -> String {
    format!("{}/{}", language.id, language.files[pattern.index()])
}

/// A reason as comment lines; the first stands where the template put it, the others under it.
fn note(language: &Language, reason: &str) -> String {
    let columns: usize = language
        .indent
        .chars()
        .map(|c| if c == '\t' { 4 } else { 1 })
        .sum();
    let mut out = String::new();
    for (index, line) in safe::wrap(reason, 80usize.saturating_sub(columns))
        .iter()
        .enumerate()
    {
        if index > 0 {
            out.push('\n');
            out.push_str(language.indent);
        }
        out.push_str(language.comment);
        out.push(' ');
        out.push_str(line);
    }
    out
}

/// Filter `digits`: a whole number with `_` between thousands, as all the languages take it.
pub(crate) fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut out = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        // Four digits read well without a separator.
        if plain.len() > 4 && index > 0 && (plain.len() - index).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

/// Filter `under`: the lines of a comment, each but the first behind `start`.
#[allow(clippy::needless_pass_by_value)] // the template engine hands them over
pub(crate) fn under(lines: String, start: String) -> String {
    lines.replace('\n', &format!("\n{start}"))
}

/// Filter `ts`: a part of TypeScript that JavaScript does not have, such as a type.
#[allow(clippy::needless_pass_by_value)] // the template engine hands it over
pub(crate) fn ts(state: &State, part: String) -> String {
    match state.lookup("typed") {
        Some(typed) if typed.is_true() => part,
        _ => String::new(),
    }
}

/// Filter `seconds`: milliseconds as a decimal number of seconds.
pub(crate) fn seconds(milliseconds: u64) -> String {
    let decimal = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    let short = decimal.trim_end_matches('0');
    if short.ends_with('.') {
        format!("{short}0")
    } else {
        short.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{digits, seconds};

    #[test]
    fn numbers_read_well() {
        assert_eq!(digits(0), "0");
        assert_eq!(digits(5000), "5000");
        assert_eq!(digits(30_000), "30_000");
        assert_eq!(digits(2_147_483_647), "2_147_483_647");
        assert_eq!(seconds(0), "0.0");
        assert_eq!(seconds(50), "0.05");
        assert_eq!(seconds(1500), "1.5");
        assert_eq!(seconds(30_000), "30.0");
    }
}
