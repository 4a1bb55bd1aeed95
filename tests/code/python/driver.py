"""Exercises the three Python samples; the event loop's time passes only while all tasks wait."""

import asyncio
import dataclasses
import selectors
import sys
import threading
import warnings
from contextlib import suppress

import bulkhead
import circuit_breaker
import guarded_call
import retry
from once import retry as once_retry


class Warp(selectors.SelectSelector):
    """Moves the loop's clock instead of waiting."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


def run(main):
    selector = Warp()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def equal(got, want, what):
    assert got == want, f"{what}: got {got}, want {want}"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def breaker(clock=None):
    return dataclasses.replace(circuit_breaker.payment_breaker(), clock=clock or Clock())


def calls(b, n, error=None):
    admitted = 0
    for _ in range(n):
        with suppress(circuit_breaker.BreakerOpenError, ConnectionError, ValueError, asyncio.CancelledError):
            with b.call(ConnectionError):
                admitted += 1
                if error is not None:
                    raise error
    return admitted


def breaker_trips_probes_and_closes():
    b = breaker()
    equal(calls(b, 2), 2, "successes")
    equal(calls(b, 3, ValueError("400")), 3, "client errors")
    equal(calls(b, 4, ConnectionError()), 4, "failures")
    equal(calls(b, 1, ConnectionError()), 1, "below the minimum")
    equal(calls(b, 3), 0, "open")
    b.clock.now += 4.999
    equal(calls(b, 1), 0, "still open")
    b.clock.now = 5.0
    equal(calls(b, 5, asyncio.CancelledError()), 5, "cancelled probes give their place back")
    equal(calls(b, 2), 2, "two probes")
    equal(calls(b, 2, ConnectionError()), 1, "a failed probe opens it again")
    b.clock.now += 5
    equal(calls(b, 3), 3, "three probes close it")
    equal(calls(b, 9, ConnectionError()), 9, "empty window")
    equal(calls(b, 2, ConnectionError()), 1, "opens at ten")
    try:
        with b.call(ConnectionError):
            raise AssertionError("open")
    except circuit_breaker.BreakerOpenError as refused:
        equal(str(refused), "payment: circuit breaker open", "message")


def breaker_forgets_and_drops_late_results():
    b = breaker()
    calls(b, 9, ConnectionError())
    b.clock.now += 10
    equal(calls(b, 9, ConnectionError()), 9, "a window later the first nine are gone")

    b = breaker()
    for call in range(10):
        with b.call(ConnectionError):
            b.clock.now += 0.25 if call % 2 else 0.125
    equal(calls(b, 1), 0, "five of ten were slow")

    b = breaker()
    with suppress(ConnectionError), b.call(ConnectionError):
        calls(b, 10, ConnectionError())
        b.clock.now += 5
        equal(calls(b, 1), 1, "first probe")
        raise ConnectionError
    equal(calls(b, 2), 2, "a failure from before it opened does not count")
    equal(calls(b, 5), 5, "closed")


def breaker_is_shared_by_threads():
    b = breaker()
    calls(b, 10, ConnectionError())
    b.clock.now += 5
    admitted, barrier = [], threading.Barrier(32)

    def call():
        try:
            with b.call(ConnectionError):
                admitted.append(1)
                barrier.wait(10)
        except circuit_breaker.BreakerOpenError:
            barrier.wait(10)

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(admitted), 3, "probes of 32 threads")


def breaker_excludes_threads():
    """While a result is recorded, no other is, and no call is admitted."""
    for records in (True, False):
        begun, entered, meanwhile = (threading.Event() for _ in range(3))
        ending, both = set(), []

        # Read before the call without the lock, and after it inside.
        def clock():
            if threading.get_ident() in ending:
                if not entered.is_set():
                    entered.set()
                    both.append(meanwhile.wait(0.2))
                else:
                    meanwhile.set()
            return 0.0

        b = breaker(clock)

        def call(number):
            if number == 1 and not records:
                entered.wait(5)
            with b.call(ConnectionError):
                if number == 0 and records:
                    begun.wait(5)
                if number == 1:
                    (begun if records else meanwhile).set()
                    entered.wait(5)
                ending.add(threading.get_ident())

        threads = [threading.Thread(target=call, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(both, [False], "two record at once" if records else "admitted meanwhile")


async def failing(r, module, takes=0.0, verdict="UNKNOWN", after=0.0):
    """Starts of the attempts and how long each lasted."""
    loop = asyncio.get_running_loop()
    spans = []

    async def attempt(timeout):
        start = loop.time()
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(takes)
            raise ConnectionError
        finally:
            spans.append((start, loop.time() - start))

    try:
        await r.call(attempt, lambda error: (module.Verdict[verdict], after))
    except (ConnectionError, TimeoutError):
        return spans
    raise AssertionError("it cannot succeed")


async def retry_counts_pauses_and_keeps_the_deadline():
    loop = asyncio.get_running_loop()
    firsts = []
    for _ in range(200):
        spans = await failing(retry.payment_retry(), retry)
        equal(len(spans), 4, "attempts")
        starts = [start for start, _ in spans]
        pauses = [later - start for start, later in zip(starts, starts[1:])]
        assert all(p <= c + 1e-3 for p, c in zip(pauses, (0.05, 0.1, 0.15))), pauses
        firsts.append(pauses[0])
    assert 0.02 < sum(firsts) / 200 < 0.03, "mean of U(0, 50 ms)"

    start = loop.time()
    spans = await failing(retry.payment_retry(), retry, takes=0.4)
    assert len(spans) >= 3 and abs(spans[0][1] - 0.3) < 1e-3, spans
    assert loop.time() - start <= 1.001, "deadline"
    equal(len(await failing(retry.payment_retry(), retry, verdict="FINAL")), 1, "final")
    spans = await failing(retry.payment_retry(), retry, verdict="NOT_PROCESSED", after=0.5)
    equal(len(spans), 2, "a second Retry-After does not fit")
    assert 0.5 <= spans[1][0] - spans[0][0] <= 0.551
    equal(len(await failing(once_retry.payment_retry(), once_retry)), 1, "may have been processed")
    spans = await failing(once_retry.payment_retry(), once_retry, verdict="NOT_PROCESSED")
    equal(len(spans), 4, "was not processed")

    shared = retry.payment_retry()
    retries = sum([len(await failing(shared, retry)) - 1 for _ in range(30)])
    equal(retries, 12, "budget")

    async def third(timeout, tries=[]):
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError
        return "ok"

    unknown = (retry.Verdict.UNKNOWN, 0.0)
    equal(await retry.payment_retry().call(third, lambda error: unknown), "ok", "third succeeds")


async def retry_stops_when_it_is_cancelled():
    loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    task = asyncio.create_task(failing(retry.payment_retry(), retry, verdict="UNKNOWN", after=0.4))
    await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
        raise AssertionError("cancelled")
    except asyncio.CancelledError:
        assert loop.time() - start < 0.02


async def same(error):
    """A fallback without an answer."""
    raise error


async def the_fallback_answers():
    async def send():
        raise ConnectionResetError

    async def later(error):
        assert isinstance(error, ConnectionResetError), repr(error)
        return "later"

    equal(await guarded_call.payment_guarded_call().call(send, later), "later", "answered")


async def timeouts_inside_a_retry_open_the_breaker():
    guarded, calls_made = guarded_call.payment_guarded_call(), 0
    guard = guarded.breaker

    async def send():
        nonlocal calls_made
        calls_made += 1
        await asyncio.sleep(10)

    for _ in range(9):
        with suppress(TimeoutError, circuit_breaker.BreakerOpenError):
            await guarded.call(send, same)
    equal(calls_made, 10, "ten timeouts open the breaker, and an open breaker ends the retry")
    equal(guard.state, "open", "state")


async def only_what_may_pass_is_tried_again():
    for fault, attempts in (ConnectionResetError(), 4), (TimeoutError(), 4), (TypeError(), 1):
        made = []

        async def send():
            made.append(1)
            raise fault

        with suppress(type(fault)):
            await guarded_call.payment_guarded_call().call(send, same)
        equal(len(made), attempts, repr(fault))


async def tasks_share_a_budget():
    shared = retry.payment_retry()
    spans = await asyncio.gather(*(failing(shared, retry) for _ in range(40)))
    retries = sum(len(one) - 1 for one in spans)
    assert 10 <= retries <= 14, f"{retries} retries of 40 tasks"


async def bulkhead_refuses_at_its_limit_and_gives_back():
    b, loop = bulkhead.payment_bulkhead(), asyncio.get_running_loop()
    running = most = refused = 0

    async def call(number):
        nonlocal running, most, refused
        start = loop.time()
        try:
            with b.slot():
                running += 1
                most = max(most, running)
                try:
                    await asyncio.sleep(0.08)
                    if number % 3 == 0:
                        raise ConnectionError
                finally:
                    running -= 1
        except bulkhead.BulkheadFullError as full:
            equal(str(full), "payment: bulkhead full", "message")
            equal(loop.time(), start, "refused at once")
            refused += 1

    await asyncio.gather(*(call(number) for number in range(12)), return_exceptions=True)
    equal((most, refused), (4, 8), "four at a time, the others refused")

    tasks = [asyncio.create_task(call(1)) for _ in range(4)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(call(1) for _ in range(4)))
    equal(refused, 8, "slots of cancelled calls came back")


def bulkhead_is_shared_by_threads():
    b, admitted, barrier = bulkhead.payment_bulkhead(), [], threading.Barrier(32)

    def call():
        with suppress(bulkhead.BulkheadFullError), b.slot():
            admitted.append(1)
            barrier.wait(10)
            return
        barrier.wait(10)

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(admitted), 4, "slots of 32 threads")


if __name__ == "__main__":
    warnings.simplefilter("error")
    breaker_trips_probes_and_closes()
    breaker_forgets_and_drops_late_results()
    breaker_is_shared_by_threads()
    breaker_excludes_threads()
    run(retry_counts_pauses_and_keeps_the_deadline)
    run(retry_stops_when_it_is_cancelled)
    run(the_fallback_answers)
    run(timeouts_inside_a_retry_open_the_breaker)
    run(only_what_may_pass_is_tried_again)
    run(tasks_share_a_budget)
    run(bulkhead_refuses_at_its_limit_and_gives_back)
    bulkhead_is_shared_by_threads()
    sys.stdout.write("ok\n")
