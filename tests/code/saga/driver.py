"""Runs the workflow with every activity failing in turn, and prints what it did."""

import asyncio

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
ERRORS = {"refused": workflow.Refused, "unavailable": ConnectionError, "timeout": TimeoutError}


class Activities:
    """Fails the commands given with an error, so many times."""

    def __init__(self, failing, error, times):
        self.failing, self.error, self.times = failing, error, times
        self.done, self.sent, self.keys = [], 0, {}

    def __getattr__(self, name):
        async def act(key):
            if self.keys.setdefault(key, name) != name:
                raise AssertionError(f"{key} for {name} and {self.keys[key]}")
            if not self.done or self.done[-1] != name:
                self.done.append(name)
            if name in self.failing:
                self.sent += 1
                if self.sent <= self.times:
                    raise ERRORS[self.error]

        return act


async def no_sleep(seconds):
    assert 0 <= seconds <= 100


def run(error, failing, times):
    activities = Activities(failing, error, times)
    try:
        asyncio.run(workflow.book_a_trip(activities, "trip-1", no_sleep))
        end = "done"
    except Exception as stopped:
        end = type(stopped).__name__
    print(error, "+".join(failing), times, ">", *activities.done, end)


for error in ERRORS:
    for command in COMMANDS:
        run(error, [command], 3)
        run(error, ["assign_driver", command], 1000)
