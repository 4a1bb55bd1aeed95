// Runs the workflow with every activity failing in turn, and prints what it did.
import { setTimeout as delay } from "node:timers/promises";

import { type Activity, type BookATripActivities, RefusedError, SagaError, bookATrip } from "./workflow.js";

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

async function run(error: string, command: string, times: number, refusing?: string): Promise<void> {
  const caller = new AbortController();
  const done: string[] = [];
  const keys = new Map<string, string>();
  let tries = 0;
  let aborted = false;
  const act = (name: string): Activity => async (key, signal) => {
    if ((keys.get(key) ?? name) !== name) process.exit(1);
    keys.set(key, name);
    if (done.at(-1) !== name) done.push(name);
    const fails = name === command && ++tries <= times;
    if (name === refusing) throw new RefusedError(name);
    if (!fails) return;
    if (error === "refused") throw new RefusedError(name);
    if (error === "unavailable") throw new Error("connection");
    if (error === "timeout") throw new DOMException("", "TimeoutError");
    if (error === "cancelled") caller.abort();
    await delay(60_000, undefined, { signal }).catch((reason: unknown) => {
      aborted = true;
      throw reason;
    });
  };
  const activities = Object.fromEntries(commands.map((name) => [name, act(name)]));
  const noSleep = async (ms: number) => {
    if (ms < 0 || ms > 100_000) process.exit(1);
  };
  const start = performance.now();
  let end = "done";
  try {
    await bookATrip(activities as unknown as BookATripActivities, "trip-1", caller.signal, noSleep);
  } catch (stopped) {
    end = (stopped as Error).name.replace(/Error$/, "");
    if (stopped instanceof SagaError !== ["TakenBack", "Stuck", "Unknown"].includes(end)) process.exit(1);
    if (stopped === caller.signal.reason || (stopped as Error).name === "AbortError") end = "stopped";
  }
  const took = performance.now() - start;
  if (took > 5000 || (error === "slow" && took < 900)) throw new Error(`${error} took ${took}`);
  if (aborted !== ["slow", "cancelled"].includes(error)) throw new Error("not aborted");
  console.log(error, command, times, ">", ...done, end, tries);
}

for (const error of ["refused", "unavailable", "timeout"]) {
  for (const command of commands) {
    await run(error, command, 3);
    await run(error, command, 1000, "assignDriver");
  }
}
await run("slow", "lockFare", 1);
for (const command of ["lockFare", "assignDriver", "confirmTrip"]) await run("cancelled", command, 1);
