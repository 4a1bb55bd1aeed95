//! A design of as many services as a benchmark wants.

use std::fmt::Write as _;

/// Layers of services: each calls two of the next layer and publishes an event that two others read.
pub(crate) fn design(services: usize, seed: usize) -> String {
    let mut out = format!("title = \"Design {seed}\"\nlanguage = \"go\"\nservices = [");
    for i in 0..services {
        write!(out, "\"s{i}\", ").unwrap();
    }
    out.push_str("]\nsync = [\n  \"client --REST POST /orders--> s0\",\n");
    let layer = services.div_ceil(5);
    for i in 0..services.saturating_sub(layer) {
        for k in 0..2 {
            let to = (i / layer + 1) * layer + (i * 7 + k * 3 + seed) % layer;
            if to < services {
                writeln!(
                    out,
                    "  {{ call = \"s{i} --REST GET /r{k}/{{id}}--> s{to}\", timeout = \"{}ms\", p99 = \"40ms\", retries = 1 }},",
                    200 + (i * 13 + k) % 900
                )
                .unwrap();
            }
        }
    }
    out.push_str("]\nasync = [\n");
    for i in 0..services / 2 {
        let (a, b) = ((i + 1) % services, (i * 5 + 3) % services);
        writeln!(out, "  \"s{i} --thing{i}.changed--> s{a}, s{b}\",").unwrap();
    }
    out.push_str("]\n\n[teams]\n");
    for t in 0..services.div_ceil(8) {
        let members: Vec<String> = (t * 8..(t * 8 + 8).min(services))
            .map(|i| format!("\"s{i}\""))
            .collect();
        writeln!(out, "t{t} = [{}]", members.join(", ")).unwrap();
    }
    out
}
