//! What ends a request of a flow although nobody's timeout has run out: gateway, load balancer, runtime.

use super::choices::Choices;
use super::figure::Figure;
use super::flows::FlowPlan;
use crate::catalog::{self, numbers};
use crate::model::units::Time;
use crate::model::{CallId, Model, Protocol, ServiceId};

/// Something on the way of a flow that waits no longer than it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceiling {
    /// `Envoy`, `AWS Lambda`.
    pub name: String,
    /// The service that runs in it; `None` for what stands at the edge.
    pub service: Option<ServiceId>,
    /// How long it waits, what ends then, and who says so.
    pub limit: Figure<Time>,
    /// Whether the author named it; else it comes with the infrastructure.
    pub named: bool,
    /// How long the flow may keep it waiting: the attempt timeout of the call into the flow, or what the
    /// entry point needs where no such call is declared.
    pub needs: Time,
    /// The call whose timeout `needs` is, if it is one's.
    pub call: Option<CallId>,
    /// `limit − needs`; `None` where `needs` reaches the limit.
    pub slack: Option<Time>,
}

pub(super) fn ceilings(model: &Model, choices: &Choices, flow: &FlowPlan) -> Vec<Ceiling> {
    let mut out = Vec::new();
    let mut add = |name: &str,
                   service: Option<ServiceId>,
                   limit: Figure<Time>,
                   named: bool,
                   needs: Time,
                   call: Option<CallId>| {
        let slack = (needs < limit.value).then(|| limit.value.minus(needs));
        out.push(Ceiling {
            name: name.to_owned(),
            service,
            limit,
            named,
            needs,
            call,
            slack,
        });
    };
    if let (Some(_), Some(entry)) = (flow.actor, flow.entry)
        && !model.service(entry).external
    {
        let edge = flow.rows.first().filter(|r| {
            let c = model.call(r.call);
            matches!(c.from, crate::model::Party::Actor(_)) && c.to == entry
        });
        // What is not HTTP goes past the gateway and past a load balancer for HTTP.
        let past = edge.is_some_and(|r| match &model.call(r.call).protocol {
            Protocol::Other(name) => catalog::not_http(name).is_some(),
            _ => false,
        });
        let (needs, call) = match edge {
            Some(row) => (row.timeout, Some(row.call)),
            None => (flow.total.value, None),
        };
        if let Some(set) = model.platform.load_balancer.filter(|_| !past) {
            let l = set.value;
            add(&l.name, None, of(l), true, needs, call);
        }
        let gateway = choices.gateway;
        if gateway.timeout_s > 0 && !past {
            let limit = Figure::derived(
                Time::s(gateway.timeout_s),
                gateway.timeout_note.clone(),
                gateway.source.as_str(),
            );
            let named = model.platform.gateway.is_some();
            add(&gateway.name, None, limit, named, needs, call);
        }
    }
    let own = Time::ms(1).scale(numbers().own_work.value);
    let mut seen: Vec<ServiceId> = Vec::new();
    let entry = flow.entry.map(|s| (s, flow.total.value));
    let called = flow
        .rows
        .iter()
        .map(|r| (model.call(r.call).to, r.behind.max(own)));
    for (s, needs) in entry.into_iter().chain(called) {
        if let Some(set) = model.service(s).runtime
            && !seen.contains(&s)
        {
            seen.push(s);
            add(&set.value.name, Some(s), of(set.value), true, needs, None);
        }
    }
    out
}

fn of(limit: &'static catalog::Limit) -> Figure<Time> {
    Figure::derived(
        Time::s(limit.seconds),
        limit.note.clone(),
        limit.source.as_str(),
    )
}
