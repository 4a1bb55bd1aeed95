"""Replays the table of decisions, line by line, with clocks that it moves."""

import asyncio
import sys
from contextlib import asynccontextmanager

import bulkhead
import circuit_breaker
import retry
from driver import run

KINDS = {"breaker", "bulkhead", "retry", "once"}


class Rejected(Exception):
    """A 4xx."""


ENDS = {
    "failed": ConnectionError(),
    "rejected": Rejected(),
    "cancelled": asyncio.CancelledError(),
}


class Replay:
    def __init__(self, lines):
        self.lines = [line.split() for line in lines]
        self.at = 0
        self.ended = []

    def next(self):
        self.at += 1
        return self.lines[self.at - 1]

    def more(self):
        return self.at < len(self.lines) and self.lines[self.at][0] != "script"

    def equal(self, what, got, want):
        words = " ".join(self.lines[self.at - 1])
        assert got == want, f"line {self.at}, {words}: {what}: got {got}, want {want}"

    async def play(self):
        while self.at < len(self.lines):
            kind = self.next()[1]
            assert kind in KINDS
            if kind == "breaker":
                await self.breaker()
            elif kind == "bulkhead":
                await self.calls(bulkhead.Bulkhead(4, 0.0).slot, None, lambda now: None)
            else:
                await self.logical_calls(kind == "retry")

    async def breaker(self):
        made = circuit_breaker.payment_breaker()
        now = [0]
        # Seconds as floats do not add up exactly; whole microseconds do.
        made.clock = lambda: now[0]
        made.window, made.open_for = round(made.window * 1e6), round(made.open_for * 1e6)
        made.slow_after = round(made.slow_after * 1e6)

        @asynccontextmanager
        async def call():
            with made.call():
                yield

        def move(to):
            now[0] = to

        await self.calls(call, lambda: made.state.name.lower().replace("_", "-"), move)

    async def calls(self, slot, state, move):
        """Plays lines up to the end of the innermost call and gives back how that ends."""

        def check(words):
            if state:
                self.equal("state", state(), words[3])

        while self.more():
            words = self.next()
            move(int(words[0]))
            if words[1] == "end":
                self.ended = words
                return words[2]
            try:
                async with slot():
                    self.equal("decision", "admitted", words[2])
                    check(words)
                    end = await self.calls(slot, state, move)
                    if end in ENDS:
                        raise ENDS[end]
            except (circuit_breaker.BreakerOpen, bulkhead.BulkheadFull):
                self.equal("decision", "refused", words[2])
                check(words)
                continue
            except tuple(type(error) for error in ENDS.values()):
                pass
            check(self.ended)
        return "ok"

    async def logical_calls(self, idempotent):
        loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        made = retry.payment_retry()
        made.idempotent = idempotent

        def now():
            return round((loop.time() - start) * 1e6)

        while self.more():
            await asyncio.sleep(int(self.next()[0]) / 1e6 - (loop.time() - start))
            words = []
            retry.random.uniform = lambda low, high: low + (high - low) * int(words[6]) / 100

            async def attempt(timeout):
                nonlocal words
                words = self.next()
                self.equal("line", words[1], "attempt")
                self.equal("start", now(), int(words[0]))
                self.equal("timeout", round(timeout * 1e6), int(words[2]))
                await asyncio.sleep(int(words[3]) / 1e6)
                if words[4] != "ok":
                    raise ConnectionError

            def judge(error):
                if isinstance(error, AssertionError):
                    return retry.Verdict.FINAL, 0.0
                name = {"refused": "NOT_PROCESSED"}.get(words[4], words[4].upper())
                return retry.Verdict[name], int(words[5]) / 1e6

            succeeded = True
            try:
                await made.call(attempt, judge)
            except ConnectionError:
                succeeded = False
            outcome, done = words[4], self.next()
            self.equal("line", done[1], "done")
            self.equal("outcome", outcome, done[2])
            self.equal("success", succeeded, outcome == "ok")
            self.equal("end", now(), int(done[0]))


with open(sys.argv[1]) as table:
    replay = Replay(table.read().splitlines())
run(replay.play)
