"""Runs the workflow on a Temporal server with every activity failing in turn, and prints what it did."""

import asyncio
import logging
import os
import sys
import time
from dataclasses import dataclass, field

import workflow as saga
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Replayer, Worker

COMMANDS = [
    "create_trip",
    "check_rider",
    "lock_fare",
    "log_entry",
    "assign_driver",
    "confirm_trip",
    "cancel_trip",
    "release_fare",
]
MANY = int(sys.argv[2])


@dataclass
class Run:
    """Fails the command with an error, so many times, and refuses another."""

    error: str
    command: str
    times: int
    refusing: str | None = None
    done: list[str] = field(default_factory=list)
    tries: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    handle: WorkflowHandle | None = None

    @property
    def name(self):
        return f"{self.error}-{self.command}-{self.times}"

    async def act(self, name, key):
        if self.keys.setdefault(key, name) != name:
            sys.exit(f"{key} for {name} and {self.keys[key]}")
        if not self.done or self.done[-1] != name:
            self.done.append(name)
        self.tries += name == self.command
        if name == self.refusing:
            raise ApplicationError("no", type=saga.REFUSED)
        if name == self.command and self.tries <= self.times:
            match self.error:
                case "refused":
                    raise ApplicationError("no", type=saga.REFUSED)
                case "unavailable":
                    raise ConnectionError
                case "timeout":
                    raise TimeoutError
                case "fatal":
                    raise ApplicationError("never", non_retryable=True)
                case "slow":
                    await asyncio.sleep(60)
                case "cancelled":
                    await self.handle.cancel()


RUNS = [Run(error, command, 3) for error in ("refused", "unavailable", "timeout") for command in COMMANDS]
RUNS = [made for run in RUNS for made in (run, Run(run.error, run.command, MANY, "assign_driver"))]
RUNS.append(Run("slow", "lock_fare", 1))
RUNS += [Run("cancelled", command, 1) for command in ("lock_fare", "assign_driver", "confirm_trip")]
RUNS += [Run("fatal", command, 1) for command in ("lock_fare", "confirm_trip")]
RUNS.append(Run("fatal", "release_fare", 1, "assign_driver"))
BY_NAME = {run.name: run for run in RUNS}


def activities(of):
    """All activities of a service, as a team would write them."""

    def act(name):
        async def act(self, key: str) -> None:
            await BY_NAME[key.split(":")[0]].act(name, key)

        act.__name__ = name
        return activity.defn(act)

    names = sorted(of.__abstractmethods__)
    service = type(of.__name__, (of,), {name: act(name) for name in names})()
    return [getattr(service, name) for name in names]


async def play(client, run):
    start = time.monotonic()
    run.handle = await client.start_workflow(saga.BookATripWorkflow.run, id=run.name, task_queue="trips")
    try:
        await run.handle.result()
        end = "done"
    except WorkflowFailureError as failure:
        match failure.cause:
            case ApplicationError(type=end):
                pass
            case CancelledError():
                end = "TakenBack" if run.done[-1] == "cancel_trip" else "stopped"
            case other:
                raise other from None
    assert run.error != "slow" or time.monotonic() - start > 0.9
    # What happened gives the same decisions again: nothing in the workflow depends on chance or the clock.
    history = await run.handle.fetch_history()
    await Replayer(workflows=[saga.BookATripWorkflow]).replay_workflow(history)
    return f"{run.error} {run.command} {run.times} > {' '.join(run.done)} {end} {run.tries}"


async def connected(address):
    for _ in range(150):
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.1)
    sys.exit("no server")


async def main():
    client = await connected(sys.argv[1])
    trips = Worker(
        client,
        task_queue="trips",
        workflows=[saga.BookATripWorkflow],
        activities=activities(saga.TripsActivities),
    )
    fares = Worker(client, task_queue="fares", activities=activities(saga.FaresActivities))
    async with asyncio.timeout(60), trips, fares:
        for line in await asyncio.gather(*(play(client, run) for run in RUNS)):
            print(line)


# What fails on purpose is not to be read about.
logging.disable()
asyncio.run(main())
sys.stdout.flush()
# The SDK's own threads may still be at work, which an interpreter that is being taken down does not survive.
os._exit(0)
