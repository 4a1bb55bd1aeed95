"""Replays the trace table of the reference state machine; stops at the first row that differs.

All times are in milliseconds here, in which the table's are exact: the samples only compare times.
"""

import asyncio
import dataclasses
import selectors
import sys

import bulkhead
import circuit_breaker
import guarded_call
import retry


class Warp(selectors.SelectSelector):
    """Moves the loop's clock instead of waiting."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


@dataclasses.dataclass
class Row:
    number: int
    columns: list[str]

    def __getitem__(self, column):
        return self.columns[column]

    def ms(self, column):
        return 0 if self[column] == "-" else int(self[column]) / 1000

    def equal(self, what, got, want):
        if got != want:
            sys.exit(f"row {self.number}: {what} is {got}, the table says {want}")

    def error(self):
        """The error of an outcome as a client would raise it."""
        match self[4]:
            case "invalid" | "fault":
                return ValueError(self[4])
            case "refused" | "unavailable":
                made = guarded_call.RefusedError() if self[4] == "refused" else guarded_call.FailedError()
                made.retry_after = self.ms(5)
                return made
            case "broken":
                return guarded_call.BrokenError()
            case "unsent":
                return ConnectionRefusedError()
            case "lost":
                return ConnectionResetError()
            case "timeout":
                return TimeoutError()
            case "cancelled":
                return asyncio.CancelledError()
        return None


def thousandfold(thing, *names, **others):
    more = {name: round(getattr(thing, name) * 1000) for name in names}
    return dataclasses.replace(thing, **more, **others)


class Player:
    def __init__(self, lines, loop):
        self.rows = [Row(number, line.split("\t")) for number, line in enumerate(lines)]
        self.next = 1
        self.loop = loop
        self.jitter = 0

    def peek(self):
        return self.rows[self.next][2] if self.next < len(self.rows) else "end"

    def take(self, op):
        row = self.rows[self.next]
        self.next += 1
        row.equal("what comes next", op, row[2])
        return row

    async def until(self, row):
        await asyncio.sleep(row.ms(1) - self.loop.time())

    async def breaker(self, breaker):
        bodies = {}
        while self.peek() in ("begin", "end"):
            row = self.take(self.peek())
            await self.until(row)
            row.equal("the state before", breaker.state, row[8])
            if row[2] == "begin":
                body = bodies[row[3]] = breaker.call(*guarded_call.CALLEE_FAILED)
                try:
                    body.__enter__()
                    decision = "admitted"
                except circuit_breaker.BreakerOpenError:
                    decision = "refused"
                row.equal("the decision", decision, row[10])
            else:
                error = row.error()
                assert not bodies.pop(row[3]).__exit__(type(error) if error else None, error, None)
            row.equal("the state", breaker.state, row[9])

    async def call(self, guarded):
        row = self.take("call")
        await self.until(row)
        row.equal("the state before", guarded.breaker.state, row[8])
        last = None
        result = ""
        asked = "-"

        async def fallback(error):
            nonlocal asked
            asked = "asked"
            raise error

        async def send():
            nonlocal last, result
            row = self.take("attempt")
            row.equal("the time", self.loop.time(), row.ms(1))
            row.equal("the state", guarded.breaker.state, row[9])
            while self.peek() == "call":
                await self.call(guarded)
            row = self.take("reply")
            self.jitter = int(row[6]) / 4
            result = row[4]
            if result == "timeout":
                try:
                    await asyncio.sleep(10_000)
                finally:
                    row.equal("the time of the timeout", self.loop.time(), row.ms(1))
            await self.until(row)
            last = row.error()
            if last is not None:
                raise last

        try:
            await guarded.call(send, fallback)
        except circuit_breaker.BreakerOpenError:
            result = "breaker-open"
        except bulkhead.BulkheadFullError:
            result = "bulkhead-full"
        except (Exception, asyncio.CancelledError) as error:
            if error is not last and not (isinstance(error, TimeoutError) and result == "timeout"):
                raise
        row = self.take("done")
        row.equal("the time", self.loop.time(), row.ms(1))
        row.equal("the result", result, row[10])
        row.equal("the fallback", asked, row[3])
        row.equal("the state", guarded.breaker.state, row[9])

    async def play(self):
        while self.peek() != "end":
            row = self.take(self.peek())
            await self.until(row)
            breaker = thousandfold(
                circuit_breaker.payment_breaker(), "window", "open_for", "slow_after", clock=self.loop.time
            )
            if row[2] == "breaker":
                await self.breaker(breaker)
                continue
            tries = thousandfold(
                retry.payment_retry(), "attempt_timeout", "deadline", "base", "cap",
                idempotent=row[3] == "orders",
                uniform=lambda low, high: low + self.jitter * (high - low),
            )
            guarded = guarded_call.GuardedCall(bulkhead.payment_bulkhead(), tries, breaker)
            while self.peek() == "call":
                await self.call(guarded)


with open(sys.argv[1], encoding="utf-8") as file:
    table = file.read().splitlines()
selector = Warp()
loop = asyncio.SelectorEventLoop(selector)
loop.time = lambda: selector.now
loop.run_until_complete(Player(table, loop).play())
loop.close()
