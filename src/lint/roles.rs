//! What part a service plays, as far as its name and its callers tell: the edge, a gateway, infrastructure.

use super::facts::Facts;
use crate::model::ServiceId;
use crate::plan::Circle;

/// Words of services that stand before all others.
const EDGE: [&str; 24] = [
    "app",
    "bff",
    "client",
    "console",
    "dashboard",
    "desktop",
    "edge",
    "front",
    "frontend",
    "gateway",
    "ingress",
    "loadgenerator",
    "mobile",
    "portal",
    "proxy",
    "site",
    "spa",
    "storefront",
    "ui",
    "web",
    "webapp",
    "website",
    "webui",
    "www",
];

/// Words of services that let requests in.
const GATEWAYS: [&str; 6] = ["apigateway", "bff", "edge", "gateway", "ingress", "proxy"];

/// Words of services that everybody uses to run, and not to do its work.
const INFRASTRUCTURE: [&str; 30] = [
    "admin",
    "collector",
    "config",
    "configserver",
    "configuration",
    "consul",
    "discovery",
    "elk",
    "etcd",
    "eureka",
    "flagd",
    "flags",
    "fluentd",
    "grafana",
    "hystrix",
    "jaeger",
    "kibana",
    "logging",
    "logstash",
    "loki",
    "metrics",
    "monitoring",
    "prometheus",
    "registry",
    "telemetry",
    "tracing",
    "turbine",
    "vault",
    "zipkin",
    "zookeeper",
];

/// Share of all ways, per cent, above which what they pass through is a bus, unless the author says otherwise.
pub(super) const BUS: f64 = 70.0;
/// Callers and callees that a bus has at least, unless the author says otherwise.
pub(super) const SPOKES: f64 = 3.0;

impl Facts<'_> {
    /// Whether the service stands before all others: said to be public, called by clients, or named so.
    pub(super) fn edge(&self, s: ServiceId) -> bool {
        self.model.service(s).public.is_some_and(|p| p.value)
            || self.plan.service(s).called_by_actor
            || named(self.name(s), &EDGE)
            || self
                .name(s)
                .to_lowercase()
                .replace(['-', '_'], "")
                .contains("loadgen")
    }

    /// Whether the service is a gateway by its name.
    pub(super) fn gateway(&self, s: ServiceId) -> bool {
        named(self.name(s), &GATEWAYS)
    }

    /// Whether the service is a part of the platform by its name: configuration, discovery, monitoring.
    pub(super) fn infrastructure(&self, s: ServiceId) -> bool {
        named(self.name(s), &INFRASTRUCTURE)
    }

    /// The service through which almost everything passes, if it calls and is called by several.
    pub(super) fn bus(&self, share: f64, spokes: usize) -> Option<ServiceId> {
        let passage = self.plan.coupling.passage;
        let p = passage.filter(|p| p.share * 100.0 > share)?;
        let plan = self.plan.service(p.service);
        let circled = |c: &Circle| c.members.contains(&p.service);
        let wide = plan.used_by.len() >= spokes && plan.depends_on.len() >= spokes;
        (wide
            && !self.edge(p.service)
            && !self.infrastructure(p.service)
            && !self.plan.coupling.circles.iter().any(circled))
        .then_some(p.service)
    }

    /// Whether the two of a pair call each other to register for something and to deliver it: the call
    /// that delivers a hook is not made in the request that asked for it.
    pub(super) fn delivers(&self, circle: &Circle) -> bool {
        let [a, b] = circle.members.as_slice() else {
            return false;
        };
        sends_hooks(self.name(*a)) || sends_hooks(self.name(*b))
    }
}

/// Whether a word of `name` is one of `words`.
fn named(name: &str, words: &[&str]) -> bool {
    name.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .any(|w| words.contains(&w))
}

/// Whether a word of the name is one for hooks.
pub(super) fn sends_hooks(name: &str) -> bool {
    const HOOKS: [&str; 6] = [
        "hook",
        "hooks",
        "webhook",
        "webhooks",
        "callback",
        "callbacks",
    ];
    named(name, &HOOKS)
}

#[cfg(test)]
mod tests {
    use super::{EDGE, INFRASTRUCTURE, named, sends_hooks};

    #[test]
    fn words_are_whole() {
        assert!(named("frontend-proxy", &EDGE) && named("mobile-bff", &EDGE));
        assert!(!named("webhooks-api", &EDGE) && !named("application-forms", &EDGE));
        assert!(named("config", &INFRASTRUCTURE) && named("service-registry", &INFRASTRUCTURE));
        assert!(!named("registrations", &INFRASTRUCTURE));
        assert!(sends_hooks("webhooks-api") && !sends_hooks("webhooksclient"));
    }
}
