//! Network policies and policies of the mesh let through what the design says, and nothing else.
//!
//! The policies are read back from the files and judged as Kubernetes judges them: both ends have to allow a
//! connection. For every pair of services the answer is held against the edges of the design.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/made.rs"]
mod made;
#[path = "support/policies.rs"]
mod policies;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use made::{documents, made};
use msdesign::Artefact;
use msdesign::model::{Model, Party};
use msdesign::plan::Plan;
use policies::{End, allows, edges, inside};
use serde_json::{Value, json};

/// The designs of the book on Kubernetes, in `mesh`.
fn designs(mesh: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some((_, rest)) = page.split_once("```msdesign\n") else {
            continue;
        };
        let block = rest.split_once("\n```").unwrap().0;
        let mut toml: toml_edit::DocumentMut = block.parse().unwrap();
        toml["infrastructure"] = toml_edit::value("kubernetes");
        toml.remove("platform");
        toml["platform"]["mesh"] = toml_edit::value(mesh);
        out.push(toml.to_string());
    }
    out
}

/// Runs `check` on every design in `mesh`, whose files are made once for all tests.
fn on_designs(mesh: &str, mut check: impl FnMut(&Model, &Plan<'_>, &[Artefact])) {
    type Made = Vec<(Model, Vec<Artefact>)>;
    static IN: [(&str, LazyLock<Made>); 3] = [
        ("envoy", LazyLock::new(|| all("envoy"))),
        ("istio", LazyLock::new(|| all("istio"))),
        ("linkerd", LazyLock::new(|| all("linkerd"))),
    ];
    let (_, designs) = IN.iter().find(|(m, _)| *m == mesh).unwrap();
    for (model, files) in designs.iter() {
        check(model, &Plan::new(model), files);
    }
}

fn all(mesh: &str) -> Vec<(Model, Vec<Artefact>)> {
    designs(mesh).iter().map(|text| made(text)).collect()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Vec<&'d Value> {
    documents.iter().filter(|d| d["kind"] == kind).collect()
}

#[test]
fn both_ends_allow_the_edges_and_no_other_pair() {
    let (mut let_through, mut refused) = (0, 0);
    on_designs("istio", |model, plan, files| {
        let all = documents(files, "kubernetes/");
        let policies = of_kind(&all, "NetworkPolicy");
        let deny = policies
            .iter()
            .find(|p| p["metadata"]["name"] == "default-deny")
            .unwrap();
        assert_eq!(deny["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        let space = &plan.choices.namespace;
        let edges = edges(model, plan);
        let own: Vec<_> = model
            .service_ids()
            .filter(|s| !model.service(*s).external)
            .collect();
        let port = [json!("http"), json!("grpc")];
        for &from in &own {
            for &to in own.iter().filter(|to| **to != from) {
                let [a, b] = [from, to].map(|s| inside(&plan.service(s).slug, space));
                let out = allows(&policies, &a, &b, "egress", "to", &port);
                let into = allows(&policies, &b, &a, "ingress", "from", &port);
                let edge = edges.contains(&(from.0, to.0));
                let names = (&model.service(from).name, &model.service(to).name);
                assert_eq!((out, into), (edge, edge), "{names:?} in {}", model.title);
                let_through += usize::from(edge);
                refused += usize::from(!edge);
            }
        }
    });
    assert!(let_through > 30 && refused > 100, "{let_through} {refused}");
}

#[test]
fn what_is_no_service_is_reached_where_it_is_used_and_only_there() {
    let mut seen = BTreeMap::<&str, [u32; 2]>::new();
    on_designs("istio", |model, plan, files| {
        let all = documents(files, "kubernetes/");
        let policies = of_kind(&all, "NetworkPolicy");
        let space = &plan.choices.namespace;
        for id in model.service_ids().filter(|s| !model.service(*s).external) {
            let s = plan.service(id);
            let service = model.service(id);
            let own = inside(&s.slug, space);
            let to = |namespace: &str, port: u16| {
                let mut end = inside("x", namespace);
                end.labels["k8s-app"] = json!("kube-dns");
                allows(&policies, &own, &end, "egress", "to", &[json!(port)])
            };
            assert!(to("kube-system", 53), "{} asks for names", s.slug);
            assert!(to("observability", 4317), "{} sends spans", s.slug);
            assert!(to("istio-system", 15012), "{}'s proxy is told", s.slug);
            assert!(!to("kube-system", 443) && !to("elsewhere", 8080));
            let scraped = inside("prometheus", "monitoring");
            let port = [json!("http"), json!("grpc")];
            assert!(allows(&policies, &own, &scraped, "ingress", "from", &port));
            let gateway = inside("gateway", "gateway-system");
            let edge = allows(&policies, &own, &gateway, "ingress", "from", &port);
            assert_eq!(edge, s.behind_gateway(), "{} from outside", s.slug);
            let stores = service.stores.iter().chain(&service.reads);
            let port_of = |x| msdesign::catalog::port(&model.store(x).kind).map(|p| p.port);
            let postgres = stores.clone().any(|x| port_of(*x) == Some(5432));
            let known = stores.clone().all(|x| port_of(*x).is_some());
            if known {
                assert_eq!(to("data", 5432), postgres, "{} and its store", s.slug);
            }
            let kafka = model.events.iter().any(|e| {
                let reads = |(p, _): &(Party, _)| *p == Party::Service(id);
                model.broker(e.broker).kind.id == "kafka"
                    && (e.publishers.iter().any(|p| p.service == id)
                        || e.consumers.iter().any(reads))
            });
            assert_eq!(to("messaging", 9093), kafka, "{} and Kafka", s.slug);
            let outside = End {
                labels: json!({}),
                namespace: json!({}),
                outside: true,
            };
            let calls = plan.servers(id).iter();
            let external = calls.clone().any(|c| model.service(*c).external);
            let gets = allows(&policies, &own, &outside, "egress", "to", &[json!(443)]);
            assert!(!external || gets, "{} calls somebody else", s.slug);
            for (what, is) in [
                ("postgres", postgres),
                ("kafka", kafka),
                ("external", external),
            ] {
                seen.entry(what).or_default()[usize::from(is)] += 1;
            }
        }
    });
    assert!(seen.values().flatten().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn the_mesh_lets_in_the_same() {
    let mut pairs = 0;
    for (mesh, folder) in [("istio", "istio/"), ("linkerd", "linkerd/")] {
        on_designs(mesh, |model, plan, files| {
            let all = documents(files, folder);
            let edges = edges(model, plan);
            let space = &plan.choices.namespace;
            let home = format!("cluster.local/ns/{space}/sa/");
            let accounts = |kind: &str, name: &str| -> BTreeSet<String> {
                let found = of_kind(&all, kind)
                    .into_iter()
                    .find(|d| d["metadata"]["name"] == name);
                let Some(d) = found else {
                    return BTreeSet::new();
                };
                let istio = d["spec"]["rules"][0]["from"][0]["source"]["principals"].as_array();
                let istio = istio
                    .into_iter()
                    .flatten()
                    .filter_map(|p| p.as_str().unwrap().strip_prefix(&home))
                    .map(str::to_owned);
                let refs = d["spec"]["identityRefs"].as_array();
                let refs = refs
                    .into_iter()
                    .flatten()
                    .filter(|r| r["namespace"] == *space)
                    .map(|r| r["name"].as_str().unwrap().to_owned());
                istio.chain(refs).collect()
            };
            for to in model.service_ids().filter(|s| !model.service(*s).external) {
                let slug = &plan.service(to).slug;
                let found = if mesh == "istio" {
                    accounts("AuthorizationPolicy", slug)
                } else {
                    accounts("MeshTLSAuthentication", &format!("{slug}-clients"))
                };
                for from in model.service_ids() {
                    let edge = from != to && edges.contains(&(from.0, to.0));
                    let known = found.contains(&plan.service(from).slug);
                    assert_eq!(known, edge, "{} -> {slug}", model.service(from).name);
                    pairs += usize::from(edge);
                }
            }
            if mesh == "istio" {
                let nothing = of_kind(&all, "AuthorizationPolicy");
                assert!(nothing.iter().any(|d| d["spec"] == json!({})));
            }
        });
    }
    assert!(pairs > 60, "{pairs}");
}

/// Identities that a filter lets in, with what stands before each.
fn let_in(filter: &Value) -> BTreeSet<String> {
    let rules = &filter["typed_config"]["rules"];
    assert_eq!(rules["action"], "ALLOW");
    let found = rules["policies"]["callers"]["principals"].as_array();
    let name = |p: &Value| {
        let name = p["authenticated"]["principal_name"]["exact"].as_str();
        name.unwrap().to_owned()
    };
    found.into_iter().flatten().map(name).collect()
}

/// No control plane tells Envoy anything: its own file says who may call, on every port that others reach.
#[test]
fn the_envoy_beside_a_service_lets_in_the_same() {
    let (mut pairs, mut entries) = (0, 0);
    on_designs("envoy", |model, plan, files| {
        let all = documents(files, "kubernetes/");
        let edges = edges(model, plan);
        let home = format!("spiffe://cluster.local/ns/{}/sa/", plan.choices.namespace);
        for to in model.service_ids().filter(|s| !model.service(*s).external) {
            let slug = &plan.service(to).slug;
            let file = documents(files, &format!("envoy/{slug}.yaml"));
            let own = format!("{home}{slug}");
            let mut open = BTreeMap::new();
            for l in file[0]["static_resources"]["listeners"].as_array().unwrap() {
                let at = &l["address"]["socket_address"];
                let (name, port) = (l["name"].as_str().unwrap(), at["port_value"].as_u64());
                if at["address"] == "127.0.0.1" {
                    continue;
                }
                open.insert(
                    name.trim_start_matches("inbound-").to_owned(),
                    port.unwrap(),
                );
                if name == "metrics" {
                    continue;
                }
                let chain = &l["filter_chains"][0];
                let tls = &chain["transport_socket"]["typed_config"];
                assert_eq!(tls["require_client_certificate"], true, "{slug} {name}");
                let mine = &tls["common_tls_context"]["tls_certificate_sds_secret_configs"];
                assert_eq!(mine[0]["name"], own, "{slug} {name}");
                let filter = &chain["filters"][0];
                let inner = &filter["typed_config"]["http_filters"][0];
                let found = let_in(if inner.is_null() { filter } else { inner });
                for from in model.service_ids() {
                    let edge = from != to && edges.contains(&(from.0, to.0));
                    let known = found.contains(&format!("{home}{}", plan.service(from).slug));
                    assert_eq!(known, edge, "{} -> {slug}", model.service(from).name);
                    pairs += usize::from(edge);
                }
                let gateway = "spiffe://cluster.local/ns/gateway-system/sa/gateway";
                assert_eq!(
                    found.contains(gateway),
                    plan.service(to).behind_gateway(),
                    "{slug}"
                );
                entries += usize::from(plan.service(to).behind_gateway());
            }
            // The pod opens the same ports, and callers resolve its instances.
            let own = |d: &&&Value| d["metadata"]["name"] == *slug;
            let pod = of_kind(&all, "Deployment");
            let pod = &pod.iter().find(own).unwrap()["spec"]["template"]["spec"];
            let ports = pod["initContainers"][0]["ports"].as_array().unwrap();
            let ports: BTreeMap<String, u64> = ports
                .iter()
                .map(|p| {
                    (
                        p["name"].as_str().unwrap().to_owned(),
                        p["containerPort"].as_u64().unwrap(),
                    )
                })
                .collect();
            assert_eq!(ports, open, "{slug}");
            let service = of_kind(&all, "Service");
            let service = &service.iter().find(own).unwrap()["spec"];
            assert_eq!(service["clusterIP"], "None");
            for port in service["ports"].as_array().unwrap() {
                assert_eq!(port["targetPort"], port["port"], "{slug}");
            }
            // Envoy sends on to where the service listens, and probes go there as well.
            let behind = file[0]["static_resources"]["clusters"].as_array().unwrap();
            let behind: BTreeSet<u64> = behind
                .iter()
                .filter(|c| c["name"].as_str().unwrap().starts_with("local."))
                .map(|c| &c["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"])
                .map(|e| {
                    e["address"]["socket_address"]["port_value"]
                        .as_u64()
                        .unwrap()
                })
                .collect();
            let app = pod["containers"][0]["ports"].as_array().unwrap();
            let app: BTreeSet<u64> = app
                .iter()
                .map(|p| p["containerPort"].as_u64().unwrap())
                .collect();
            assert_eq!(app, behind, "{slug}");
            let probe = &pod["containers"][0]["readinessProbe"];
            let probed = probe["grpc"]["port"]
                .as_u64()
                .or(probe["httpGet"]["port"].as_u64());
            assert!(app.contains(&probed.unwrap()), "{slug}");
        }
    });
    assert!(pairs > 30 && entries > 5, "{pairs} {entries}");
}

#[test]
fn pods_outlive_what_they_are_asked_and_budgets_leave_instances() {
    on_designs("istio", |model, plan, files| {
        let all = documents(files, "kubernetes/");
        for d in of_kind(&all, "Deployment") {
            let name = d["metadata"]["name"].as_str().unwrap();
            let id = model
                .service_ids()
                .find(|s| plan.service(*s).slug == name)
                .unwrap();
            let pod = &d["spec"]["template"]["spec"];
            let container = &pod["containers"][0];
            let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
            let wait = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64();
            let longest = plan
                .callers(id)
                .iter()
                .map(|c| plan.call(*c).timeout.value.as_ms())
                .max();
            let need = wait.unwrap() * 1000 + longest.unwrap_or(0);
            let set = plan.service(id).grace.is_set();
            assert!(set || grace * 1000 >= need, "{name}: {grace} s");
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                assert!(container[probe]["periodSeconds"].is_u64(), "{name} {probe}");
            }
            let own = |d: &&&Value| d["metadata"]["name"] == name;
            let scale = of_kind(&all, "HorizontalPodAutoscaler");
            let scale = &scale.iter().find(own).unwrap()["spec"];
            let least = scale["minReplicas"].as_u64().unwrap();
            assert!(scale["maxReplicas"].as_u64().unwrap() >= least);
            let budget = of_kind(&all, "PodDisruptionBudget");
            let spare = budget
                .iter()
                .find(own)
                .map(|b| b["spec"]["maxUnavailable"].as_u64().unwrap());
            assert!(spare.is_none_or(|n| n < least), "{name}");
            assert!(spare.is_some() || least == 1, "{name}");
        }
    });
}

/// Devices have no certificate of the mesh and come past the gateway; what has no such caller stays closed.
#[test]
fn what_goes_past_the_gateway_is_let_in_by_its_own_port() {
    for (mesh, key) in [
        (
            "istio",
            Some("traffic.sidecar.istio.io/excludeInboundPorts"),
        ),
        ("linkerd", Some("config.linkerd.io/skip-inbound-ports")),
        ("envoy", None),
        ("none", None),
    ] {
        let (_, files) = made(&format!(
            "infrastructure = \"kubernetes\"\nservices = [\"adapter\", \"web\"]\nactors = [\"device\", \"user\"]\n\
             platform = {{ mesh = \"{mesh}\" }}\n\
             sync = [\"device --MQTT publish--> adapter\", \"device --CoAP POST /m--> adapter\", \
             \"user --REST GET /--> web\", \"web --REST GET /last--> adapter\"]"
        ));
        let all = documents(&files, "kubernetes/");
        let balancers: Vec<&Value> = of_kind(&all, "Service")
            .into_iter()
            .filter(|s| s["spec"]["type"] == "LoadBalancer")
            .collect();
        let [balancer] = balancers[..] else {
            panic!("{mesh}: {balancers:?}");
        };
        let ports = balancer["spec"]["ports"].as_array().unwrap();
        let seen: Vec<_> = ports
            .iter()
            .map(|p| (p["protocol"].as_str().unwrap(), p["port"].as_u64().unwrap()))
            .collect();
        assert_eq!(seen, [("UDP", 5684), ("TCP", 8883)], "{mesh}");
        let pods = of_kind(&all, "Deployment");
        let pod = |name: &str| {
            let found = pods.iter().find(|d| d["metadata"]["name"] == name);
            &found.unwrap()["spec"]["template"]
        };
        for (port, transport) in ports.iter().zip(["UDP", "TCP"]) {
            let listens = pod("adapter")["spec"]["containers"][0]["ports"].as_array();
            assert!(listens.unwrap().iter().any(|p| {
                p["containerPort"] == port["targetPort"] && p["protocol"] == transport
            }));
        }
        let mqtt = &ports[1]["targetPort"];
        if let Some(key) = key {
            let excluded = &pod("adapter")["metadata"]["annotations"][key];
            assert_eq!(excluded, &json!(mqtt.to_string()), "{mesh}");
            assert!(pod("web")["metadata"]["annotations"].get(key).is_none());
        }
        let policies = of_kind(&all, "NetworkPolicy");
        let space = all[0]["metadata"]["name"].as_str().unwrap();
        let mut device = inside("device", "elsewhere");
        device.outside = true;
        let lets = |to: &str, port: &Value| {
            let port = std::slice::from_ref(port);
            allows(
                &policies,
                &inside(to, space),
                &device,
                "ingress",
                "from",
                port,
            )
        };
        assert!(lets("adapter", mqtt) && lets("adapter", &ports[0]["targetPort"]));
        assert!(
            !lets("adapter", &json!("http")) && !lets("web", mqtt),
            "{mesh}"
        );
    }
}

#[test]
fn what_only_goes_past_the_gateway_is_not_let_in_from_it_nor_measured_as_http() {
    for mesh in ["istio", "linkerd", "envoy", "none"] {
        let (_, files) = made(&format!(
            "infrastructure = \"kubernetes\"\nservices = [\"adapter\", \"web\"]\nactors = [\"device\", \"user\"]\n\
             platform = {{ mesh = \"{mesh}\" }}\n\
             sync = [\"device --CoAP POST /m--> adapter\", \"user --REST GET /--> web\"]"
        ));
        let of = |folder: &str, slug: &str| -> String {
            let of = files
                .iter()
                .filter(|f| f.path.starts_with(folder) && f.path.contains(slug));
            of.map(|f| f.text.as_str()).collect()
        };
        let gateway = |slug: &str| {
            let policies = of("kubernetes/", slug) + &of(mesh, slug);
            policies.contains("gateway-system")
                || policies.contains("gateway-name")
                || policies.contains("edge-istio")
        };
        assert!(!gateway("adapter") && gateway("web"), "{mesh}");
        let rules = of("prometheus/", "rules");
        assert!(
            !rules.contains("duration_seconds_count{job=\"adapter\""),
            "{mesh}"
        );
        assert!(
            rules.contains("duration_seconds_count{job=\"web\""),
            "{mesh}"
        );
        assert!(rules.contains("AdapterSaturated") && rules.contains("AdapterMetricsMissing"));
    }
}
