//! Timeouts, retries, breakers and bulkheads, from the leaves of the call graph to its edge.

use super::breaker::{self, Breaker};
use super::choices::{Choices, assumed};
use super::figure::Figure;
use super::flows::Outline;
use super::graph::Graph;
use super::in_request::InRequest;
use super::queue;
use super::traffic::Traffic;
use crate::catalog::numbers;
use crate::model::units::{Rate, Ratio, Time, float};
use crate::model::{CallId, Model, Party, Protocol, Stated, Step};

/// Why a call may or may not be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The author says so.
    Stated,
    /// HTTP defines the method (RFC 9110, section 9.2.2).
    Method,
    /// The operation's name reads like a query.
    Name,
    /// Nothing says that it may be repeated.
    Unknown,
}

/// Every number of one call.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// Peak rate of logical calls.
    pub rate: Figure<Rate>,
    /// Median response time.
    pub p50: Figure<Time>,
    /// 99th percentile of the response time.
    pub p99: Figure<Time>,
    /// Of one attempt.
    pub timeout: Figure<Time>,
    /// The longest that the callee itself needs before it can answer, its own calls included; zero for
    /// a callee that calls nobody.
    pub behind: Time,
    /// Attempts, the first included.
    pub attempts: Figure<u32>,
    /// Bounds of the waits between attempts: full jitter draws from zero to each.
    pub backoff: Vec<Time>,
    /// First bound.
    pub backoff_base: Figure<Time>,
    /// Largest bound.
    pub backoff_cap: Figure<Time>,
    /// Whether a wait is drawn at random below its bound.
    pub jitter: Figure<bool>,
    /// Wait before a second copy is sent while the first still runs; `None` unless the author hedges.
    pub hedge: Option<Figure<Time>>,
    /// How often one request of the caller makes the call, one after the other.
    pub per_request: Figure<u32>,
    /// Attempts that the mesh adds to every attempt of the application, unless it is told not to.
    pub mesh_retries: u32,
    /// Retries as a share of calls; only used where `attempts` is above one.
    pub retry_budget: Figure<Ratio>,
    /// Of the whole logical call: `n·t + Σ b`, unless the author sets it.
    pub deadline: Figure<Time>,
    /// Whether it may be repeated.
    pub idempotent: Figure<bool>,
    /// Why.
    pub idempotency: Idempotency,
    /// The breaker, or why there is none.
    pub breaker: Result<Breaker, String>,
    /// Concurrent calls of all instances of the caller together.
    pub concurrency: Figure<u64>,
    /// Concurrent calls that one instance of the caller allows.
    pub slots: Figure<u64>,
    /// What the caller does when the call fails.
    pub fallback: Figure<String>,
    /// Whether that is an answer: the design has a fallback, or the caller answers without the callee.
    pub answers: bool,
}

impl CallPlan {
    /// The longest the whole logical call takes: `n·t + Σ b_max`, cut by the deadline.
    #[must_use]
    pub fn worst_case(&self) -> Time {
        worst_case(self.timeout.value, self.attempts.value, &self.backoff).min(self.deadline.value)
    }

    /// The longest that one request of the caller waits for it: as often as it makes the call.
    #[must_use]
    pub fn of_request(&self) -> Time {
        self.worst_case().times(self.per_request.value.into())
    }
}

/// Bounds of the waits between the attempts of a call, first and largest.
fn bounds(model: &Model, i: usize) -> (Figure<Time>, Figure<Time>) {
    let n = numbers();
    let stated = model.calls[i].policy.waits().unwrap_or_default();
    let base = Time::ms(1).scale(n.backoff_base.value);
    let cap = Time::ms(1).scale(n.backoff_cap.value);
    // A bound that the author does not state gives way to the one that is stated.
    let base = match (stated.base, stated.max) {
        (Some(b), _) => Figure::set(b.value),
        (None, Some(max)) if max.value < base => {
            Figure::derived(max.value, "no more than the largest wait", "derived")
        }
        _ => assumed(base, &n.backoff_base),
    };
    let cap = match stated.max {
        Some(max) => Figure::set(max.value),
        None if base.value > cap => {
            Figure::derived(base.value, "no less than the first wait", "derived")
        }
        None => assumed(cap, &n.backoff_cap),
    };
    (base, cap)
}

/// The bounds of the waits between `attempts`: they double from the first to the largest.
fn waits(attempts: u32, base: Time, cap: Time) -> Vec<Time> {
    (0..attempts.saturating_sub(1))
        .map(|k| base.times(1_u64 << k.min(30)).min(cap))
        .collect()
}

fn worst_case(timeout: Time, attempts: u32, backoff: &[Time]) -> Time {
    backoff
        .iter()
        .fold(timeout.times(attempts.into()), |sum, b| sum.plus(*b))
}

pub(super) fn plan(
    model: &Model,
    choices: &Choices,
    graph: &Graph,
    traffic: &Traffic,
    flows: &[Outline],
    replicas: &[Figure<u64>],
) -> Vec<CallPlan> {
    let mut outbound: Vec<Vec<usize>> = vec![Vec::new(); model.services.len()];
    let mut inbound: Vec<Vec<usize>> = vec![Vec::new(); model.services.len()];
    for (i, c) in model.calls.iter().enumerate() {
        inbound[c.to.0].push(i);
        if let Party::Service(s) = c.from {
            outbound[s.0].push(i);
        }
    }
    let mut plans: Vec<Option<CallPlan>> = vec![None; model.calls.len()];
    // Successors first: what a callee needs is known before its callers are planned. A call that closes
    // a cycle sees its callee's needs as far as they are known; `sync-cycle` reports the cycle itself.
    for s in graph.successors_first() {
        let mut need = need(model, s, &outbound[s], &plans, flows);
        need.leaf = outbound[s].is_empty();
        let behind = outbound[s].iter().filter_map(|&i| plans[i].as_ref());
        for call in behind.map(InRequest::of) {
            if call.p99 > need.slowest.p99 {
                need.slowest = call;
            }
        }
        for &i in &inbound[s] {
            plans[i] = Some(one(model, choices, traffic, i, &inbound, &need, replicas));
        }
    }
    plans.into_iter().flatten().collect()
}

/// The longest that the calls of a service keep one of its answers waiting, and how that is counted.
#[derive(Default)]
struct Need {
    time: Time,
    why: String,
    /// The call that takes longest in a request, by its 99th percentile.
    slowest: InRequest,
    /// Whether it calls nobody.
    leaf: bool,
}

fn need(
    model: &Model,
    s: usize,
    outbound: &[usize],
    plans: &[Option<CallPlan>],
    flows: &[Outline],
) -> Need {
    let worst = |i: usize| plans[i].as_ref().map(CallPlan::of_request);
    let own = Time::ms(1).scale(numbers().own_work.value);
    let mut best = Need::default();
    // The necessary condition between neighbours: one attempt outlasts all attempts of the slowest
    // call behind it.
    for &i in outbound {
        if let Some(t) = worst(i)
            && own.plus(t) > best.time
        {
            best = Need {
                time: own.plus(t),
                why: format!(
                    "own work {own} + {} to `{}`",
                    t,
                    model.service(model.calls[i].to).name
                ),
                ..Need::default()
            };
        }
    }
    // What one stated journey asks of this service in one request, one after the other.
    for flow in flows.iter().filter(|f| !f.derived) {
        let mut total = own;
        let mut parts = vec![format!("own work {own}")];
        for group in &flow.steps {
            let longest = group
                .iter()
                .filter_map(|step| match step {
                    Step::Call(CallId(i))
                        if model.calls[*i].from == Party::Service(crate::model::ServiceId(s)) =>
                    {
                        Some((worst(*i)?, *i))
                    }
                    _ => None,
                })
                .max_by_key(|(t, i)| (*t, std::cmp::Reverse(*i)));
            if let Some((t, i)) = longest {
                total = total.plus(t);
                parts.push(format!(
                    "{t} to `{}`",
                    model.service(model.calls[i].to).name
                ));
            }
        }
        if parts.len() > 2 && total > best.time {
            if parts.len() > 6 {
                let more = parts.len() - 5;
                parts.truncate(5);
                parts.push(format!("{more} more"));
            }
            best = Need {
                time: total,
                why: format!("{} in the flow `{}`", parts.join(" + "), flow.name),
                ..Need::default()
            };
        }
    }
    best
}

#[allow(
    clippy::too_many_arguments,
    reason = "everything that a call's numbers depend on"
)]
fn one(
    model: &Model,
    choices: &Choices,
    traffic: &Traffic,
    i: usize,
    inbound: &[Vec<usize>],
    need: &Need,
    replicas: &[Figure<u64>],
) -> CallPlan {
    let n = numbers();
    let c = &model.calls[i];
    let callee = model.service(c.to);
    let own = Time::ms(1).scale(n.own_work.value);
    let p99 = p99(model, i, need.slowest);
    // Where the percentile is that of a sum, so is the median.
    let sum = need.slowest.p50;
    let sum = sum.filter(|_| own.plus(need.slowest.p99) == p99.value);
    let p50 = match (c.p50, model.defaults.p50, sum) {
        (Some(p), ..) => Figure::set(p.value),
        (None, Some(d), _) if d.value <= p99.value => {
            Figure::derived(d.value, "`defaults.p50`", "")
        }
        (None, _, Some(behind)) => Figure::derived(
            own.plus(behind),
            format!("own work {own} + median {behind} of the same sum"),
            "derived",
        ),
        _ => Figure::derived(
            p99.value.scale(n.p50_share.value),
            format!("{} × p99 {}", n.p50_share.value, p99.value),
            "derived",
        ),
    };
    let timeout = timeout(model, i, &p99, need);
    let (idempotent, idempotency) = idempotent(model, i);
    let attempts = fitting(
        model,
        i,
        inbound,
        timeout.value,
        attempts(model, i, idempotent.value, need.leaf),
    );
    let (backoff_base, backoff_cap) = bounds(model, i);
    let backoff = waits(attempts.value, backoff_base.value, backoff_cap.value);
    let total = worst_case(timeout.value, attempts.value, &backoff);
    let deadline = match c.deadline {
        Some(d) => Figure::set(d.value),
        None => {
            let waits = backoff.iter().fold(Time::default(), |a, b| a.plus(*b));
            Figure::derived(
                total,
                if attempts.value == 1 {
                    format!("1 × {}", timeout.value)
                } else {
                    format!("{} × {} + backoff {waits}", attempts.value, timeout.value)
                },
                "derived",
            )
        }
    };
    let rate = traffic.calls[i].clone();
    let replicas = match c.from {
        Party::Service(s) => replicas[s.0].value,
        Party::Actor(_) => 1,
    };
    let (concurrency, planned) = bulkhead(&rate, &p50, &p99, replicas);
    let slots = c.bulkhead.map_or(planned, |b| Figure::set(b.value));
    let restart = (
        Time::s(choices.infrastructure.restart_s),
        choices.infrastructure.restart_why.as_str(),
    );
    let breaker = match c.from {
        Party::Actor(_) => Err(
            "the caller is outside; the gateway's outlier ejection protects the service".to_owned(),
        ),
        Party::Service(_) => breaker::plan(&breaker::Input {
            rate: rate.value,
            replicas,
            timeout: timeout.value,
            restart,
            slots: slots.value,
            stated: c.policy.breaker().unwrap_or_default(),
        }),
    };
    let answers = c.fallback.is_some() || c.optional;
    let fallback = match (&c.fallback, answers) {
        (Some(text), _) => Figure::set(text.clone()),
        (None, true) => Figure::derived(
            format!("answers without what `{}` would have given", callee.name),
            "`optional` is set",
            "",
        ),
        (None, false) => Figure::derived(
            match c.protocol {
                Protocol::Grpc => "fails fast with UNAVAILABLE".to_owned(),
                _ => "fails fast with 503 and Retry-After".to_owned(),
            },
            format!(
                "`{}` is a hard dependency without a `fallback`",
                callee.name
            ),
            "",
        ),
    };
    CallPlan {
        rate,
        p50,
        p99,
        timeout,
        behind: need.time,
        attempts,
        backoff,
        backoff_base,
        backoff_cap,
        jitter: match c.policy.waits().and_then(|w| w.jitter) {
            Some(j) => Figure::set(j.value),
            None => Figure::derived(
                true,
                "without it every caller comes back at the same moment",
                "BO",
            ),
        },
        hedge: c.policy.hedge.map(|h| Figure::set(h.value)),
        per_request: match c.policy.per_request {
            Some(n) => Figure::set(n.value),
            None => Figure::derived(1, "a request makes it once", "derived"),
        },
        mesh_retries: mesh_retries(model, choices, i),
        retry_budget: match c.policy.retry_budget.map(|s| s.value) {
            Some(Stated::Value(share)) => Figure::set(share),
            _ => assumed(Ratio(n.retry_budget.value), &n.retry_budget),
        },
        deadline,
        idempotent,
        idempotency,
        breaker,
        concurrency,
        slots,
        fallback,
        answers,
    }
}

/// What the mesh adds to an attempt: nothing where one end is outside of it.
fn mesh_retries(model: &Model, choices: &Choices, i: usize) -> u32 {
    let c = &model.calls[i];
    if matches!(c.from, Party::Actor(_)) || model.service(c.to).external {
        return 0;
    }
    match model.platform.mesh_retries {
        Some(set) => set.value,
        None => choices.mesh.retries,
    }
}

fn p99(model: &Model, i: usize, slowest: InRequest) -> Figure<Time> {
    let n = numbers();
    let c = &model.calls[i];
    let callee = model.service(c.to);
    if let Some(p) = c.p99 {
        return Figure::set(p.value);
    }
    if let Some(slo) = callee.slo.and_then(|s| s.p99) {
        return Figure::derived(slo.value, format!("the SLO of `{}`", callee.name), "");
    }
    let own = Time::ms(1).scale(n.own_work.value);
    let usual = match model.defaults.p99 {
        Some(d) => Figure::derived(d.value, "`defaults.p99`", ""),
        None => assumed(Time::ms(1).scale(n.p99.value), &n.p99),
    };
    let InRequest {
        p99: behind,
        times,
        one,
        ..
    } = slowest;
    if behind.plus(own) > usual.value {
        let repeated = match times {
            1 => String::new(),
            _ => format!(" ({times} × {one} in a row, added as independent log-normal times)"),
        };
        return Figure::derived(
            behind.plus(own),
            format!(
                "own work {own} + slowest call of `{}` {behind}{repeated}",
                callee.name
            ),
            "derived",
        );
    }
    usual
}

fn timeout(model: &Model, i: usize, p99: &Figure<Time>, need: &Need) -> Figure<Time> {
    let c = &model.calls[i];
    if let Some(set) = c.timeout
        && let Stated::Value(t) = set.value
    {
        return Figure::set(t);
    }
    // A default is the author's word as well, so it stands even where it is too short.
    if let (Some(d), None) = (model.defaults.timeout, c.timeout) {
        return Figure {
            why: "`defaults.timeout`".to_owned(),
            ..Figure::set(d.value)
        };
    }
    let padding = numbers().timeout_padding.value;
    let padded = p99.value.scale(padding);
    let (raw, why) = if need.time > padded {
        (need.time, need.why.clone())
    } else {
        (padded, format!("{} × p99 {}", float(padding), p99.value))
    };
    let rounded = raw.round_up();
    // No attempt may outlast the time that the author gives the whole call.
    if let Some(d) = c.deadline
        && d.value < rounded
    {
        return Figure::derived(d.value, "the stated deadline of the whole call", "BL");
    }
    let why = if rounded == raw {
        why
    } else {
        format!("{why} = {raw}, rounded up")
    };
    Figure::derived(rounded, why, "BL")
}

/// Words that an operation which only reads begins with.
const READS: [&str; 16] = [
    "get", "list", "find", "search", "read", "lookup", "query", "count", "check", "describe",
    "fetch", "show", "view", "exists", "validate", "nearby",
];

/// Whether the name of an operation reads like a query: `Carts/GetCart`.
#[must_use]
pub fn reads(operation: &str) -> bool {
    let name = operation.rsplit(['/', '.']).next().unwrap_or_default();
    READS.iter().any(|w| {
        let (head, rest) = (name.get(..w.len()), name.get(w.len()..));
        head.is_some_and(|h| h.eq_ignore_ascii_case(w))
            && !rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_lowercase()))
    })
}

fn idempotent(model: &Model, i: usize) -> (Figure<bool>, Idempotency) {
    let c = &model.calls[i];
    if let Some(set) = c.idempotent {
        return (Figure::set(set.value), Idempotency::Stated);
    }
    if let Protocol::Rest(Some(method)) = c.protocol {
        let why = if method.idempotent() {
            format!("{} is idempotent by definition", method.name())
        } else {
            format!(
                "{} is not idempotent without an `Idempotency-Key`",
                method.name()
            )
        };
        return (
            Figure::derived(method.idempotent(), why, "R9110"),
            Idempotency::Method,
        );
    }
    let name = c.operation.rsplit(['/', '.']).next().unwrap_or_default();
    if reads(&c.operation) && !matches!(c.protocol, Protocol::Rest(_)) {
        return (
            Figure::assumed(true, format!("`{name}` reads like a query"), "derived"),
            Idempotency::Name,
        );
    }
    (
        Figure::assumed(false, "nothing says that it may be repeated", "R9110"),
        Idempotency::Unknown,
    )
}

/// How often a call is tried. The design retries in one layer of a path, the last one, next to the
/// failure: attempts multiply over the layers (SRE, chapter 22).
fn attempts(model: &Model, i: usize, idempotent: bool, leaf: bool) -> Figure<u32> {
    let c = &model.calls[i];
    if let Some(r) = c.retries {
        return Figure::set(1 + r.value);
    }
    let callee = &model.service(c.to).name;
    if let Party::Actor(_) = c.from {
        return Figure::derived(
            1,
            "the caller is outside; what it repeats is its own choice",
            "SRE22",
        );
    }
    if !idempotent {
        return Figure::derived(1, "repeating it may do the work twice", "R9110");
    }
    if !leaf {
        return Figure::derived(
            1,
            format!("`{callee}` calls on; its own calls are the ones that are retried"),
            "SRE22",
        );
    }
    match model.defaults.retries {
        Some(r) => Figure::derived(
            1 + r.value,
            format!(
                "`defaults.retries` {} after the first; `{callee}` calls nobody",
                r.value
            ),
            "SRE22",
        ),
        None => {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small whole number"
            )]
            let retries = numbers().retries.value as u32;
            Figure::derived(
                1 + retries,
                format!("{retries} after the first: idempotent, and `{callee}` calls nobody"),
                "SRE22",
            )
        }
    }
}

/// As many of the derived `attempts` as fit into what the author states: the call's own deadline, and
/// the time that callers of the calling service wait for it. Stated retries stand as they are; the
/// linter speaks of those.
fn fitting(
    model: &Model,
    i: usize,
    inbound: &[Vec<usize>],
    timeout: Time,
    attempts: Figure<u32>,
) -> Figure<u32> {
    let c = &model.calls[i];
    if attempts.is_set() || attempts.value <= 1 {
        return attempts;
    }
    let Party::Service(caller) = c.from else {
        return attempts;
    };
    let own = Time::ms(1).scale(numbers().own_work.value);
    // The shortest of all limits, what the call itself may take under it, and the words for it.
    let mut limit: Option<(Time, String)> = c
        .deadline
        .map(|d| (d.value, format!("the deadline of {}", d.value)));
    for &outer in inbound.get(caller.0).into_iter().flatten() {
        let o = &model.calls[outer];
        for waited in [stated_timeout(model, outer), o.deadline.map(|d| d.value)]
            .into_iter()
            .flatten()
        {
            let room = waited.minus(own);
            if limit.as_ref().is_none_or(|(best, _)| room < *best) {
                limit = Some((
                    room,
                    format!(
                        "the {waited} that `{}` waits for `{}`",
                        model.party(o.from),
                        model.service(caller).name
                    ),
                ));
            }
        }
    }
    let Some((room, words)) = limit else {
        return attempts;
    };
    let (base, cap) = bounds(model, i);
    let of_request = |n: u32| {
        let once = worst_case(timeout, n, &waits(n, base.value, cap.value));
        once.times(c.policy.per_request.map_or(1, |p| p.value.into()))
    };
    let fits = (2..=attempts.value)
        .rev()
        .find(|&n| of_request(n) <= room)
        .unwrap_or(1);
    if fits == attempts.value {
        return attempts;
    }
    Figure::derived(
        fits,
        format!("more than {fits} × {timeout} would not fit {words}"),
        attempts.source,
    )
}

/// The attempt timeout of the call `i` in the author's own words, `defaults` included.
fn stated_timeout(model: &Model, i: usize) -> Option<Time> {
    match model.calls[i].timeout.map(|set| set.value) {
        Some(Stated::Value(t)) => Some(t),
        Some(Stated::Lacking) => None,
        None => model.defaults.timeout.map(|d| d.value),
    }
}

/// Little's law: `L = λ·W`, with the 99th percentile for W and room above it; then as many more as Erlang's loss
/// formula asks for, so that hardly a call is refused while nothing is wrong.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, instances are few"
)]
fn bulkhead(
    rate: &Figure<Rate>,
    p50: &Figure<Time>,
    p99: &Figure<Time>,
    replicas: u64,
) -> (Figure<u64>, Figure<u64>) {
    let headroom = 1.0 + numbers().headroom.value;
    let raw = rate.value.0 * p99.value.as_s() * headroom;
    // 10 × 0.1 × 1.3 must not become 2 slots because of the last bit of a float.
    let all = ((raw - 1e-9).ceil() as u64).max(1);
    let concurrency = Figure::derived(
        all,
        format!("{} × p99 {} × {}", rate.value, p99.value, float(headroom)),
        "derived",
    );
    let serving = replicas.saturating_sub(1).max(1);
    let slots = all.div_ceil(serving);
    let why = if replicas == 1 {
        format!("all {all} on the one instance")
    } else if serving == 1 {
        format!("all {all} on one instance, since one of {replicas} may be gone")
    } else {
        format!("{all} ÷ ({replicas} instances − 1)")
    };
    // Few calls bunch more than their mean tells: a slot more is cheaper than a call refused for nothing.
    let mean = queue::mean(p50.value.as_s(), p99.value.as_s());
    let load = rate.value.0 * mean / serving as f64;
    let most = &numbers().bulkhead_refused;
    let (slots, why) = match queue::slots(load, slots, most.value) {
        Some(enough) if enough > slots => (
            enough,
            format!(
                "{why}; {enough}, so that no more than {} of the calls find none free at the peak",
                Ratio(most.value)
            ),
        ),
        _ => (slots, why),
    };
    (concurrency, Figure::derived(slots, why, "derived"))
}
