//! Chains, circles, passages and agreements against a search that tries every way.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use msdesign::model::Party;
use msdesign::plan::{Contract, Graph, Plan};
use proptest::prelude::*;
use specs::model;

/// Services `s0`…, calls, and events that go the same way as the calls of `events`.
fn text(n: usize, calls: &BTreeSet<(usize, usize)>, teams: &[usize]) -> String {
    let mut t = String::new();
    let quoted = |s: String| format!("\"{s}\"");
    let names: Vec<String> = (0..n).map(|i| quoted(format!("s{i}"))).collect();
    writeln!(t, "services = [{}]", names.join(", ")).unwrap();
    let arrows: Vec<String> = calls
        .iter()
        .map(|(a, b)| quoted(format!("s{a} --gRPC Do--> s{b}")))
        .collect();
    writeln!(t, "sync = [{}]", arrows.join(", ")).unwrap();
    writeln!(t, "[teams]").unwrap();
    for team in 0..3 {
        let own: Vec<String> = (0..n)
            .filter(|i| teams.get(*i) == Some(&team))
            .map(|i| quoted(format!("s{i}")))
            .collect();
        writeln!(t, "t{team} = [{}]", own.join(", ")).unwrap();
    }
    t
}

/// Whether `a` leads to `b` in one or more steps (Warshall).
fn reach(n: usize, calls: &BTreeSet<(usize, usize)>) -> Vec<Vec<bool>> {
    let mut r = vec![vec![false; n]; n];
    calls.iter().for_each(|(a, b)| r[*a][*b] = true);
    for k in 0..n {
        for a in 0..n {
            for b in 0..n {
                r[a][b] |= r[a][k] && r[k][b];
            }
        }
    }
    r
}

/// Every way without a repetition, from every node.
fn ways(n: usize, calls: &BTreeSet<(usize, usize)>) -> Vec<Vec<usize>> {
    let mut out = Vec::new();
    let mut open: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    while let Some(way) = open.pop() {
        for b in 0..n {
            if calls.contains(&(way[way.len() - 1], b)) && !way.contains(&b) {
                let mut longer = way.clone();
                longer.push(b);
                open.push(longer);
            }
        }
        out.push(way);
    }
    out
}

fn graphs() -> impl Strategy<Value = (usize, BTreeSet<(usize, usize)>, Vec<usize>)> {
    (2_usize..7).prop_flat_map(|n| {
        let pairs = proptest::collection::btree_set((0..n, 0..n), 0..12);
        (Just(n), pairs, proptest::collection::vec(0_usize..4, n))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_longest_chain_is_as_long_as_any_way((n, calls, _) in graphs()) {
        let r = reach(n, &calls);
        let same = |a: usize, b: usize| a == b || (r[a][b] && r[b][a]);
        let crossings = |w: &Vec<usize>| w.windows(2).filter(|p| !same(p[0], p[1])).count();
        let longest = ways(n, &calls).iter().map(crossings).max().unwrap_or(0);
        let chain = Graph::new(n, calls.iter().copied()).longest_chain();
        prop_assert_eq!(chain.len(), longest);
        prop_assert!(chain.iter().all(|c| calls.contains(c) && !same(c.0, c.1)));
        prop_assert!(chain.windows(2).all(|w| same(w[0].1, w[1].0)));
    }

    #[test]
    fn circles_are_what_reaches_itself((n, calls, teams) in graphs()) {
        let model = model(&text(n, &calls, &teams));
        let plan = Plan::new(&model);
        let r = reach(n, &calls);
        let mut want: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
        for a in (0..n).filter(|a| r[*a][*a]) {
            want.insert((0..n).filter(|b| *b == a || (r[a][*b] && r[*b][a])).collect());
        }
        let got: BTreeSet<BTreeSet<usize>> = plan
            .coupling
            .circles
            .iter()
            .map(|c| c.members.iter().map(|s| s.0).collect())
            .collect();
        prop_assert_eq!(got, want);
        for circle in &plan.coupling.circles {
            let first = circle.members[0].0;
            let path: Vec<usize> = circle.path.iter().map(|s| s.0).collect();
            prop_assert!(path.len() > 1 && path[0] == first && path[path.len() - 1] == first);
            prop_assert!(path.windows(2).all(|w| calls.contains(&(w[0], w[1]))));
            // No way round is shorter.
            let shortest = ways(n, &calls)
                .into_iter()
                .filter(|w| w[0] == first && calls.contains(&(w[w.len() - 1], first)))
                .map(|w| w.len() + 1)
                .min();
            prop_assert_eq!(Some(path.len()), shortest);
        }
    }

    #[test]
    fn passages_are_counted_way_by_way((n, calls, teams) in graphs()) {
        // Without circles, so that ways can be listed in the graph itself.
        let calls: BTreeSet<(usize, usize)> = calls.into_iter().filter(|(a, b)| a < b).collect();
        let model = model(&text(n, &calls, &teams));
        let plan = Plan::new(&model);
        let start = |a: usize| calls.iter().all(|c| c.1 != a) && calls.iter().any(|c| c.0 == a);
        let end = |a: usize| calls.iter().all(|c| c.0 != a);
        let whole: Vec<Vec<usize>> = ways(n, &calls)
            .into_iter()
            .filter(|w| start(w[0]) && end(w[w.len() - 1]))
            .collect();
        let mut through: BTreeMap<usize, usize> = BTreeMap::new();
        for way in &whole {
            for inner in &way[1..way.len() - 1] {
                *through.entry(*inner).or_default() += 1;
            }
        }
        let most = through.values().max().copied();
        match plan.coupling.passage {
            None => prop_assert_eq!(most, None),
            Some(p) => {
                let want = most.unwrap() as f64 / whole.len() as f64;
                prop_assert!((p.share - want).abs() < 1e-9);
                prop_assert_eq!(through.get(&p.service.0).copied(), most);
            }
        }
    }

    #[test]
    fn agreements_are_the_calls_that_leave_a_team((n, calls, teams) in graphs()) {
        let model = model(&text(n, &calls, &teams));
        let plan = Plan::new(&model);
        // Team 3 is no team.
        let team = |i: usize| (teams[i] < 3).then_some(teams[i]);
        let mut want = BTreeSet::new();
        for (a, b) in &calls {
            if team(*b).is_some() && team(*a) != team(*b) {
                want.insert((*a, *b, team(*a)));
            }
        }
        let mut got = BTreeSet::new();
        for x in &plan.coupling.agreements {
            let Contract::Call(id) = x.contract else { panic!("{x:?}") };
            let c = model.call(id);
            let Party::Service(from) = c.from else { panic!("{x:?}") };
            prop_assert_eq!(x.teams.len() + x.outsiders.len(), 1);
            prop_assert_eq!(Some(x.provider.0), team(c.to.0));
            got.insert((from.0, c.to.0, x.teams.first().map(|t| t.0)));
        }
        prop_assert_eq!(got, want);
    }
}

#[test]
fn two_services_are_apart_only_where_flows_show_both_ways_and_never_together() {
    let design = |flows: &str| {
        model(&format!(
            "services = [\"a\", \"b\"]\nsync = [\"a --gRPC X--> b\", \"b --gRPC Y--> a\"]\n{flows}"
        ))
    };
    let flow =
        |name: &str, steps: &str| format!("[[flows]]\nname = \"{name}\"\nsteps = [{steps}]\n");
    let apart = |flows: &str| Plan::new(&design(flows)).coupling.circles[0].apart;
    let (there, back) = ("\"a -> b\"", "\"b -> a\"");
    assert!(!apart(""));
    assert!(!apart(&flow("one", there)));
    assert!(!apart(&flow("one", &format!("{there}, {back}"))));
    assert!(apart(&(flow("one", there) + &flow("two", back))));
}

#[test]
fn two_thousand_services_cost_no_more_than_their_calls() {
    // Layers in which every service calls ten of the next: 10^199 ways.
    let n = 2_000;
    let edges = (0..n - 10).flat_map(|i| (0..10).map(move |k| (i, (i / 10 + 1) * 10 + k)));
    let graph = Graph::new(n, edges.filter(|(_, b)| *b < n));
    assert_eq!(graph.longest_chain().len(), n / 10 - 1);
}
