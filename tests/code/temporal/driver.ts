// Runs the workflow on a Temporal server with every activity failing in turn, and prints what it did.
import { setTimeout as delay } from "node:timers/promises";

import { ApplicationFailure, Client, Connection, WorkflowFailedError } from "@temporalio/client";
import { CancelledFailure } from "@temporalio/common";
import { bundleWorkflowCode, NativeConnection, Worker } from "@temporalio/worker";

setTimeout(() => process.exit(1), 60_000).unref();
const [address = "", many = "", workflowsPath = ""] = process.argv.slice(2);
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

/** Fails the command with an error, so many times, and refuses another. */
class Run {
  done: string[] = [];
  tries = 0;
  readonly #keys = new Map<string, string>();
  readonly error: string;
  readonly command: string;
  readonly times: number;
  readonly refusing: string | undefined;

  constructor(error: string, command: string, times: number, refusing?: string) {
    this.error = error;
    this.command = command;
    this.times = times;
    this.refusing = refusing;
  }

  get name(): string {
    return `${this.error}-${this.command}-${this.times}`;
  }

  async act(name: string, key: string): Promise<void> {
    if ((this.#keys.get(key) ?? name) !== name) process.exit(1);
    this.#keys.set(key, name);
    if (this.done.at(-1) !== name) this.done.push(name);
    const fails = name === this.command && ++this.tries <= this.times;
    if (name === this.refusing) throw ApplicationFailure.create({ type: "Refused" });
    if (!fails) return;
    if (this.error === "refused") throw ApplicationFailure.create({ type: "Refused" });
    if (this.error === "unavailable") throw new Error("connection");
    if (this.error === "timeout") throw new DOMException("", "TimeoutError");
    if (this.error === "fatal") throw ApplicationFailure.nonRetryable("never");
    if (this.error === "cancelled") await client.workflow.getHandle(this.name).cancel();
    if (this.error === "slow") await delay(3000);
  }
}

const runs: Run[] = [];
for (const error of ["refused", "unavailable", "timeout"]) {
  for (const command of commands) {
    runs.push(new Run(error, command, 3), new Run(error, command, Number(many), "assignDriver"));
  }
}
runs.push(new Run("slow", "lockFare", 1));
for (const command of ["lockFare", "assignDriver", "confirmTrip"]) runs.push(new Run("cancelled", command, 1));
runs.push(new Run("fatal", "lockFare", 1), new Run("fatal", "confirmTrip", 1));
runs.push(new Run("fatal", "releaseFare", 1, "assignDriver"));
const byName = new Map(runs.map((run) => [run.name, run]));

const act = (name: string) => async (key: string) => byName.get(key.split(":")[0] ?? "")?.act(name, key);
const acts = (names: string[]) => Object.fromEntries(names.map((name) => [name, act(name)]));
const ofFares = ["lockFare", "logEntry", "releaseFare"];

async function connected(): Promise<Connection> {
  for (let tries = 0; ; tries++) {
    try {
      return await Connection.connect({ address });
    } catch (error) {
      if (tries === 100) throw error;
      await delay(100);
    }
  }
}

async function play(run: Run): Promise<string> {
  const start = performance.now();
  let end = "done";
  const handle = await client.workflow.start("bookATrip", { workflowId: run.name, taskQueue: "trips" });
  try {
    await handle.result();
  } catch (failure) {
    if (!(failure instanceof WorkflowFailedError)) throw failure;
    if (failure.cause instanceof ApplicationFailure) end = failure.cause.type ?? "";
    else if (failure.cause instanceof CancelledFailure) end = run.done.at(-1) === "cancelTrip" ? "TakenBack" : "stopped";
    else throw failure;
  }
  if (run.error === "slow" && performance.now() - start < 900) throw new Error("not given up");
  // What happened gives the same decisions again: nothing in the workflow depends on chance or the clock.
  await Worker.runReplayHistory({ workflowBundle }, await handle.fetchHistory());
  return [run.error, run.command, run.times, ">", ...run.done, end, run.tries].join(" ");
}

const client = new Client({ connection: await connected() });
const connection = await NativeConnection.connect({ address });
const workflowBundle = await bundleWorkflowCode({ workflowsPath });
const trips = await Worker.create({
  connection,
  taskQueue: "trips",
  workflowBundle,
  activities: acts([...commands.filter((name) => !ofFares.includes(name)), "revokeTrip"]),
});
const fares = await Worker.create({ connection, taskQueue: "fares", activities: acts(ofFares) });
const played = Promise.all(runs.map(play));
const workers = [trips, fares];
await Promise.all(workers.map((worker) => worker.runUntil(played)));
for (const line of await played) console.log(line);
await connection.close();
await client.connection.close();
process.exit(0);
