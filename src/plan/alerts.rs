//! Alerts with expressions over metrics that exist, and the recording rules they use.

use std::collections::HashSet;

use super::calls::CallPlan;
use super::events::{EventPlan, GroupPlan};
use super::metrics;
use super::proof::Proof;
use super::recording;
use super::sagas::SagaPlan;
use super::services::ServicePlan;
use super::slo::{self, Objective};
use super::slug::slug;
use super::streams::StreamPlan;
use super::wire::camel;
use crate::catalog::{Broker, numbers};
use crate::model::units::{Time, float};
use crate::model::{CallId, EventId, Model, Party, ServiceId, StreamId, TeamId};

/// Who is told, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSeverity {
    /// Somebody is woken.
    Page,
    /// Somebody looks at it on a working day.
    Ticket,
}

impl AlertSeverity {
    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A recording rule.
#[derive(Clone, Debug)]
pub struct RecordingRule {
    /// Name of the recorded series.
    pub record: String,
    /// The labels on it.
    pub labels: Vec<(&'static str, String)>,
    /// The expression.
    pub expr: String,
}

impl RecordingRule {
    /// A rule about the service `slug`.
    pub(super) fn of_service(record: &str, slug: &str, expr: String) -> Self {
        Self {
            record: record.to_owned(),
            labels: vec![("service", slug.to_owned())],
            expr,
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Name in the rules file and in the table.
    pub name: String,
    /// Expression.
    pub expr: String,
    /// How long it must hold.
    pub hold: Time,
    /// Who is told.
    pub severity: AlertSeverity,
    /// The service it is about.
    pub service: ServiceId,
    /// The callee, of an alert about the calls to one.
    pub towards: Option<ServiceId>,
    /// The teams it goes to.
    pub teams: Vec<TeamId>,
    /// What it means, in a sentence about this system.
    pub meaning: String,
    /// First thing to do.
    pub action: String,
    /// How the threshold came about.
    pub why: String,
    /// Id of its runbook section.
    pub anchor: String,
    /// The metric must be exported by the service itself; no library has it.
    pub custom_metric: bool,
    /// What is held against a limit, for a dashboard, where no other panel shows it.
    pub held: Option<Held>,
    /// A history that must not trip it and then must.
    pub proof: Proof,
}

/// What a panel of its own shows of an alert.
#[derive(Clone, Debug)]
pub struct Held {
    /// What is measured, in words.
    pub title: String,
    /// The alert's expression without its limit.
    pub expr: String,
    /// Where it trips.
    pub limit: f64,
}

/// A service whose requests are too few for some burn-rate alerts.
#[derive(Clone, Debug)]
pub struct QuietService {
    /// The service.
    pub service: ServiceId,
    /// Why, with its numbers.
    pub why: String,
}

/// Everything that is alerted on.
#[derive(Clone, Debug)]
pub struct Alerting {
    /// Rate, errors and duration of every service and call.
    pub red: Vec<RecordingRule>,
    /// Recording rules that the burn-rate alerts use.
    pub rules: Vec<RecordingRule>,
    /// Services with an objective, by service.
    pub objectives: Vec<Objective>,
    /// Objectives of services whose answers no usual metric counts, so that no alert watches over them, by service.
    pub uncounted: Vec<Objective>,
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// Services with too few requests for some burn-rate alerts.
    pub quiet: Vec<QuietService>,
    /// Alerts by service, as indices.
    by_service: Vec<Vec<usize>>,
}

impl Alerting {
    /// The objective of `service`.
    #[must_use]
    pub fn objective(&self, service: ServiceId) -> Option<&Objective> {
        let at = self
            .objectives
            .binary_search_by_key(&service, |o| o.service)
            .ok()?;
        self.objectives.get(at)
    }

    /// The alerts about `service`.
    pub fn about(&self, service: ServiceId) -> impl Iterator<Item = &Alert> {
        let of = self.by_service.get(service.0).map_or(&[][..], |v| v);
        of.iter().filter_map(|i| self.alerts.get(*i))
    }
}

/// Everything that alerts are about.
pub(super) struct Input<'a> {
    pub(super) model: &'a Model,
    /// The id of the infrastructure, and the namespace on it.
    pub(super) infrastructure: &'a str,
    pub(super) namespace: &'a str,
    /// Calls by the service that makes them.
    pub(super) outbound: &'a [Vec<CallId>],
    pub(super) services: &'a [ServicePlan],
    pub(super) calls: &'a [CallPlan],
    pub(super) events: &'a [EventPlan],
    pub(super) streams: &'a [StreamPlan],
    pub(super) sagas: &'a [SagaPlan],
}

pub(super) fn plan(input: &Input<'_>) -> Alerting {
    let mut out = Alerting {
        red: Vec::new(),
        rules: Vec::new(),
        objectives: Vec::new(),
        uncounted: Vec::new(),
        alerts: Vec::new(),
        quiet: Vec::new(),
        by_service: vec![Vec::new(); input.model.services.len()],
    };
    for id in input.model.service_ids() {
        if !input.model.service(id).external {
            service(input, id, &mut out);
        }
    }
    let alerts = &mut out.alerts;
    // One alert a pair and protocol: the metric's labels know the address, not the operation.
    let mut told = HashSet::new();
    for id in input.model.call_ids() {
        let c = input.model.call(id);
        if told.insert((c.from, c.to, recording::protocol(&c.protocol))) {
            recording::call(input, id, &mut out.red);
            call(input, id, alerts);
        }
    }
    for id in input.model.event_ids() {
        event(input, id, alerts);
    }
    for id in input.model.stream_ids() {
        stream(input, id, alerts);
    }
    for i in 0..input.model.sagas.len() {
        saga(input, i, alerts);
    }
    // Two names that fold to the same identifier must still be two alerts, and two anchors.
    let mut seen = std::collections::BTreeMap::new();
    for (i, a) in alerts.iter_mut().enumerate() {
        out.by_service[a.service.0].push(i);
        let n: &mut u32 = seen.entry(a.name.to_ascii_lowercase()).or_default();
        *n += 1;
        if *n > 1 {
            a.name = format!("{}{n}", a.name);
        }
        a.anchor = format!("alert-{}", slug(&a.name));
    }
    out
}

fn service(input: &Input<'_>, id: ServiceId, out: &mut Alerting) {
    let s = input.model.service(id);
    let plan = &input.services[id.0];
    let protocols = metrics::answered(plan);
    recording::service(input, id, &mut out.red);
    let objective = slo::objective(input, id);
    if protocols.is_empty() && (plan.serves_tcp || plan.past_gateway) {
        out.uncounted.extend(objective);
    }
    let objective = objective.filter(|_| !protocols.is_empty());
    if let Some(objective) = objective {
        slo::record(input, objective, &protocols, &mut out.rules);
        slo::alerts(input, objective, &mut out.alerts, &mut out.quiet);
        out.objectives.push(objective);
    }
    if let Some((first, p99)) = protocols.first().zip(s.slo.and_then(|x| x.p99)) {
        let metric = format!("{}_bucket{{{}", first.metric, first.labels);
        out.alerts.push(Alert {
            name: format!("{}LatencyHigh", camel(&s.name)),
            expr: format!(
                "histogram_quantile(0.99, sum by (le) (rate({metric}}}[5m]))) > {}",
                p99.value.as_s()
            ),
            hold: Time::s(600),
            severity: AlertSeverity::Ticket,
            service: id,
            teams: s.teams.clone(),
            meaning: format!(
                "one in a hundred answers of {} takes longer than the {} it promises",
                s.name, p99.value
            ),
            action: latency_action(input, id),
            why: format!("SLO p99 {}", p99.value),
            anchor: String::new(),
            towards: None,
            custom_metric: false,
            held: None,
            proof: Proof::quantile(&metric, p99.value.as_s()),
        });
    }
    if let Some(runtime) = s.runtime {
        throttled(input, id, &runtime.value.id, &mut out.alerts);
    } else {
        saturated(input, id, &mut out.alerts);
        missing(input, id, objective, &mut out.alerts);
    }
}

/// Runs of a function are turned away: as many run at once as may.
fn throttled(input: &Input<'_>, id: ServiceId, runtime: &str, alerts: &mut Vec<Alert>) {
    let (s, plan) = (input.model.service(id), &input.services[id.0]);
    let Some(expr) = metrics::throttled(runtime, &plan.slug) else {
        return;
    };
    alerts.push(Alert {
        name: format!("{}Throttled", camel(&s.name)),
        proof: Proof::limit(&expr, 0.0),
        expr: format!("{expr} > 0"),
        hold: Time::s(300),
        severity: AlertSeverity::Ticket,
        service: id,
        teams: s.teams.clone(),
        meaning: format!(
            "runs of {} are turned away, since as many run at once as may: it was planned for {}",
            s.name, plan.rate.value
        ),
        action: format!(
            "compare its concurrent executions with the concurrency that is reserved for it and with the account's, and its requests with {}",
            plan.rate.value
        ),
        why: "no run is to be turned away".to_owned(),
        anchor: String::new(),
        towards: None,
        custom_metric: false,
        held: None,
    });
}

/// Its instances use up what they were given.
fn saturated(input: &Input<'_>, id: ServiceId, alerts: &mut Vec<Alert>) {
    let (s, plan) = (input.model.service(id), &input.services[id.0]);
    let limit = &numbers().cpu_saturated;
    let of = (input.infrastructure, input.namespace, plan.slug.as_str());
    let percent = metrics::resources(of.0, of.1, of.2).percent;
    alerts.push(Alert {
        name: format!("{}Saturated", camel(&s.name)),
        expr: format!("{percent} > {}", float(limit.value)),
        hold: Time::s(900),
        severity: AlertSeverity::Ticket,
        service: id,
        teams: s.teams.clone(),
        meaning: format!(
            "the instances of {} use more than {}% of their processors: {} are started at the peak of {}, {} at most",
            s.name, float(limit.value), plan.replicas.value, plan.rate.value, plan.max_replicas.value
        ),
        action: format!(
            "compare its requests with the {} it was planned for: above it raise the {} instances it may have; below it a deployment made each request dearer",
            plan.rate.value, plan.max_replicas.value
        ),
        why: format!("{}{}", float(limit.value), limit.why.replacen("per cent", "%", 1)),
        anchor: String::new(),
        towards: None,
        custom_metric: false,
        held: None,
        proof: metrics::busy(of.0, of.1, of.2, limit.value),
    });
}

/// Nothing is known about it: without its metrics every other alert about it keeps quiet.
fn missing(
    input: &Input<'_>,
    id: ServiceId,
    objective: Option<Objective>,
    alerts: &mut Vec<Alert>,
) {
    let (s, plan) = (input.model.service(id), &input.services[id.0]);
    let up = format!("up{{job=\"{}\"}}", plan.slug);
    alerts.push(Alert {
        name: format!("{}MetricsMissing", camel(&s.name)),
        expr: format!("absent({up} == 1)"),
        hold: Time::s(300),
        severity: if objective.is_some() {
            AlertSeverity::Page
        } else {
            AlertSeverity::Ticket
        },
        service: id,
        teams: s.teams.clone(),
        meaning: format!(
            "none of the {} instances of {} hands out metrics, so the alerts on its requests keep quiet",
            plan.replicas.value, s.name
        ),
        action: format!(
            "ask whether any instance of {} is ready; if so, the scraping of job {} is at fault",
            s.name, plan.slug
        ),
        why: "no instance is left".to_owned(),
        anchor: String::new(),
        towards: None,
        custom_metric: false,
        held: None,
        proof: Proof::gone(up),
    });
}

fn latency_action(input: &Input<'_>, id: ServiceId) -> String {
    let slowest = input.outbound[id.0]
        .iter()
        .copied()
        .max_by_key(|c| (input.calls[c.0].p99.value, std::cmp::Reverse(c.0)));
    match slowest {
        Some(c) => format!(
            "compare with the p99 of its slowest call, {} ({} expected)",
            input.model.call_name(c),
            input.calls[c.0].p99.value
        ),
        None => "compare CPU and store latency with the hour before; it calls no other service"
            .to_owned(),
    }
}

/// Half of the calls over one edge fail: the breaker's own condition, from the caller's metrics.
fn call(input: &Input<'_>, id: CallId, alerts: &mut Vec<Alert>) {
    let c = input.model.call(id);
    let plan = &input.calls[id.0];
    let (Party::Service(from), Ok(breaker)) = (c.from, &plan.breaker) else {
        return;
    };
    let Some(asked) = metrics::asked(
        &input.services[from.0],
        &input.services[c.to.0],
        &c.protocol,
    ) else {
        return;
    };
    let (a, b) = (input.model.service(from), input.model.service(c.to));
    let (failed, all) = (asked.failed("5m"), asked.rate("5m"));
    alerts.push(Alert {
        name: format!("{}To{}Failing", camel(&a.name), camel(&b.name)),
        expr: format!("{failed} / {all} > {}", float(breaker.ratio.value.0)),
        hold: Time::s(120),
        severity: if c.optional {
            AlertSeverity::Ticket
        } else {
            AlertSeverity::Page
        },
        service: from,
        teams: a.teams.clone(),
        meaning: format!(
            "the breakers of {} towards {} are open: it {}",
            a.name, b.name, plan.fallback.value
        ),
        action: if b.external {
            format!(
                "ask {} whether it fails; it is not ours, so until then the fallback has to hold",
                b.name
            )
        } else {
            format!(
                "check whether {} itself alerts; if not, the network or its address is at fault",
                b.name
            )
        },
        why: format!("the breaker's failure ratio of {}", breaker.ratio.value),
        anchor: String::new(),
        towards: Some(c.to),
        custom_metric: false,
        held: None,
        proof: Proof::share(
            &format!("{}_count{{{}", asked.metric, asked.labels),
            ",error_type=\"timeout\"",
            breaker.ratio.value.0,
        ),
    });
}

fn event(input: &Input<'_>, id: EventId, alerts: &mut Vec<Alert>) {
    let e = input.model.event(id);
    let plan = &input.events[id.0];
    let broker = input.model.broker(e.broker).kind;
    let label = camel(&plan.channel);
    for group in &plan.groups {
        let Party::Service(service) = group.consumer else {
            continue;
        };
        let s = input.model.service(service);
        let backlog = metrics::backlog(broker, plan, group);
        let (lag, dead, limit) = (&backlog.lag, &backlog.dead_letters, &backlog.limit);
        alerts.push(Alert {
            name: format!("{}{label}Lag", camel(&s.name)),
            proof: spread(
                Proof::limit(lag, limit.parse().unwrap_or_default()),
                broker,
                plan,
                group,
            ),
            expr: format!("{lag} > {limit}"),
            hold: Time::s(300),
            severity: AlertSeverity::Ticket,
            service,
            teams: s.teams.clone(),
            meaning: format!(
                "{} handles {} more than {} s late",
                s.name,
                e.name,
                float(numbers().lag_seconds.value)
            ),
            action: format!(
                "compare the rate of {} with the {} it was planned for; then look for a failing handler in {}",
                e.name, plan.rate.value, s.name
            ),
            why: if backlog.age {
                "age of the oldest message".to_owned()
            } else {
                format!("{} = {}", group.lag_limit.why, group.lag_limit.value)
            },
            anchor: String::new(),
            towards: None,
        custom_metric: false,
            held: None,
        });
        alerts.push(Alert {
            name: format!("{}{label}DeadLetters", camel(&s.name)),
            proof: Proof::limit(dead, 0.0),
            expr: format!("{dead} > 0"),
            hold: Time::s(60),
            severity: AlertSeverity::Ticket,
            service,
            teams: s.teams.clone(),
            meaning: format!(
                "{} gave up on one {} after {} deliveries",
                s.name, e.name, plan.attempts.value
            ),
            action: format!(
                "read the message in {}, mend the cause, and hand it to {} again, and to nobody else, within {}",
                group.dead_letter, s.name, plan.dead_letter_kept.value
            ),
            why: "one is one too many".to_owned(),
            anchor: String::new(),
            towards: None,
            custom_metric: false,
            held: None,
        });
    }
}

/// The history of a backlog over two partitions, where there are as many: together they pass the limit, and neither
/// of them alone.
fn spread(proof: Proof, broker: &Broker, plan: &EventPlan, group: &GroupPlan) -> Proof {
    let many = plan.partitions.as_ref().is_some_and(|p| p.value > 1);
    if broker.partitioned && many {
        return proof.halved(|series, n| {
            let open = series.trim_end_matches('}');
            format!("{open},partition=\"{n}\"}}")
        });
    }
    if group.lanes > 1 {
        let first = group.lane(broker, 0);
        return proof.halved(|series, n| series.replace(&first, &group.lane(broker, n)));
    }
    proof
}

fn stream(input: &Input<'_>, id: StreamId, alerts: &mut Vec<Alert>) {
    let s = input.model.stream(id);
    let plan = &input.streams[id.0];
    let Some(server) = plan.server else { return };
    let service = input.model.service(server);
    // Above what the platform lets through nothing would ever fire.
    let (planned, why) = match &plan.most {
        Some((most, whose)) if *most < plan.together.value => {
            (*most, format!("{most} that {whose} sends an instance"))
        }
        _ => {
            let together = plan.together.value;
            (
                together,
                format!("{together} an instance ({})", plan.together.why),
            )
        }
    };
    #[allow(clippy::cast_precision_loss, reason = "connections are few")]
    let limit = (planned.0 as f64 * 0.8).ceil();
    // The server counts all of its connections as one, so one alert speaks for all of its streams.
    let first = |other: &StreamPlan| other.server == plan.server;
    if input.streams.iter().position(first) != Some(id.0) {
        return;
    }
    let label = if plan.siblings > 1 {
        String::new()
    } else {
        camel(&s.label())
    };
    let active = format!(
        "max by (instance) (http_server_active_requests{{job=\"{}\",url_scheme=~\"https?|wss?\"}})",
        input.services[server.0].slug
    );
    alerts.push(Alert {
        name: format!("{}{label}ConnectionsHigh", camel(&service.name)),
        proof: Proof::limit(&active, limit),
        expr: format!("{active} > {limit}"),
        hold: Time::s(600),
        severity: AlertSeverity::Ticket,
        service: server,
        teams: service.teams.clone(),
        meaning: format!(
            "one instance of {} holds more than 80% of the connections planned for it",
            service.name
        ),
        action: format!(
            "add an instance to the {} planned for {} connections each",
            input.services[server.0].replicas.value, planned
        ),
        why: format!("80% of {why}"),
        anchor: String::new(),
        towards: None,
        custom_metric: false,
        held: None,
    });
}

fn saga(input: &Input<'_>, i: usize, alerts: &mut Vec<Alert>) {
    let saga = &input.model.sagas[i];
    let plan = &input.sagas[i];
    let Some(service) = plan
        .coordinator
        .as_ref()
        .map(|c| c.value)
        .or_else(|| saga.steps.first().map(|s| s.service))
    else {
        return;
    };
    let s = input.model.service(service);
    let oldest = format!("max(saga_oldest_pending_seconds{{saga=\"{}\"}})", plan.slug);
    alerts.push(Alert {
        name: format!("Saga{}Stuck", camel(&saga.name)),
        proof: Proof::limit(&oldest, plan.deadline.value.as_s()),
        expr: format!("{oldest} > {}", plan.deadline.value.as_s()),
        hold: Time::s(60),
        severity: AlertSeverity::Page,
        service,
        teams: s.teams.clone(),
        meaning: format!("a run of {} has neither finished nor been taken back within {}", saga.name, plan.deadline.value),
        action: format!(
            "find its last finished step in the saga log of {}; finish it by hand after the pivot, take it back before",
            s.name
        ),
        why: format!("deadline: {}", plan.deadline.why),
        anchor: String::new(),
        towards: None,
        custom_metric: true,
        held: Some(Held {
            title: format!("Oldest unfinished run of {}", saga.name),
            expr: oldest,
            limit: plan.deadline.value.as_s(),
        }),
    });
}
