//! The order in which a monolith is cut up, and each cut: seam, routing, data, way back.

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use crate::model::units::float;
use crate::model::{CallId, Party, ServiceId, StoreId};
use crate::plan::{MigrationStep, Route};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let Some(migration) = &plan.migration else {
        doc.para(say!(
            "Left out: the spec does not call {} a monolith, so {} to be apart already.",
            plan.model.title,
            match plan.model.services.iter().filter(|s| !s.external).count() {
                1 => "its one service is taken".to_owned(),
                n => format!("its {n} services are taken"),
            }
        ));
        return;
    };
    let model = plan.model;
    doc.heading(1, "Order", "migration-order");
    doc.para(say!(
        "The cheapest cut of {} comes first. A score counts what is still inside at that point: shared stores, callers and calls; what is cut already costs nothing more. Equal scores go by name.",
        model.title
    ));
    let rows = migration
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            vec![
                Inline::text((i + 1).to_string()),
                doc.link(
                    Inline::code(model.service(s.service).name.as_str()),
                    &format!("migration-step-{}", i + 1),
                ),
                Inline::text(float(s.score)),
                Inline::quoted(&s.why),
                Inline::names(names(cx, &s.inbound)),
                Inline::names(names(cx, &s.outbound)),
            ]
        })
        .collect();
    doc.table(
        &[
            "Step",
            "Service",
            "Score",
            "Derivation",
            "Callers inside",
            "Calls inside",
        ],
        rows,
    );
    doc.heading(1, "Steps", "migration-steps");
    let mut done: Vec<ServiceId> = Vec::new();
    for (i, step) in migration.steps.iter().enumerate() {
        doc.heading(
            2,
            say!("{}. `{}`", i + 1, model.service(step.service).name),
            &format!("migration-step-{}", i + 1),
        );
        one(cx, doc, step, &done);
        done.push(step.service);
    }
}

fn names<'a>(cx: &Cx<'a>, services: &[ServiceId]) -> Vec<&'a str> {
    services
        .iter()
        .map(|s| cx.plan.model.service(*s).name.as_str())
        .collect()
}

fn one(cx: &Cx<'_>, doc: &mut Doc, step: &MigrationStep, done: &[ServiceId]) {
    doc.table(
        &["Part", "What is done"],
        vec![
            vec![Inline::text("Seam"), seam(cx, step, done)],
            vec![Inline::text("Routing"), routing(cx, step)],
            vec![Inline::text("Data"), data(cx, step)],
            vec![Inline::text("Way back"), back(cx, step)],
        ],
    );
}

/// The calls that stop being method calls with this cut.
fn seam(cx: &Cx<'_>, step: &MigrationStep, done: &[ServiceId]) -> Inline {
    let (plan, model) = (cx.plan, cx.plan.model);
    let name = &model.service(step.service).name;
    let listed = |from: &dyn Fn(Party) -> bool, to: &dyn Fn(ServiceId) -> bool| -> Vec<Inline> {
        model
            .call_ids()
            .filter(|c| from(model.call(*c).from) && to(model.call(*c).to))
            .map(|c| call(cx, c))
            .collect()
    };
    let inbound = listed(
        &|p| matches!(p, Party::Service(s) if step.inbound.contains(&s)),
        &|to| to == step.service,
    );
    let outbound = listed(&|p| p == Party::Service(step.service), &|to| {
        step.outbound.contains(&to)
    });
    let mut out = if inbound.is_empty() {
        say!("Nothing left inside calls `{}`. ", name)
    } else {
        say!("Calls into `{}` that become remote: ", name)
            .and(Inline::join(inbound, "; "))
            .and(Inline::text(". "))
    };
    if !outbound.is_empty() {
        out = out
            .and(say!("`{}` calls back into the monolith: ", name))
            .and(Inline::join(outbound, "; "))
            .and(Inline::text(". "));
    }
    let read: Vec<&str> = model
        .events
        .iter()
        .filter(|e| {
            e.consumers
                .iter()
                .any(|(c, _)| *c == Party::Service(step.service))
        })
        .map(|e| e.name.as_str())
        .collect();
    if !read.is_empty() {
        out = out
            .and(say!("Events that reach `{}` over the broker: ", name))
            .and(Inline::names(read))
            .and(Inline::text(". "));
    }
    // Those were cut before, and reach this service through the monolith until now.
    let moved: Vec<&str> = plan
        .service(step.service)
        .used_by
        .iter()
        .filter(|s| done.contains(s))
        .map(|s| model.service(*s).name.as_str())
        .collect();
    if !moved.is_empty() {
        out = out
            .and(Inline::text(
                "Cut before, and switched from the monolith to its address: ",
            ))
            .and(Inline::names(moved))
            .and(Inline::text(". "));
    }
    out.and(say!(
        "Its address is `{}`.",
        plan.service(step.service).address
    ))
}

/// A call with the timeout and attempts that it gets once it is remote.
fn call(cx: &Cx<'_>, id: CallId) -> Inline {
    let plan = cx.plan.call(id);
    Inline::code(cx.plan.model.call_name(id)).and(say!(
        " (timeout {}, {}, peak {})",
        plan.timeout.value,
        match plan.attempts.value {
            1 => "1 attempt".to_owned(),
            n => format!("{n} attempts"),
        },
        plan.rate.value
    ))
}

fn routes<'a>(cx: &Cx<'a>, service: ServiceId) -> Vec<&'a Route> {
    cx.plan
        .gateway
        .routes
        .iter()
        .filter(|r| r.service == service)
        .collect()
}

fn route(r: &Route) -> Inline {
    Inline::code(match r.method {
        Some(m) => format!("{m} {}", r.path),
        None => r.path.clone(),
    })
}

fn routing(cx: &Cx<'_>, step: &MigrationStep) -> Inline {
    let gateway = &cx.plan.choices.gateway.name;
    let name = &cx.plan.model.service(step.service).name;
    let moved = routes(cx, step.service);
    if moved.is_empty() {
        let swap = say!(
            "No public route leads to `{}`, so {} does not change; ",
            name,
            gateway
        );
        return if step.inbound.is_empty() {
            swap.and(say!(
                "a flag in the monolith stops the module `{}` when the service takes over.",
                name
            ))
        } else {
            swap.and(Inline::text(
                "a flag in the monolith chooses module or service for ",
            ))
            .and(Inline::names(names(cx, &step.inbound)))
            .and(Inline::text("."))
        };
    }
    say!("{} sends these from the monolith to `{}`: ", gateway, name)
        .and(Inline::join(moved.into_iter().map(route), ", "))
        .and(Inline::text(
            ". Everything else still reaches the monolith.",
        ))
}

fn data(cx: &Cx<'_>, step: &MigrationStep) -> Inline {
    let model = cx.plan.model;
    let name = &model.service(step.service).name;
    let mut out = Inline::new();
    for id in &step.shared {
        out = out.and(shared(cx, step.service, *id));
    }
    if !step.owned.is_empty() {
        out = out
            .and(Inline::names(
                step.owned.iter().map(|s| model.store(*s).name.as_str()),
            ))
            .and(say!(
                ": nothing left inside uses it but `{}`, so only the credentials move. ",
                name
            ));
    }
    if step.shared.is_empty() && step.owned.is_empty() {
        out = out.and(say!("`{}` keeps no data. ", name));
    }
    let events: Vec<&str> = step
        .events
        .iter()
        .map(|e| model.event(*e).name.as_str())
        .collect();
    if events.is_empty() || !step.shared.is_empty() {
        return out;
    }
    out.and(say!("From then on `{}` tells the others by ", name))
        .and(Inline::names(events))
        .and(Inline::text("."))
}

fn shared(cx: &Cx<'_>, service: ServiceId, id: StoreId) -> Inline {
    let model = cx.plan.model;
    let store = model.store(id);
    let name = &model.service(service).name;
    let others = store
        .users
        .iter()
        .filter(|(s, _)| *s != service)
        .map(|(s, _)| model.service(*s).name.as_str());
    let carry: Vec<&str> = model
        .events
        .iter()
        .filter(|e| {
            e.publishers.iter().any(|p| p.service == service)
                && e.consumers.iter().any(|(c, _)| {
                    matches!(c, Party::Service(s) if store.users.iter().any(|(u, _)| u == s))
                })
        })
        .map(|e| e.name.as_str())
        .collect();
    // What it reads in tables of others has to come to it as well.
    let brings: Vec<&str> = model
        .events
        .iter()
        .filter(|e| {
            e.consumers
                .iter()
                .any(|(c, _)| *c == Party::Service(service))
                && e.publishers
                    .iter()
                    .any(|p| store.users.iter().any(|(u, _)| *u == p.service))
        })
        .map(|e| e.name.as_str())
        .collect();
    let brought = if brings.is_empty() {
        Inline::new()
    } else {
        say!("; what `{}` reads in tables of others reaches it by ", name)
            .and(Inline::names(brings))
    };
    let follow = if carry.is_empty() {
        say!(
            "change data capture of its tables (no event of `{}` carries them)",
            name
        )
    } else {
        Inline::names(carry)
    };
    say!("`{}` is shared with ", store.name)
        .and(Inline::names(others))
        .and(say!(
            ". Copy the tables that belong to `{}` to a store of its own; keep the copy level by change data capture from `{}`; compare row counts and checksums of both; switch reads, then writes; feed the others from ",
            name,
            store.name
        ))
        .and(follow)
        .and(brought)
        .and(say!(
            "; delete its tables in `{}` when nobody has read them for a release. ",
            store.name
        ))
}

fn back(cx: &Cx<'_>, step: &MigrationStep) -> Inline {
    let model = cx.plan.model;
    let name = &model.service(step.service).name;
    let moved = routes(cx, step.service);
    let mut out = if moved.is_empty() {
        say!(
            "Turn the flag: the module `{}` in the monolith answers again. ",
            name
        )
    } else {
        say!(
            "{} sends back to the monolith: ",
            cx.plan.choices.gateway.name
        )
        .and(Inline::join(moved.into_iter().map(route), ", "))
        .and(Inline::text(". "))
    };
    if !step.shared.is_empty() {
        out = out
            .and(say!(
                "Until its tables are deleted, `{}` copies every write back to ",
                name
            ))
            .and(Inline::names(
                step.shared.iter().map(|s| model.store(*s).name.as_str()),
            ))
            .and(Inline::text(
                ", so nothing is lost on the way; after that, only forward.",
            ));
    } else if !step.owned.is_empty() {
        out = out
            .and(Inline::text("The data stays where it is: "))
            .and(Inline::names(
                step.owned.iter().map(|s| model.store(*s).name.as_str()),
            ))
            .and(Inline::text("."));
    } else {
        out = out.and(say!("`{}` has no data to bring back.", name));
    }
    out
}
