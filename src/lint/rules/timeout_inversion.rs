//! `timeout-inversion`: a caller gives up before its callee has.
//!
//! A call with a stated timeout to a service whose own calls, by stated timeouts and retries, may
//! take as long or longer. Between neighbours one call suffices; where a stated flow says that
//! several calls happen in one request, their sum counts. A warning where only the planned waits
//! between the stated attempts go beyond the caller's timeout.

use super::prelude::*;

rule! {
    id: "timeout-inversion",
    severity: Error,
    section: Reliability,
    summary: "a caller gives up before its callee has",
    what: "A call with a stated timeout to a service whose own calls, by stated timeouts and retries, may take as long or longer. Between neighbours one call suffices; where a stated flow says that several calls happen in one request, their sum counts. A warning where only the planned waits between the stated attempts go beyond the caller's timeout.",
    why: "The caller reports a failure and perhaps tries again while the callee still works on the first attempt: work that nobody waits for, at the time of the worst load.",
    limits: "Only numbers that the author wrote count, `defaults` included. Without a flow nobody knows which calls happen in one request, so nothing is added up. Calls inside a circle are left to `sync-cycle`.",
    source: "timeout budget, T = n·t + Σ b; grpc.io, Deadlines",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let n = facts.model.services.len();
    // The slowest stated call of every service, so that each caller looks at one.
    let mut slowest: Vec<Option<CallId>> = vec![None; n];
    for (s, ids) in facts.outbound.iter().enumerate() {
        slowest[s] = ids
            .iter()
            .copied()
            .filter(|id| !facts.in_cycle(*id))
            .filter_map(|id| Some((facts.total(id)?, id)))
            .max_by_key(|(t, id)| (t.waited, t.bare, std::cmp::Reverse(*id)))
            .map(|(_, id)| id);
    }
    let mut reported = vec![false; facts.model.calls.len()];
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(own), Some(behind)) = (facts.total(id), slowest[c.to.0]) else {
            continue;
        };
        let Some(total) = facts.total(behind) else { continue };
        if facts.in_cycle(id) || own.timeout > total.waited {
            continue;
        }
        reported[id.0] = true;
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let third = facts.name(facts.model.call(behind).to);
        let waits = total.waited > total.bare;
        let longest = if waits {
            format!("{} + waits = {}", total.formula(), total.waited)
        } else if total.attempts > 1 {
            format!("{} = {}", total.formula(), total.bare)
        } else {
            total.bare.to_string()
        };
        let same = own.timeout == total.waited;
        let message = if same {
            format!(
                "`{caller}` gives up on `{callee}` after {}, when `{callee}` may still wait for `{third}` ({longest})",
                own.timeout
            )
        } else {
            format!(
                "`{caller}` gives up on `{callee}` after {}, but `{callee}` may wait {longest} for `{third}`",
                own.timeout
            )
        };
        let mut d = report.at(own.span, message).at(format!("{} here", own.timeout));
        if own.timeout > total.bare {
            d.severity = Severity::Warning;
        }
        if total.span != own.span {
            d = d.label(total.span, format!("an attempt may take {}", total.timeout));
        }
        if let Some(span) = total.retries {
            d = d.label(span, format!("{} attempts", total.attempts));
        }
        d = d.label(c.span, format!("the call of `{caller}`"));
        let enough = total.waited.plus(Time::ms(1).scale(crate::catalog::numbers().own_work.value)).round_up();
        let share = Time(own.timeout.0 / u64::from(total.attempts.max(1)) * 4 / 5 / 1000 * 1000);
        let d = d.help(format!(
            "raise the timeout of `{caller}` to at least {enough}, or lower that of `{callee}` to {third} below {share} an attempt",
            third = format_args!("`{third}`")
        ));
        // A default speaks of every call, so it is not raised for one; this call gets its own.
        let wanted = format!("\"{}\"", enough.compact());
        let fix = Fix::new(format!("set `timeout = {wanted}` at the call of `{caller}`"));
        let fix = match c.timeout {
            Some(set) => fix.write(set.span, wanted),
            None => fix.add_to_call(c.span, "timeout", wanted),
        };
        report.add(facts.call(id), d.fix(fix));
    }
    sums(facts, report, &mut reported);
}

/// Several calls of one request, as the author's flows tell.
fn sums(facts: &Facts<'_>, report: &mut Report, reported: &mut [bool]) {
    for flow in facts.plan.flows.iter().filter(|f| !f.derived) {
        let mut sum = vec![Time::default(); facts.model.services.len()];
        let mut parts: Vec<Vec<CallId>> = vec![Vec::new(); facts.model.services.len()];
        for group in &flow.steps {
            let mut longest: std::collections::BTreeMap<ServiceId, (Time, CallId)> =
                std::collections::BTreeMap::new();
            for step in group {
                let Step::Call(id) = step else { continue };
                let (Party::Service(s), Some(t)) = (facts.model.call(*id).from, facts.total(*id)) else {
                    continue;
                };
                let best = longest.entry(s).or_insert((t.bare, *id));
                if t.bare > best.0 {
                    *best = (t.bare, *id);
                }
            }
            for (s, (t, id)) in longest {
                sum[s.0] = sum[s.0].plus(t);
                parts[s.0].push(id);
            }
        }
        for row in &flow.rows {
            let c = facts.model.call(row.call);
            let Some((own, span)) = facts.timeout(row.call) else { continue };
            let total = sum[c.to.0];
            if reported[row.call.0]
                || facts.in_cycle(row.call)
                || parts[c.to.0].len() < 2
                || own >= total
            {
                continue;
            }
            reported[row.call.0] = true;
            let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
            let mut d = report
                .at(
                    span,
                    format!(
                        "in \"{}\" `{caller}` gives up on `{callee}` after {own}, but the {} of `{callee}` may take {total} together",
                        flow.name,
                        plural(parts[c.to.0].len(), "call")
                    ),
                )
                .at(format!("{own} here"));
            for id in parts[c.to.0].iter().take(8) {
                if let Some(t) = facts.total(*id) {
                    let to = facts.name(facts.model.call(*id).to);
                    d = d.label(t.span, format!("{} to `{to}`", t.formula()));
                }
            }
            if let Some(i) = flow.index {
                d = d.label(facts.model.flows[i].span, "one request makes all of them".to_owned());
            }
            let d = d.help(format!(
                "raise the timeout of `{caller}` above {total}, lower those behind it, or let some of them run at the same time with `parallel`"
            ));
            report.add(facts.call(row.call), d);
        }
    }
}
