//! Kubernetes manifests: a file a service, and one for the namespace.
//!
//! Instances, probes and the grace period are the plan's. A service takes requests from its callers, the
//! gateway and Prometheus alone; what it may reach is left open, as the spec does not say where stores and brokers run.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::gateway::PORT;
use super::{File, Kind, documents};
use crate::model::ServiceId;
use crate::plan::{HealthPlan, ServicePlan};

pub(super) const KIND: Kind = Kind {
    id: "kubernetes",
    what: "Deployment, Service, autoscaler, disruption budget and network policy a service",
    files,
};

/// The port for gRPC of a service that speaks HTTP as well.
const GRPC_PORT: u16 = 9090;
/// Where the gateway's own pods run; to be replaced by the team.
const GATEWAY_NAMESPACE: &str = "gateway-system";
/// Where Prometheus runs; to be replaced by the team.
const MONITORING_NAMESPACE: &str = "monitoring";

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let own: Vec<ServiceId> = model
        .service_ids()
        .filter(|s| !model.service(*s).external)
        .collect();
    let runs = model.infrastructures.iter().any(|i| i.id == "kubernetes");
    if !runs || own.is_empty() {
        return Vec::new();
    }
    let file = |name: &str, parts: &[Value]| File {
        path: format!("kubernetes/{name}.yaml"),
        fence: "yaml",
        text: documents(parts),
        checked_by: Some("kubernetes-validate, strictly"),
        notes: Vec::new(),
    };
    let mut out = vec![file("00-namespace", &namespace(cx))];
    out.extend(own.into_iter().map(|id| {
        let s = cx.plan.service(id);
        file(&s.slug, &service(cx, s))
    }));
    out
}

/// The namespace, which takes no traffic that no policy names.
fn namespace(cx: &Cx<'_>) -> Vec<Value> {
    let name = &cx.plan.choices.namespace;
    vec![
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
            },
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": "default-deny-ingress", "namespace": name },
            "spec": { "podSelector": {}, "policyTypes": ["Ingress"] },
        }),
    ]
}

fn service(cx: &Cx<'_>, s: &ServicePlan) -> Vec<Value> {
    let labels = labels(cx, &s.slug);
    let meta = json!({
        "name": s.slug,
        "namespace": cx.plan.choices.namespace,
        "labels": labels,
    });
    let mut out = vec![
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": meta,
            "automountServiceAccountToken": false,
        }),
        deployment(cx, s, &meta),
    ];
    let ports = ports(s);
    let list: Vec<Value> = ports
        .iter()
        .map(|(name, port)| {
            let protocol = if *name == "grpc" {
                "kubernetes.io/h2c"
            } else {
                "http"
            };
            json!({ "name": name, "port": port, "targetPort": name, "appProtocol": protocol })
        })
        .collect();
    out.push(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": { "selector": selector(&s.slug), "ports": list },
    }));
    out.push(policy(cx, s, &meta, &ports));
    out.push(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta,
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": s.slug },
            "minReplicas": s.replicas.value,
            "maxReplicas": s.max_replicas.value,
            "metrics": [{ "type": "Resource", "resource": {
                "name": "cpu",
                "target": { "type": "Utilization", "averageUtilization": s.cpu_target.value },
            } }],
        },
    }));
    // With one instance a budget would only keep nodes from being drained.
    if s.replicas.value > 1 {
        out.push(json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": { "maxUnavailable": 1, "selector": { "matchLabels": selector(&s.slug) } },
        }));
    }
    out
}

fn deployment(cx: &Cx<'_>, s: &ServicePlan, meta: &Value) -> Value {
    let namespace = &cx.plan.choices.namespace;
    let mut container = Map::new();
    container.insert("name".into(), json!(s.slug));
    container.insert(
        "image".into(),
        json!(format!("registry.example/{namespace}/{}:1.0.0", s.slug)),
    );
    let ports: Vec<Value> = ports(s)
        .iter()
        .map(|(name, port)| json!({ "name": name, "containerPort": port }))
        .collect();
    container.insert("ports".into(), json!(ports));
    container.insert(
        "env".into(),
        json!([
            { "name": "OTEL_SERVICE_NAME", "value": s.slug },
            { "name": "OTEL_RESOURCE_ATTRIBUTES", "value": format!("service.namespace={namespace}") },
        ]),
    );
    container.insert(
        "resources".into(),
        json!({ "requests": { "cpu": "250m", "memory": "256Mi" }, "limits": { "memory": "256Mi" } }),
    );
    if let Some(health) = &s.health {
        probes(&mut container, s, health);
    }
    container.insert(
        "lifecycle".into(),
        json!({ "preStop": { "sleep": { "seconds": seconds(s.pre_stop.value) } } }),
    );
    container.insert(
        "securityContext".into(),
        json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        }),
    );
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            // The number of instances is the autoscaler's.
            "selector": { "matchLabels": selector(&s.slug) },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": {
                "metadata": { "labels": labels(cx, &s.slug) },
                "spec": {
                    "serviceAccountName": s.slug,
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": seconds(s.grace.value),
                    "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
                    "topologySpreadConstraints": [{
                        "maxSkew": 1,
                        "topologyKey": "topology.kubernetes.io/zone",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": { "matchLabels": selector(&s.slug) },
                    }],
                    "containers": [container],
                },
            },
        },
    })
}

/// Liveness, readiness and start-up: the same question, but different answers to a `no`.
fn probes(container: &mut Map<String, Value>, s: &ServicePlan, health: &HealthPlan) {
    let probe = |path: &str, threshold: u64| {
        let mut out = Map::new();
        if health.grpc {
            let port = if s.serves_http { GRPC_PORT } else { PORT };
            out.insert("grpc".into(), json!({ "port": port }));
        } else {
            out.insert("httpGet".into(), json!({ "path": path, "port": PORT }));
        }
        out.insert("periodSeconds".into(), json!(health.period_s));
        out.insert("timeoutSeconds".into(), json!(health.timeout_s));
        out.insert("failureThreshold".into(), json!(threshold));
        out
    };
    let n = health.failure_threshold;
    container.insert(
        "startupProbe".into(),
        json!(probe(&health.liveness, health.startup_threshold)),
    );
    container.insert("livenessProbe".into(), json!(probe(&health.liveness, n)));
    container.insert("readinessProbe".into(), json!(probe(&health.readiness, n)));
}

/// Requests come from the services that call this one, from Prometheus, and from the gateway if it is reached
/// from outside.
fn policy(cx: &Cx<'_>, s: &ServicePlan, meta: &Value, ports: &[(&str, u16)]) -> Value {
    let callers: BTreeSet<&str> = s
        .used_by
        .iter()
        .map(|id| cx.plan.service(*id).slug.as_str())
        .collect();
    let mut from: Vec<Value> = callers
        .iter()
        .map(|caller| json!({ "podSelector": { "matchLabels": selector(caller) } }))
        .collect();
    if s.entry {
        from.push(json!({ "namespaceSelector": {
            "matchLabels": { "kubernetes.io/metadata.name": GATEWAY_NAMESPACE },
        } }));
        // Some implementations run the Gateway's pods beside the Gateway itself.
        from.push(json!({ "podSelector": {
            "matchLabels": { "gateway.networking.k8s.io/gateway-name": "edge" },
        } }));
    }
    let ports: Vec<Value> = ports
        .iter()
        .map(|(name, _)| json!({ "protocol": "TCP", "port": name }))
        .collect();
    // What cannot be scraped is taken for dead by its alerts.
    from.push(json!({ "namespaceSelector": {
        "matchLabels": { "kubernetes.io/metadata.name": MONITORING_NAMESPACE },
    } }));
    let ingress = json!([{ "from": from, "ports": ports }]);
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": {
            "podSelector": { "matchLabels": selector(&s.slug) },
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    })
}

/// What the service listens on. gRPC alone has the usual port; beside HTTP it has one of its own.
fn ports(s: &ServicePlan) -> Vec<(&'static str, u16)> {
    let http = s.serves_http || (s.entry && !s.serves_grpc);
    match (http, s.serves_grpc) {
        (true, true) => vec![("http", PORT), ("grpc", GRPC_PORT)],
        (false, true) => vec![("grpc", PORT)],
        // What nobody calls still has to say whether it is well.
        (_, false) => vec![("http", PORT)],
    }
}

fn selector(slug: &str) -> Value {
    json!({ "app.kubernetes.io/name": slug })
}

fn labels(cx: &Cx<'_>, slug: &str) -> Value {
    json!({
        "app.kubernetes.io/name": slug,
        "app.kubernetes.io/part-of": cx.plan.choices.namespace,
        "app.kubernetes.io/managed-by": "mdbook-msdesign",
    })
}

/// Whole seconds, rounded up.
fn seconds(time: crate::model::units::Time) -> u64 {
    time.as_ms().div_ceil(1000)
}
