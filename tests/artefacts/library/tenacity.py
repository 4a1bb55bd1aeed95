"""Runs the guards of every folder given with tenacity and circuitbreaker themselves, and counts what they do
with the limits of every call. Usage: python3 tenacity.py FOLDER…; says what is wrong and fails."""

import dataclasses
import importlib
import random
import sys
import threading
import time
from pathlib import Path

sys.path.pop(0)  # this file is called as the library is
from circuitbreaker import CircuitBreakerError  # noqa: E402

random.uniform = lambda low, high: low  # no pause
faults = []
calls = 0


def failing(guard, error, enough):
    """Makes calls that fail until `enough`; how often one was sent."""
    sent = 0

    def send(_timeout):
        nonlocal sent
        sent += 1
        raise error

    for _ in range(10_000):
        try:
            guard.call(send)
        except Exception as last:
            if enough(last):
                break
    return sent


def check(name, limits, module):
    global calls
    refused, failed, final = (type(v.name, (Exception,), {}) for v in module.Verdict)
    told = {refused: module.Verdict.REFUSED, failed: module.Verdict.FAILED, final: module.Verdict.FINAL}

    def make(**changed):
        return module.Guard(dataclasses.replace(limits, **changed), lambda error: told[type(error)])

    def must(what, want, got):
        if want != got:
            faults.append(f"{name}: {what} {got}, not {want}")

    def once(_error):
        return True

    attempts = limits.retry.attempts if limits.retry else 1
    if not limits.retry or limits.retry.jitter:  # what waits without jitter takes its time
        must("attempts of refused calls", attempts, failing(make(deadline=600.0), refused(), once))
        again = attempts if limits.retry and limits.retry.idempotent else 1
        must("attempts of failed calls", again, failing(make(breaker=None, deadline=600.0), failed(), once))
        if limits.retry:
            unsafe = dataclasses.replace(limits.retry, idempotent=False)
            guard = make(breaker=None, deadline=600.0, retry=unsafe)
            must("attempts of failed calls that are not idempotent", 1, failing(guard, failed(), once))
        must("attempts of calls that are wrong", 1, failing(make(deadline=600.0), final(), once))
        stopped = 0

        def stop(_timeout):
            nonlocal stopped
            stopped += 1
            raise KeyboardInterrupt

        try:
            make(deadline=600.0).call(stop)
        except KeyboardInterrupt:
            must("attempts of a call that the user stops", 1, stopped)
        if limits.breaker:
            sent = failing(make(deadline=600.0), failed(), lambda last: isinstance(last, CircuitBreakerError))
            must("failures until the breaker opens", limits.breaker.failures, sent)
    # As many as there are slots run at the same time; one more is refused.
    guard, slots = make(deadline=600.0), min(limits.slots, 40)
    if limits.slots > slots:
        guard = make(deadline=600.0, slots=slots)
    inside, leave = threading.Barrier(slots + 1, timeout=20), threading.Event()

    def stay(_timeout):
        inside.wait()
        leave.wait(20)

    threads = [threading.Thread(target=guard.call, args=(stay,), daemon=True) for _ in range(slots)]
    for thread in threads:
        thread.start()
    inside.wait()
    try:
        guard.call(lambda _timeout: must("beyond the slots", "refused", "made"))
    except module.BulkheadFullError:
        pass
    leave.set()
    for thread in threads:
        thread.join(20)
    given = make().call(lambda timeout: timeout)
    must("seconds for an attempt", min(limits.timeout, limits.deadline), round(given, 2 if given < 1 else 1))
    # A deadline that has passed ends the retries.
    if limits.retry:
        short = make(deadline=0.02, breaker=None)
        sent = 0

        def slow(_timeout):
            nonlocal sent
            sent += 1
            time.sleep(0.03)
            raise refused()

        try:
            short.call(slow)
        except refused:
            must("attempts after the deadline", 1, sent)
    calls += 1


for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    for gone in [m for m in sys.modules if m == "guard" or m.endswith("_limits")]:
        del sys.modules[gone]
    guard = importlib.import_module("guard")
    for file in sorted(Path(folder).glob("*_limits.py")):
        module = importlib.import_module(file.stem)
        for key, value in vars(module).items():
            if isinstance(value, guard.Limits):
                check(f"{Path(folder).parent.name}/{file.name} {key}", value, guard)
    sys.path.pop(0)
if faults or not calls:
    sys.exit("\n".join(faults) or "no call was checked")
print(f"{calls} calls")
