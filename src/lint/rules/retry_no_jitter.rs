//! `retry-no-jitter`: all callers come back at the same moment.
//!
//! A call with retries of which the author says `backoff = "none"`, or a `backoff` with `jitter =
//! false`.

use super::prelude::*;

rule! {
    id: "retry-no-jitter",
    severity: Warning,
    section: Reliability,
    summary: "all callers come back at the same moment",
    what: "A call with retries of which the author says `backoff = \"none\"`, or a `backoff` with `jitter = false`.",
    why: "Whoever failed together tries again together: the callee comes back into the same wave that it went down in, again and again.",
    limits: "A call about whose waits nothing is said is not reported: the design gives it full jitter.",
    source: "AWS Architecture, Exponential backoff and jitter",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(backoff) = c.policy.backoff else { continue };
        let (span, message, label) = match backoff.value {
            Stated::Lacking => (
                backoff.span,
                "repeats a failed call at once",
                "no wait between attempts today",
            ),
            Stated::Value(b) => match b.jitter.filter(|j| !j.value) {
                Some(j) => (j.span, "waits the same time as every other caller", "a fixed wait today"),
                None => continue,
            },
        };
        let (attempts, retries) = facts.attempts(id);
        if attempts < 2 {
            continue;
        }
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let mut d = report
            .at(span, format!("`{caller}` {message} before it tries `{callee}` again"))
            .at(label);
        if backoff.value == Stated::Lacking {
            d.message = format!("`{caller}` {message}, and so does everybody else who calls `{callee}`");
        }
        if let Some(span) = retries {
            d = d.label(span, format!("{attempts} attempts"));
        }
        let p = facts.plan.call(id);
        let (base, cap) = (p.backoff_base.value, p.backoff_cap.value);
        let mut d = d.help(format!(
            "draw each wait at random below a bound that doubles from {base} to {cap} (full jitter), and set `backoff = {{ base = \"{}\", max = \"{}\", jitter = true }}`",
            base.compact(),
            cap.compact()
        ));
        if let Stated::Value(_) = backoff.value {
            d = d.fix(Fix::new("set `jitter = true`").write(span, "true"));
        }
        report.add(facts.call(id), d);
    }
}
