//! Who owns what, and which teams have to talk.

use super::alerts::Alert;
use crate::model::{CallId, EventId, Model, Party, ServiceId, TeamId};

/// Something that one team provides and another relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// A call.
    Call(CallId),
    /// An event.
    Event(EventId),
}

/// What one team owns.
#[derive(Clone, Debug)]
pub struct TeamPlan {
    /// The team.
    pub team: TeamId,
    /// Its services.
    pub services: Vec<ServiceId>,
    /// Contracts that other teams or actors rely on.
    pub provides: Vec<Contract>,
    /// Contracts of other teams that it relies on.
    pub consumes: Vec<Contract>,
    /// Alerts that go to it, as indices.
    pub alerts: Vec<usize>,
}

/// Ownership of the whole design.
#[derive(Clone, Debug)]
pub struct OwnershipPlan {
    /// Teams by name.
    pub teams: Vec<TeamPlan>,
    /// Services that nobody owns.
    pub orphans: Vec<ServiceId>,
    /// `matrix[a][b]`: calls and event subscriptions by which team `a` relies on team `b`.
    pub matrix: Vec<Vec<usize>>,
    /// Calls between services of different teams, of all calls between owned services.
    pub cross_calls: (usize, usize),
}

/// Our services that nobody owns.
pub(super) fn orphans(model: &Model) -> Vec<ServiceId> {
    let owned = |s: &ServiceId| {
        let s = model.service(*s);
        s.external || !s.teams.is_empty()
    };
    model.service_ids().filter(|s| !owned(s)).collect()
}

pub(super) fn plan(model: &Model, alerts: &[Alert]) -> OwnershipPlan {
    let owner = |s: ServiceId| model.service(s).teams.first().copied();
    let mut teams: Vec<TeamPlan> = (0..model.teams.len())
        .map(|t| TeamPlan {
            team: TeamId(t),
            services: Vec::new(),
            provides: Vec::new(),
            consumes: Vec::new(),
            alerts: Vec::new(),
        })
        .collect();
    for s in model.service_ids() {
        for t in &model.service(s).teams {
            teams[t.0].services.push(s);
        }
    }
    for (i, alert) in alerts.iter().enumerate() {
        for t in &alert.teams {
            teams[t.0].alerts.push(i);
        }
    }
    let mut matrix = vec![vec![0; model.teams.len()]; model.teams.len()];
    let mut cross = (0, 0);
    // Contracts come one after the other, so that one which a team has already is its last.
    let mut rely = |who: Option<TeamId>, on: Option<TeamId>, contract: Contract| {
        if let (Some(a), Some(b)) = (who, on) {
            matrix[a.0][b.0] += 1;
        }
        if who == on {
            return;
        }
        // The same contract comes in a row, so the last one tells.
        if let Some(b) = on
            && teams[b.0].provides.last() != Some(&contract)
        {
            teams[b.0].provides.push(contract);
        }
        if let Some(a) = who
            && teams[a.0].consumes.last() != Some(&contract)
        {
            teams[a.0].consumes.push(contract);
        }
    };
    let team_of = |p: Party| match p {
        Party::Service(s) => owner(s),
        Party::Actor(_) => None,
    };
    for id in model.call_ids() {
        let c = model.call(id);
        let (who, on) = (team_of(c.from), owner(c.to));
        if let (Some(a), Some(b)) = (who, on) {
            cross.1 += 1;
            cross.0 += usize::from(a != b);
        }
        rely(who, on, Contract::Call(id));
    }
    for id in model.event_ids() {
        let e = model.event(id);
        for p in &e.publishers {
            for (consumer, _) in &e.consumers {
                rely(team_of(*consumer), owner(p.service), Contract::Event(id));
            }
        }
    }
    OwnershipPlan {
        orphans: orphans(model),
        teams,
        matrix,
        cross_calls: cross,
    }
}
