//! Manifests: labels, selectors, ports, probes, instances and policies.

use serde_json::{Value, json};

use super::policies::{End, allows, edges, inside};
use super::{Doc, Model, Plan, Wrong, docs, entries, made, named, only, survivors};

/// The design says nothing of them.
const FREE: [&str; 4] = [
    "Deployment/spec/template/spec/containers/resources/limits/memory",
    "Deployment/spec/template/spec/containers/resources/requests/cpu",
    "Deployment/spec/template/spec/containers/resources/requests/memory",
    "Deployment/spec/template/spec/volumes/emptyDir/sizeLimit",
];

#[test]
fn each_changed_value_of_a_manifest_is_noticed() {
    let (model, files) = made("mesh = \"none\"\nbroker = \"kafka\"");
    let plan = Plan::new(&model);
    let docs = docs(&files, "kubernetes/");
    let (changed, found) = survivors(&docs, |d| wrong(&model, &plan, d));
    only(&found, &FREE);
    assert!(changed > 500, "{changed}");
}

/// Whole seconds, rounded up.
fn seconds(t: msdesign::model::units::Time) -> u64 {
    t.as_ms().div_ceil(1000)
}

fn wrong(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let space = &plan.choices.namespace;
    for d in docs {
        let (v, meta) = (&d.value, &d.value["metadata"]);
        let name = meta["name"].as_str().unwrap_or_default();
        let kind = v["kind"].as_str().unwrap_or_default();
        let api = match kind {
            "Namespace" | "Service" | "ServiceAccount" => "v1",
            "Deployment" => "apps/v1",
            "NetworkPolicy" => "networking.k8s.io/v1",
            "HorizontalPodAutoscaler" => "autoscaling/v2",
            "PodDisruptionBudget" => "policy/v1",
            _ => "no such kind",
        };
        w.want(name, &v["apiVersion"], api);
        if kind == "Namespace" {
            w.want("namespace", &meta["name"], space.as_str());
            w.want(
                "namespace",
                &meta["labels"],
                json!({ "pod-security.kubernetes.io/enforce": "restricted" }),
            );
            continue;
        }
        w.want(name, &meta["namespace"], space.as_str());
        if !["default-deny", "edge"].contains(&name) {
            w.want(name, &meta["labels"], labels(space, name));
        }
    }
    let deny = named(docs, "NetworkPolicy", "default-deny");
    let deny = deny.map_or(&Value::Null, |d| &d["spec"]);
    w.want(
        "default-deny",
        deny,
        json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }),
    );
    if let Some(edge) = named(docs, "NetworkPolicy", "edge") {
        let labels = json!({ "gateway.networking.k8s.io/gateway-name": "edge" });
        let both = json!({ "podSelector": { "matchLabels": labels }, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}] });
        w.want("edge", &edge["spec"], both);
    } else {
        w.that(false, "no policy of the gateway's pods");
    }
    for id in model.service_ids().filter(|s| !model.service(*s).external) {
        let s = plan.service(id);
        let slug = s.slug.as_str();
        let of = |kind| named(docs, kind, slug).unwrap_or(&Value::Null);
        w.want(
            slug,
            &of("ServiceAccount")["automountServiceAccountToken"],
            false,
        );
        deployment(&mut w, plan, id, of("Deployment"));
        let selector = json!({ "app.kubernetes.io/name": slug });
        let service = &of("Service")["spec"];
        w.want(slug, &service["selector"], selector.clone());
        let pod = &of("Deployment")["spec"]["template"]["spec"]["containers"][0];
        let pod: Vec<(&Value, &Value)> = list(&pod["ports"])
            .iter()
            .map(|p| (&p["name"], &p["containerPort"]))
            .collect();
        let found: Vec<(&Value, &Value)> = list(&service["ports"])
            .iter()
            .map(|p| (&p["targetPort"], &p["port"]))
            .collect();
        w.that(found == pod, "a Service leads to no port of its pods");
        for p in list(&service["ports"]) {
            w.want(slug, &p["name"], p["targetPort"].clone());
            let protocol = match p["name"].as_str() {
                Some("grpc") => "kubernetes.io/h2c",
                Some("http") => "http",
                _ => "tcp",
            };
            w.want(slug, &p["appProtocol"], protocol);
        }
        let scale = &of("HorizontalPodAutoscaler")["spec"];
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": slug });
        w.want(slug, &scale["scaleTargetRef"], target);
        w.want(slug, &scale["minReplicas"], s.replicas.value);
        w.want(slug, &scale["maxReplicas"], s.max_replicas.value);
        let cpu = json!([{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": s.cpu_target.value } } }]);
        w.want(slug, &scale["metrics"], cpu);
        let budget = &of("PodDisruptionBudget")["spec"];
        let one = json!({ "maxUnavailable": 1, "selector": { "matchLabels": selector } });
        w.want(
            slug,
            budget,
            if s.replicas.value > 1 {
                one
            } else {
                Value::Null
            },
        );
    }
    network(&mut w, model, plan, docs);
    w
}

fn labels(space: &str, name: &str) -> Value {
    json!({
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": space,
        "app.kubernetes.io/managed-by": "mdbook-msdesign",
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Ports by what a service is asked by: the usual one, gRPC's beside HTTP, and that of neither.
fn deployment(w: &mut Wrong, plan: &Plan<'_>, id: msdesign::model::ServiceId, d: &Value) {
    let s = plan.service(id);
    let (slug, spec) = (s.slug.as_str(), &d["spec"]);
    let selector = json!({ "matchLabels": { "app.kubernetes.io/name": slug } });
    w.want(slug, &spec["selector"], selector.clone());
    let rolling =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } });
    w.want(slug, &spec["strategy"], rolling);
    w.want(
        slug,
        &spec["template"]["metadata"]["labels"],
        labels(&plan.choices.namespace, slug),
    );
    let pod = &spec["template"]["spec"];
    w.want(slug, &pod["serviceAccountName"], slug);
    w.want(slug, &pod["automountServiceAccountToken"], false);
    w.want(
        slug,
        &pod["terminationGracePeriodSeconds"],
        seconds(s.grace.value),
    );
    let restricted =
        json!({ "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } });
    w.want(slug, &pod["securityContext"], restricted);
    let spread = json!([{ "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector }]);
    w.want(slug, &pod["topologySpreadConstraints"], spread);
    w.want(slug, &pod["volumes"][0]["name"], "tmp");
    let c = &pod["containers"][0];
    w.want(slug, &c["name"], slug);
    let space = &plan.choices.namespace;
    w.want(
        slug,
        &c["image"],
        format!("registry.example/{space}/{slug}:1.0.0"),
    );
    let told = json!([
        { "name": "OTEL_SERVICE_NAME", "value": slug },
        { "name": "OTEL_RESOURCE_ATTRIBUTES", "value": format!("service.namespace={space}") },
    ]);
    w.want(slug, &c["env"], told);
    w.want(
        slug,
        &c["volumeMounts"],
        json!([{ "name": "tmp", "mountPath": "/tmp" }]),
    );
    let locked = json!({ "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] } });
    w.want(slug, &c["securityContext"], locked);
    let wait = json!({ "preStop": { "sleep": { "seconds": seconds(s.pre_stop.value) } } });
    w.want(slug, &c["lifecycle"], wait);
    let http = s.serves_http || !s.serves_grpc;
    let mut ports = Vec::new();
    if http {
        ports.push(json!({ "name": "http", "containerPort": 8080 }));
    }
    if s.serves_grpc {
        ports.push(json!({ "name": "grpc", "containerPort": if http { 9090 } else { 8080 } }));
    }
    if s.serves_tcp {
        ports.push(json!({ "name": "tcp", "containerPort": 9000 }));
    }
    w.want(slug, &c["ports"], ports);
    let Some(h) = &s.health else {
        return;
    };
    for (probe, path, most) in [
        ("startupProbe", &h.liveness, h.startup_threshold),
        ("livenessProbe", &h.liveness, h.failure_threshold),
        ("readinessProbe", &h.readiness, h.failure_threshold),
    ] {
        let mut should = json!({
            "periodSeconds": h.period_s, "timeoutSeconds": h.timeout_s, "failureThreshold": most,
        });
        if h.grpc {
            should["grpc"] = json!({ "port": if http { 9090 } else { 8080 } });
        } else {
            should["httpGet"] = json!({ "path": path, "port": 8080 });
        }
        w.want(slug, &c[probe], should);
    }
}

/// Connections that the design has pass, and no others.
fn network(w: &mut Wrong, model: &Model, plan: &Plan<'_>, docs: &[Doc]) {
    let policies: Vec<&Value> = docs
        .iter()
        .map(|d| &d.value)
        .filter(|d| d["kind"] == "NetworkPolicy")
        .collect();
    let space = &plan.choices.namespace;
    let edges = edges(model, plan);
    let own: Vec<_> = model
        .service_ids()
        .filter(|s| !model.service(*s).external)
        .collect();
    for &id in &own {
        let s = plan.service(id);
        let policy = named(docs, "NetworkPolicy", &s.slug).unwrap_or(&Value::Null);
        w.want(
            &s.slug,
            &policy["spec"]["policyTypes"],
            json!(["Ingress", "Egress"]),
        );
        let here = inside(&s.slug, space);
        let open: Vec<Value> = {
            let d = named(docs, "Deployment", &s.slug).unwrap_or(&Value::Null);
            let ports = list(&d["spec"]["template"]["spec"]["containers"][0]["ports"]);
            ports.iter().map(|p| p["name"].clone()).collect()
        };
        for &from in own.iter().filter(|f| **f != id) {
            let there = inside(&plan.service(from).slug, space);
            let edge = edges.contains(&(from.0, id.0));
            for port in &open {
                let port = std::slice::from_ref(port);
                let out = allows(&policies, &there, &here, "egress", "to", port);
                let into = allows(&policies, &here, &there, "ingress", "from", port);
                let pass = (out, into) == (edge, edge);
                w.that(pass, &format!("{} to {}", plan.service(from).slug, s.slug));
            }
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for rule in list(&policy["spec"][direction]) {
                for port in list(&rule["ports"]) {
                    let dns = port["protocol"] == "UDP" && port["port"] == 53;
                    w.that(
                        port["protocol"] == "TCP" || dns,
                        "a protocol that nothing speaks",
                    );
                    let known = [53, 443, 4317, 4318, 5432, 6379, 9093].map(|p| json!(p));
                    let number = known.contains(&port["port"]);
                    let name =
                        ["http", "grpc", "tcp"].contains(&port["port"].as_str().unwrap_or("-"));
                    w.that(
                        if direction == "egress" {
                            number || name
                        } else {
                            name
                        },
                        "a port that nothing has",
                    );
                }
                w.that(!list(&rule[peers]).is_empty(), "a rule for everybody");
                w.that(!list(&rule["ports"]).is_empty(), "a rule for every port");
                let named = |p: &Value| entries(p).next().is_some();
                w.that(
                    list(&rule[peers]).iter().all(named),
                    "a peer without a name",
                );
                for selector in list(&rule[peers]).iter().flat_map(entries) {
                    let labels = entries(&selector.1["matchLabels"]).count();
                    let whom = selector.0 == "ipBlock" || labels > 0;
                    w.that(whom, "a rule for more than it says");
                }
            }
        }
        let to = |namespace: &str, app: &str, port: u16| {
            let mut end = inside("x", namespace);
            end.labels["k8s-app"] = json!(app);
            allows(&policies, &here, &end, "egress", "to", &[json!(port)])
        };
        let ask = |end: &End| allows(&policies, &here, end, "ingress", "from", &open);
        w.that(to("kube-system", "kube-dns", 53), "no names");
        w.that(!to("kube-system", "other", 53), "more than names");
        let text = policy.to_string();
        w.that(
            text.contains("\"UDP\"") && text.matches("\"port\":53").count() == 2,
            "names by one protocol",
        );
        w.that(
            to("observability", "x", 4317) && to("observability", "x", 4318),
            "no collector",
        );
        w.that(ask(&inside("prometheus", "monitoring")), "not scraped");
        for port in &open {
            let port = std::slice::from_ref(port);
            let seen = allows(
                &policies,
                &here,
                &inside("p", "monitoring"),
                "ingress",
                "from",
                port,
            );
            w.that(seen, "not scraped at a port");
            let front = allows(
                &policies,
                &here,
                &inside("g", "gateway-system"),
                "ingress",
                "from",
                port,
            );
            w.that(front == s.entry, "from the gateway");
        }
        let mut edge = inside("g", space);
        edge.labels["gateway.networking.k8s.io/gateway-name"] = json!("edge");
        w.that(ask(&edge) == s.entry, "from the gateway's own pods");
        let m = model.service(id);
        let kinds: Vec<&str> = m
            .stores
            .iter()
            .map(|x| model.store(*x).kind.as_str())
            .collect();
        w.that(
            to("data", "x", 5432) == kinds.contains(&"postgres"),
            "Postgres",
        );
        // Instances tell each other what their listeners wait for.
        let spreads = plan
            .streams
            .iter()
            .any(|x| x.backplane && x.server == Some(id));
        w.that(
            to("data", "x", 6379) == (kinds.contains(&"redis") || spreads),
            "Redis",
        );
        let kafka = model.events.iter().any(|e| {
            e.publishers.iter().any(|p| p.service == id)
                || e.consumers
                    .iter()
                    .any(|(p, _)| *p == msdesign::model::Party::Service(id))
        });
        w.that(to("messaging", "x", 9093) == kafka, "Kafka");
        let outside = End {
            labels: json!({}),
            namespace: json!({}),
            outside: true,
        };
        let external = plan.servers(id).iter().any(|c| model.service(*c).external);
        let out = allows(&policies, &here, &outside, "egress", "to", &[json!(443)]);
        let tokens = !matches!(plan.choices.auth, msdesign::model::Auth::Mtls);
        w.that(out == (external || tokens), "the world outside");
        for rule in list(&policy["spec"]["egress"]) {
            for peer in list(&rule["to"]) {
                if let Some(block) = peer.get("ipBlock") {
                    let private = json!([
                        "10.0.0.0/8",
                        "172.16.0.0/12",
                        "192.168.0.0/16",
                        "169.254.0.0/16"
                    ]);
                    w.want(
                        &s.slug,
                        block,
                        json!({ "cidr": "0.0.0.0/0", "except": private }),
                    );
                }
            }
        }
    }
}
