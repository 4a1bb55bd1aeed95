//! Scripts of calls of a breaker.

use super::machine::Outcome::{
    Broken, Cancelled, Fault, Invalid, Lost, Ok, Refused, Timeout, Unavailable, Unsent,
};
use super::machine::{Breaker, OUTCOMES, Outcome, Permit};
use super::{MS, Table};

impl Table {
    pub(super) fn breaker(&mut self) -> Breaker {
        self.pass(1000 * MS);
        self.row(["breaker", "orders", "-", "-", "-", "-", "-", "closed", "-"]);
        Breaker::new(self.now)
    }

    pub(super) fn begin(&mut self, b: &mut Breaker, id: usize) -> Option<Permit> {
        let before = b.name(self.now);
        let permit = b.admit(self.now);
        let decision = if permit.is_some() {
            "admitted"
        } else {
            "refused"
        };
        self.row([
            "begin",
            &id.to_string(),
            "-",
            "-",
            "-",
            "-",
            before,
            b.name(self.now),
            decision,
        ]);
        permit
    }

    pub(super) fn end(&mut self, b: &mut Breaker, id: usize, permit: Permit, outcome: Outcome) {
        let before = b.name(self.now);
        b.record(permit, outcome, self.now);
        self.row([
            "end",
            &id.to_string(),
            outcome.name(),
            "-",
            "-",
            "-",
            before,
            b.name(self.now),
            "-",
        ]);
    }

    /// Calls one after the other; those that are refused do not end.
    pub(super) fn calls(&mut self, b: &mut Breaker, n: usize, outcome: Outcome) {
        for id in 0..n {
            if let Some(permit) = self.begin(b, id) {
                self.end(b, id, permit, outcome);
            }
        }
    }

    /// It opens at the ratio and at the minimum, not before.
    pub(super) fn thresholds(&mut self) {
        let b = &mut self.breaker();
        self.calls(b, 9, Lost);
        self.calls(b, 2, Timeout);
        let b = &mut self.breaker();
        self.calls(b, 5, Ok);
        self.calls(b, 4, Unavailable);
        self.calls(b, 2, Broken);
        let b = &mut self.breaker();
        for outcome in [
            Ok, Invalid, Fault, Refused, Cancelled, Ok, Ok, Unsent, Lost, Timeout,
        ] {
            self.calls(b, 1, outcome);
        }
        self.calls(b, 8, Unsent);
        // Slow calls count as failed; one that is a moment short of it does not.
        let b = &mut self.breaker();
        for index in 0..12 {
            if let Some(permit) = self.begin(b, index) {
                self.pass(240 * MS - 1000 * (index as u64 % 2));
                self.end(b, index, permit, Ok);
            }
        }
    }

    /// Which calls an open and a half-open breaker admits, and what their ends do to it.
    pub(super) fn probes(&mut self) {
        let b = &mut self.breaker();
        let late = self.begin(b, 90).unwrap();
        let later = self.begin(b, 91).unwrap();
        self.calls(b, 10, Lost);
        self.pass(4999 * MS);
        self.calls(b, 2, Ok);
        self.pass(MS);
        // Results from before it opened say nothing about the callee of now.
        self.end(b, 90, late, Lost);
        let probes: Vec<Permit> = (0..3).map(|id| self.begin(b, id).unwrap()).collect();
        assert!(self.begin(b, 3).is_none());
        self.end(b, 91, later, Lost);
        // A cancelled probe gives its place back.
        self.end(b, 1, probes[1], Cancelled);
        let another = self.begin(b, 4).unwrap();
        assert!(self.begin(b, 5).is_none());
        self.end(b, 0, probes[0], Ok);
        self.end(b, 4, another, Refused);
        assert!(self.begin(b, 6).is_none());
        self.end(b, 2, probes[2], Invalid);
        // Closed with an empty window.
        self.calls(b, 9, Lost);
        let straggler = self.begin(b, 7).unwrap();
        self.calls(b, 1, Lost);
        self.pass(5000 * MS);
        let slow = self.begin(b, 8).unwrap();
        let probe = self.begin(b, 9).unwrap();
        self.end(b, 7, straggler, Ok);
        self.pass(240 * MS);
        // A slow probe opens it again, and the other one's result is late.
        self.end(b, 8, slow, Ok);
        self.end(b, 9, probe, Ok);
        self.pass(4999 * MS);
        self.calls(b, 1, Ok);
        self.pass(MS);
        self.calls(b, 3, Ok);
        self.calls(b, 10, Broken);
    }

    /// Old results leave the window a tenth at a time.
    pub(super) fn window(&mut self) {
        let b = &mut self.breaker();
        self.calls(b, 9, Lost);
        self.pass(10_000 * MS);
        self.calls(b, 9, Lost);
        self.pass(9999 * MS);
        self.calls(b, 1, Lost);
        let b = &mut self.breaker();
        for _ in 0..4 {
            self.calls(b, 1, Lost);
            self.pass(999 * MS);
            self.calls(b, 2, Ok);
            self.pass(MS);
        }
        // Two more failures while the window still holds the first tenth: 6 of 14 calls.
        self.pass(5999 * MS);
        self.calls(b, 2, Lost);
        // Without it, one more makes it 6 of 12.
        self.pass(MS);
        self.calls(b, 4, Lost);
        // Ten windows without a call, and then the same place in a ring.
        let b = &mut self.breaker();
        self.calls(b, 9, Lost);
        self.pass(100 * 1000 * MS);
        self.calls(b, 11, Lost);
    }

    /// Many calls under way at once, in any order, ended in any way at any time.
    pub(super) fn random_breaker(&mut self) {
        let b = &mut self.breaker();
        let failing = self.random(10);
        let mut under_way: Vec<(usize, Permit)> = Vec::new();
        for id in 0..110 {
            let begins = under_way.is_empty() || under_way.len() < 6 && self.random(2) == 0;
            if begins {
                if let Some(permit) = self.begin(b, id) {
                    under_way.push((id, permit));
                }
            } else {
                let count = under_way.len() as u64;
                let at = usize::try_from(self.random(count)).unwrap();
                let (id, permit) = under_way.swap_remove(at);
                let any = self.pick(&OUTCOMES);
                let outcome = if self.random(10) < failing { any } else { Ok };
                self.end(b, id, permit, outcome);
            }
            let pause = self.pick(&[0, 0, 0, 1, 50, 239, 240, 1000, 2500, 5000]);
            self.pass(pause * MS);
        }
        while let Some((id, permit)) = under_way.pop() {
            self.end(b, id, permit, Ok);
        }
    }
}
