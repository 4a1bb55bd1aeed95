// Runs the workflow with every activity failing in turn, and prints what it did.
import { type Activity, type BookATripActivities, bookATrip, Refused } from "./workflow.js";

const commands = [
  "createTrip",
  "checkRider",
  "lockFare",
  "logEntry",
  "assignDriver",
  "confirmTrip",
  "cancelTrip",
  "releaseFare",
];
const errors: Record<string, () => Error> = {
  refused: () => new Refused(),
  unavailable: () => new Error("connection"),
  timeout: () => new DOMException("", "TimeoutError"),
};

async function run(error: string, failing: string[], times: number): Promise<void> {
  const done: string[] = [];
  const keys = new Map<string, string>();
  let sent = 0;
  const act = (name: string): Activity => async (key) => {
    if ((keys.get(key) ?? name) !== name) throw new Error(`${key} twice`);
    keys.set(key, name);
    if (done.at(-1) !== name) done.push(name);
    if (failing.includes(name) && ++sent <= times) throw errors[error]!();
  };
  const activities = Object.fromEntries(commands.map((name) => [name, act(name)]));
  let end = "done";
  try {
    await bookATrip(activities as unknown as BookATripActivities, "trip-1", async (ms) => {
      if (ms < 0 || ms > 100_000) throw new Error("pause");
    });
  } catch (stopped) {
    end = (stopped as Error).constructor.name;
  }
  console.log(error, failing.join("+"), times, ">", ...done, end);
}

for (const error of Object.keys(errors)) {
  for (const command of commands) {
    await run(error, [command], 3);
    await run(error, ["assignDriver", command], 1000);
  }
}
