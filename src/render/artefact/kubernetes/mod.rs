//! Kubernetes manifests: a file a service, and one for the namespace.
//!
//! Instances, probes and the grace period are the plan's. A service takes requests from those that have to
//! reach it, and reaches no more than the design says (`network.rs`).

mod network;
mod outside;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::gateway::PORT;
use super::mesh::{ENVOY_METRICS, failure_accrual};
use super::{File, Kind, comment_line, documents};
use crate::model::ServiceId;
use crate::plan::{HealthPlan, ServicePlan};
use network::Network;

pub(super) const KIND: Kind = Kind {
    id: "kubernetes",
    what: "Deployment, Service, autoscaler, disruption budget and network policy a service",
    files,
};

/// The port for gRPC of a service that speaks HTTP as well.
const GRPC_PORT: u16 = 9090;
/// The port for what is not carried by HTTP.
const TCP_PORT: u16 = 9000;

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
    let file = |name: &str, told: &[String], parts: &[Value]| File {
        path: format!("kubernetes/{name}.yaml"),
        fence: "yaml",
        text: told
            .iter()
            .map(|t| comment_line("#", t))
            .collect::<String>()
            + &documents(parts),
        checked_by: Some("kubernetes-validate, strictly"),
        notes: Vec::new(),
    };
    let mut out = vec![file("00-namespace", &told(cx), &namespace(cx))];
    let network = Network::new(cx);
    out.extend(own.into_iter().map(|id| {
        let slug = &cx.plan.service(id).slug;
        file(slug, &[], &service(cx, id, &network))
    }));
    out
}

/// What to know of all of them.
fn told(cx: &Cx<'_>) -> Vec<String> {
    let mut out = vec![format!(
        "Replace the namespaces that the policies name by yours: {}.",
        network::REPLACE.join(", ")
    )];
    if beside_envoy(cx) {
        out.push(
            "Each pod mounts the bootstrap of its Envoy: kubectl create configmap orders-envoy --from-file=envoy.yaml=envoy/orders.yaml for `orders`. SPIRE's CSI driver brings the socket of its agent."
                .to_owned(),
        );
    } else if cx.plan.choices.mesh.mtls {
        out.push(format!(
            "`restricted` refuses containers that set up the network: {} needs its CNI plugin here.",
            cx.plan.choices.mesh.name
        ));
    }
    out
}

/// The namespace, where nothing passes that no policy names.
fn namespace(cx: &Cx<'_>) -> Vec<Value> {
    let name = &cx.plan.choices.namespace;
    let mut labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
    let mut metadata = json!({ "name": name });
    match cx.plan.choices.mesh.id.as_str() {
        "istio" => labels["istio-injection"] = json!("enabled"),
        "linkerd" => {
            metadata["annotations"] = json!({
                "linkerd.io/inject": "enabled",
                "config.linkerd.io/default-inbound-policy": "deny",
            });
        }
        _ => {}
    }
    metadata["labels"] = labels;
    let mut out = vec![
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }),
        network::nothing_else(name),
    ];
    if cx.plan.choices.gateway.id == "gateway-api" {
        out.push(network::gateway(name));
    }
    out
}

fn service(cx: &Cx<'_>, id: ServiceId, network: &Network) -> Vec<Value> {
    let s = cx.plan.service(id);
    let labels = labels(cx, &s.slug);
    let meta = json!({
        "name": s.slug,
        "namespace": cx.plan.choices.namespace,
        "labels": labels,
    });
    let open = outside::openings(cx, id);
    let mut out = vec![
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": meta,
            "automountServiceAccountToken": false,
        }),
        deployment(cx, s, &meta, &open),
    ];
    let ports = ports(s);
    let list: Vec<Value> = ports
        .iter()
        .map(|(name, port)| {
            let protocol = match *name {
                "grpc" => "kubernetes.io/h2c",
                other => other,
            };
            json!({ "name": name, "port": port, "targetPort": open_at(cx, name, *port), "appProtocol": protocol })
        })
        .collect();
    let mut spec = json!({ "selector": selector(&s.slug), "ports": list });
    if beside_envoy(cx) {
        // The callers' Envoys choose among the instances, so that DNS has to name each.
        spec["clusterIP"] = json!("None");
    }
    let mut found = meta.clone();
    if let Some(annotations) = failure_accrual(cx, id) {
        found["annotations"] = json!(annotations);
    }
    out.push(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": found,
        "spec": spec,
    }));
    out.extend(outside::balancer(&s.slug, &meta, &open));
    out.push(network.policy(cx, id, &meta));
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

fn deployment(cx: &Cx<'_>, s: &ServicePlan, meta: &Value, open: &[outside::Opening]) -> Value {
    let namespace = &cx.plan.choices.namespace;
    let mut container = Map::new();
    container.insert("name".into(), json!(s.slug));
    container.insert(
        "image".into(),
        json!(format!("registry.example/{namespace}/{}:1.0.0", s.slug)),
    );
    let envoy = beside_envoy(cx);
    let ports: Vec<Value> = ports(s)
        .iter()
        .map(|(name, port)| match envoy {
            true => json!({ "name": format!("app-{name}"), "containerPort": behind(*port) }),
            false => json!({ "name": name, "containerPort": port }),
        })
        .chain(outside::container(open))
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
        probes(&mut container, s, health, envoy);
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
    // The root is read-only, and most runtimes write temporary files.
    container.insert(
        "volumeMounts".into(),
        json!([{ "name": "tmp", "mountPath": "/tmp" }]),
    );
    let mut volumes = vec![json!({ "name": "tmp", "emptyDir": { "sizeLimit": "64Mi" } })];
    if envoy {
        volumes
            .push(json!({ "name": "envoy", "configMap": { "name": format!("{}-envoy", s.slug) } }));
        volumes.push(
            json!({ "name": "spire", "csi": { "driver": "csi.spiffe.io", "readOnly": true } }),
        );
    }
    let mut pod = json!({ "labels": labels(cx, &s.slug) });
    if let Some(mut annotations) = proxy(cx, s) {
        if let Some((key, ports)) = outside::past_the_proxy(&cx.plan.choices.mesh.id, open) {
            annotations[key] = json!(ports);
        }
        pod["annotations"] = annotations;
    }
    let mut out = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            // The number of instances is the autoscaler's.
            "selector": { "matchLabels": selector(&s.slug) },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": {
                "metadata": pod,
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
                    "volumes": volumes,
                },
            },
        },
    });
    if envoy {
        out["spec"]["template"]["spec"]["initContainers"] = json!([sidecar(s)]);
    }
    out
}

/// Whether pods run an Envoy that nobody injects.
fn beside_envoy(cx: &Cx<'_>) -> bool {
    cx.plan.choices.mesh.id == "envoy"
}

/// How others name a port of a pod: not every network looks for the names of a sidecar's ports.
fn open_at(cx: &Cx<'_>, name: &str, port: u16) -> Value {
    if beside_envoy(cx) {
        json!(port)
    } else {
        json!(name)
    }
}

/// The Envoy beside a service: ready before the service starts, and there until the service has ended.
fn sidecar(s: &ServicePlan) -> Value {
    let mut open: Vec<Value> = ports(s)
        .iter()
        .map(|(name, port)| json!({ "name": name, "containerPort": port }))
        .collect();
    open.push(json!({ "name": "metrics", "containerPort": ENVOY_METRICS }));
    json!({
        "name": "envoy",
        "image": "docker.io/envoyproxy/envoy:v1.40.0",
        "restartPolicy": "Always",
        "args": ["-c", "/etc/envoy/envoy.yaml"],
        "ports": open,
        "startupProbe": { "httpGet": { "path": "/ready", "port": ENVOY_METRICS }, "periodSeconds": 1, "failureThreshold": 30 },
        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "memory": "128Mi" } },
        "securityContext": {
            "runAsUser": 101,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "envoy", "mountPath": "/etc/envoy", "readOnly": true },
            { "name": "spire", "mountPath": "/run/spire/sockets", "readOnly": true },
            { "name": "tmp", "mountPath": "/tmp" },
        ],
    })
}

/// The proxy starts before the service and outlives it: requests under way end through it.
fn proxy(cx: &Cx<'_>, s: &ServicePlan) -> Option<Value> {
    match cx.plan.choices.mesh.id.as_str() {
        "istio" => {
            let config = json!({
                "holdApplicationUntilProxyStarts": true,
                "proxyMetadata": {
                    "EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true",
                    "MINIMUM_DRAIN_DURATION": format!("{}s", seconds(s.pre_stop.value)),
                },
            });
            Some(json!({ "proxy.istio.io/config": config.to_string() }))
        }
        "linkerd" => Some(json!({
            "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": seconds(s.pre_stop.value).to_string(),
        })),
        _ => None,
    }
}

/// Liveness, readiness and start-up: the same question, but different answers to a `no`.
fn probes(container: &mut Map<String, Value>, s: &ServicePlan, health: &HealthPlan, envoy: bool) {
    let own = |port: u16| if envoy { behind(port) } else { port };
    let probe = |path: &str, threshold: u64| {
        let mut out = Map::new();
        if health.grpc {
            let port = if s.serves_http { GRPC_PORT } else { PORT };
            out.insert("grpc".into(), json!({ "port": own(port) }));
        } else {
            out.insert("httpGet".into(), json!({ "path": path, "port": own(PORT) }));
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

/// What the service listens on. gRPC alone has the usual port; beside HTTP it has one of its own, and so has
/// what proxies cannot look into.
pub(super) fn ports(s: &ServicePlan) -> Vec<(&'static str, u16)> {
    // What nobody calls by HTTP still has to say whether it is well.
    let http = s.serves_http || !s.serves_grpc;
    let mut out = match (http, s.serves_grpc) {
        (true, true) => vec![("http", PORT), ("grpc", GRPC_PORT)],
        (true, false) => vec![("http", PORT)],
        (false, _) => vec![("grpc", PORT)],
    };
    if s.serves_tcp {
        out.push(("tcp", TCP_PORT));
    }
    out
}

/// Where the service itself listens if its Envoy has its `port`.
pub(super) fn behind(port: u16) -> u16 {
    match port {
        GRPC_PORT => 9091,
        TCP_PORT => 9001,
        _ => 8081,
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
