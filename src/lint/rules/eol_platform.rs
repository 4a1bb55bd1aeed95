//! `eol-platform`: nobody maintains a part of the platform any more.
//!
//! `mesh = "app-mesh"` or `gateway = "ingress-nginx"`.

use super::prelude::*;

rule! {
    id: "eol-platform",
    severity: Error,
    section: Overview,
    summary: "nobody maintains a part of the platform any more",
    what: "`mesh = \"app-mesh\"` or `gateway = \"ingress-nginx\"`.",
    why: "Security faults in it stay open, and the next version of what it runs on may break it.",
    limits: "It knows what `src/catalog/data/retired.toml` lists.",
    source: "AWS containers blog, App Mesh discontinuation; kubernetes/ingress-nginx README",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for set in &facts.model.platform.retired {
        let r = set.value;
        let d = report
            .at(set.span, format!("{} is {}", r.name, r.end))
            .at("at its end")
            .help(format!("move to {}; the design goes on as if that were done", r.instead));
        report.add((r.id.clone(), Vec::new()), d);
    }
}
