//! The dependency matrix of a plan: services, or teams.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Cx;
use crate::diagram::{Counts, Matrix};
use crate::model::{Party, ServiceId};

/// Who depends on whom; rows depend on columns. With `teams`, services of a team are one.
///
/// A caller depends on whom it calls, a consumer on the publisher of what it reads, a listener on who pushes.
pub(super) fn matrix(cx: &Cx<'_>, teams: bool) -> Matrix {
    let model = cx.plan.model;
    let none = model.teams.len();
    let part = |s: ServiceId| {
        if teams {
            model.service(s).teams.first().map_or(none, |t| t.0)
        } else {
            s.0
        }
    };
    let mut names: Vec<String> = if teams {
        model.teams.iter().map(|t| t.name.clone()).collect()
    } else {
        model.services.iter().map(|s| s.name.clone()).collect()
    };
    if teams && model.services.iter().any(|s| s.teams.is_empty()) {
        names.push("in no team".to_owned());
    }
    let mut cells: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
    let mut add = |from: usize, to: usize, slot: fn(&mut Counts) -> &mut usize| {
        if from != to {
            *slot(cells.entry((from, to)).or_default()) += 1;
        }
    };
    for c in &model.calls {
        if let Party::Service(from) = c.from {
            add(part(from), part(c.to), |n| &mut n.sync);
        }
    }
    for e in &model.events {
        let readers: BTreeSet<usize> = e
            .consumers
            .iter()
            .filter_map(|(party, _)| match party {
                Party::Service(s) => Some(part(*s)),
                Party::Actor(_) => None,
            })
            .collect();
        let writers: BTreeSet<usize> = e.publishers.iter().map(|p| part(p.service)).collect();
        for &reader in &readers {
            for &writer in &writers {
                add(reader, writer, |n| &mut n.asynchronous);
            }
        }
    }
    for s in &model.streams {
        if let (Party::Service(from), Party::Service(to)) = (s.from, s.to) {
            add(part(to), part(from), |n| &mut n.realtime);
        }
    }
    let what = if teams { "teams" } else { "services" };
    let block = |i: usize| {
        let service = model.services.get(i).filter(|_| !teams)?;
        model.teams.get(service.teams.first()?.0)
    };
    let blocks: Vec<Option<&str>> = (0..names.len())
        .map(|i| block(i).map(|t| t.name.as_str()))
        .collect();
    let mut matrix = Matrix {
        title: format!("Dependencies between the {what} of {}", model.title),
        names,
        cells,
        ..Matrix::default()
    }
    .ordered(&blocks);
    matrix.description = described(&matrix);
    matrix
}

/// What is counted, in which order the names stand, and what goes against it.
fn described(matrix: &Matrix) -> String {
    let together = if matrix.blocks.is_empty() {
        ""
    } else {
        "the services of a team stand together, and "
    };
    let order = match matrix.backwards() {
        0 => "no pair goes against that order".to_owned(),
        1 => "1 pair goes against that order, below the diagonal".to_owned(),
        n => format!("{n} pairs go against that order, below the diagonal"),
    };
    format!(
        "Rows depend on columns: a caller on whom it calls, a consumer on the publisher of what it reads, a listener \
         on who pushes. In the order of the names, {together}who depends comes before what it depends on, as far as \
         that goes; {order}."
    )
}
