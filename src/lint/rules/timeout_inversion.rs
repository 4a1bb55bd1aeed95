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

/// A caller that waits no longer than its callee may.
struct Inversion {
    id: CallId,
    own: (Time, Span),
    behind: CallId,
    total: Total,
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let n = facts.model.services.len();
    // The slowest stated call of every service, so that each caller looks at one.
    let mut slowest: Vec<Option<(CallId, Total)>> = vec![None; n];
    let drop = facts.layers_to_drop();
    for (s, ids) in facts.outbound.iter().enumerate() {
        slowest[s] = ids
            .iter()
            .copied()
            .filter(|id| !facts.in_cycle(*id))
            .filter_map(|id| Some((id, facts.total(id)?)))
            .max_by_key(|(id, t)| (t.waited, t.bare, std::cmp::Reverse(*id)));
    }
    let mut reported = vec![false; facts.model.calls.len()];
    let mut found: Vec<Inversion> = Vec::new();
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(own), Some((behind, total))) = (facts.patience(id), slowest[c.to.0]) else {
            continue;
        };
        if facts.in_cycle(id) || own.0 > total.waited {
            continue;
        }
        reported[id.0] = true;
        // What only a storm of retries, or a timeout below the percentile, brings about is told there.
        let storm = drop[behind.0] && own.0 > total.timeout.times(total.times.into());
        if !storm && !facts.cut_off(id) {
            found.push(Inversion { id, own, behind, total });
        }
    }
    told(facts, report, &found);
    sums(facts, report, &mut reported);
}

/// Tells each fault once: one default that stands at every hop, one call that outlasts several callers, or
/// one caller.
fn told(facts: &Facts<'_>, report: &mut Report<'_>, found: &[Inversion]) {
    let default = facts.model.defaults.timeout.map(|d| d.span);
    let level = |i: &Inversion| Some(i.own.1) == default && Some(i.total.span) == default;
    let (hops, rest): (Vec<&Inversion>, Vec<&Inversion>) = found.iter().partition(|i| level(i));
    if hops.len() > 1 {
        every_hop(facts, report, &hops);
    } else {
        hops.iter().for_each(|i| single(facts, report, i));
    }
    let mut by_callee: std::collections::BTreeMap<CallId, Vec<&Inversion>> =
        std::collections::BTreeMap::new();
    for i in rest {
        by_callee.entry(i.behind).or_default().push(i);
    }
    for group in by_callee.values() {
        match group.as_slice() {
            [one] => single(facts, report, one),
            many => outlasted(facts, report, many),
        }
    }
}

/// `3 × 300 ms + waits = 1.05 s`, or `300 ms`.
fn longest(total: &Total) -> String {
    if total.waited > total.bare {
        format!("{} + waits = {}", total.formula(), total.waited)
    } else if total.attempts > 1 || total.times > 1 {
        format!("{} = {}", total.formula(), total.bare)
    } else {
        total.bare.to_string()
    }
}

/// What a caller has to wait at least.
fn enough(total: &Total) -> Time {
    let own = Time::ms(1).scale(crate::catalog::numbers().own_work.value);
    total.waited.plus(own).round_up()
}

/// The same timeout at every hop.
fn every_hop(facts: &Facts<'_>, report: &mut Report<'_>, hops: &[&Inversion]) {
    let Some(first) = hops.first() else { return };
    let mut d = report
        .at(
            first.own.1,
            format!(
                "{} wait {} each, and so do the calls behind them: none outlasts its callee",
                plural(hops.len(), "call"),
                first.own.0
            ),
        )
        .at(format!("{} at every hop", first.own.0));
    let mut places = Vec::new();
    for i in hops {
        let (name, mut parts) = facts.call(i.id);
        if places.len() < 24 {
            let c = facts.model.call(i.id);
            d = d.label(
                c.span,
                format!(
                    "gives up when `{}` may still wait for `{}`",
                    facts.name(c.to),
                    facts.name(facts.model.call(i.behind).to)
                ),
            );
        }
        places.push(name);
        places.append(&mut parts);
    }
    let mut d = d.help(format!(
        "let every caller outlast what it calls: {} where the callee calls a service that calls nobody, more on the way out",
        enough(&first.total)
    ));
    d.severity = Severity::Error;
    report.add((facts.call(first.id).0, places), d);
}

/// One call that takes longer than several callers wait.
fn outlasted(facts: &Facts<'_>, report: &mut Report<'_>, group: &[&Inversion]) {
    let Some(first) = group.first() else { return };
    let (total, c) = (&first.total, facts.model.call(first.behind));
    let callee = facts.model.party(c.from);
    let mut d = report
        .at(
            total.span,
            format!(
                "`{callee}` may wait {} for `{}`, longer than {} of `{callee}` wait",
                longest(total),
                facts.name(c.to),
                plural(group.len(), "caller")
            ),
        )
        .at(format!("an attempt may take {}", total.timeout));
    if group.iter().all(|i| i.own.0 > total.bare) {
        d.severity = Severity::Warning;
    }
    if let Some(span) = total.retries {
        d = d.label(span, format!("{} attempts", total.attempts));
    }
    let mut places = Vec::new();
    let mut shortest = Time(u64::MAX);
    for i in group {
        let (name, mut parts) = facts.call(i.id);
        if places.len() < 24 && i.own.1 != total.span {
            let caller = facts.model.party(facts.model.call(i.id).from);
            d = d.label(i.own.1, format!("`{caller}` gives up after {}", i.own.0));
        }
        shortest = shortest.min(i.own.0);
        places.push(name);
        places.append(&mut parts);
    }
    let d = d.help(format!(
        "bound this call below {shortest}, all attempts together, or raise what the callers wait to at least {}",
        enough(total)
    ));
    let (subject, mut own) = facts.call(first.behind);
    places.append(&mut own);
    report.add((subject, places), d);
}

fn single(facts: &Facts<'_>, report: &mut Report<'_>, i: &Inversion) {
    let c = facts.model.call(i.id);
    let (total, (own, span)) = (&i.total, i.own);
    let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
    let third = facts.name(facts.model.call(i.behind).to);
    let longest = longest(total);
    let message = if own == total.waited {
        format!(
            "`{caller}` gives up on `{callee}` after {own}, when `{callee}` may still wait for `{third}` ({longest})"
        )
    } else {
        format!(
            "`{caller}` gives up on `{callee}` after {own}, but `{callee}` may wait {longest} for `{third}`"
        )
    };
    let mut d = report.at(span, message).at(format!("{own} here"));
    if own > total.bare {
        d.severity = Severity::Warning;
    }
    if total.span != span {
        d = d.label(total.span, format!("an attempt may take {}", total.timeout));
    }
    if let Some(span) = total.retries {
        d = d.label(span, format!("{} attempts", total.attempts));
    }
    d = d.label(c.span, format!("the call of `{caller}`"));
    let enough = enough(total);
    let share = Time(own.0 / u64::from(total.attempts.max(1)) * 4 / 5 / 1000 * 1000);
    let d = d.help(format!(
        "raise the timeout of `{caller}` to at least {enough}, or lower that of `{callee}` to `{third}` below {share} an attempt"
    ));
    // A default speaks of every call, so it is not raised for one; this call gets its own.
    let wanted = format!("\"{}\"", enough.compact());
    let fix = Fix::new(format!("set `timeout = {wanted}` at the call of `{caller}`"));
    let fix = match c.timeout {
        Some(set) => fix.write(set.span, wanted),
        None => fix.add_to_call(c.span, "timeout", wanted),
    };
    // A deadline that is shorter than the timeout is not mended by a longer timeout.
    let d = if c.deadline.is_some_and(|x| x.span == span) { d } else { d.fix(fix) };
    report.add(facts.call(i.id), d);
}

/// Several calls of one request, as the author's flows tell.
fn sums(facts: &Facts<'_>, report: &mut Report<'_>, reported: &mut [bool]) {
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
            let Some((own, span)) = facts.patience(row.call) else { continue };
            let total = sum[c.to.0];
            if reported[row.call.0]
                || facts.cut_off(row.call)
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
