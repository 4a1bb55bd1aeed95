"""Runs the workflow with every activity failing in turn, and prints what it did."""

import asyncio
import time

import workflow

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
ERRORS = {"refused": workflow.RefusedError, "unavailable": ConnectionError, "timeout": TimeoutError}


class Activities:
    """Fails the command with an error, so many times, and refuses another."""

    def __init__(self, error, command, times, refusing):
        self.error, self.command, self.times, self.refusing = error, command, times, refusing
        self.done, self.tries, self.keys = [], 0, {}
        self.saga, self.cancelled = asyncio.current_task(), False

    def __getattr__(self, name):
        async def act(key):
            if self.keys.setdefault(key, name) != name:
                raise SystemExit(f"{key} for {name} and {self.keys[key]}")
            if not self.done or self.done[-1] != name:
                self.done.append(name)
            self.tries += name == self.command
            if name == self.refusing:
                raise workflow.RefusedError
            if name == self.command and self.tries <= self.times:
                if self.error in ERRORS:
                    raise ERRORS[self.error]
                if self.error == "cancelled":
                    self.saga.cancel()
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.cancelled = True
                    raise

        return act


async def no_sleep(seconds):
    assert 0 <= seconds <= 100


async def run(error, command, times, refusing=None):
    activities = Activities(error, command, times, refusing)
    start = time.monotonic()
    try:
        await workflow.book_a_trip(activities, "trip-1", no_sleep)
        end = "done"
    except asyncio.CancelledError:
        # It is told who was cancelled; what was done shows in the commands.
        end = "TakenBack" if activities.done[-1] == "cancel_trip" else "stopped"
    except Exception as stopped:
        end = type(stopped).__name__.removesuffix("Error")
    took = time.monotonic() - start
    assert took < 5 and (error != "slow" or took > 0.9), took
    assert activities.cancelled == (error in ("slow", "cancelled"))
    print(error, command, times, ">", *activities.done, end, activities.tries)


def main():
    for error in ERRORS:
        for command in COMMANDS:
            asyncio.run(run(error, command, 3))
            asyncio.run(run(error, command, 1000, refusing="assign_driver"))
    asyncio.run(run("slow", "lock_fare", 1))
    for command in ("lock_fare", "assign_driver", "confirm_trip"):
        asyncio.run(run("cancelled", command, 1))


main()
