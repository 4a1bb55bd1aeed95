//! `hardcoded-endpoint`: a service is found by a fixed address.
//!
//! An IP address, or `localhost`, in the `address` of a service or in the operation or description of a
//! call to a service of this design.

use super::prelude::*;

rule! {
    id: "hardcoded-endpoint",
    severity: Error,
    section: Discovery,
    summary: "a service is found by a fixed address",
    what: "An IP address, or `localhost`, in the `address` of a service or in the operation or description of a call to a service of this design.",
    why: "The address changes with every move, restart or second instance, and then callers fail until each is deployed again.",
    limits: "Names are taken to be resolved by discovery. What stands in code and configuration is not seen.",
    source: "Taibi and Lenarduzzi 2018: Hard-Coded Endpoints",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    for id in m.service_ids() {
        let s = m.service(id);
        let Some(address) = &s.address else { continue };
        let Some(literal) = fixed(&address.value) else { continue };
        let mut d = report
            .at(address.span, format!("`{}` is found at the fixed address `{literal}`", s.name))
            .at("a fixed address");
        for call in facts.inbound[id.0].iter().take(4) {
            d = d.label(m.call(*call).span, "goes there");
        }
        report.add(facts.service(id), d.help(help(&s.name)));
    }
    for id in m.call_ids() {
        let c = m.call(id);
        let texts = [Some(c.operation.as_str()), c.description.as_deref()];
        let Some(literal) = texts.into_iter().flatten().find_map(fixed) else { continue };
        let (from, to) = (m.party(c.from), facts.name(c.to));
        let d = report
            .at(c.span, format!("`{from}` finds `{to}` at the fixed address `{literal}`"))
            .at("a fixed address")
            .help(help(to));
        report.add(facts.call(id), d);
    }
}

fn help(name: &str) -> String {
    format!("call `{name}` by a name that discovery resolves, such as its DNS name in the cluster")
}

/// The first word of `text` that is an address of IP version 4 or `localhost`, with its port if it has one.
fn fixed(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')))
        .map(|w| w.trim_matches(['.', ':']))
        .find(|w| {
            let host = w.split_once(':').map_or(*w, |(host, _)| host);
            let octets: Vec<&str> = host.split('.').collect();
            let numeric = octets.len() == 4 && octets.iter().all(|o| o.parse::<u8>().is_ok());
            numeric || host == "localhost"
        })
}
