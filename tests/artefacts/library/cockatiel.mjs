// Runs the guards of every folder given with cockatiel itself, and counts what it does with the limits of every
// call. Usage: node cockatiel.mjs FOLDER…; says what is wrong and fails.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { BrokenCircuitError, BulkheadRejectedError, TaskCancelledError } from "cockatiel";

Math.random = () => 0; // no pause
const faults = [];
let calls = 0;

/** Makes calls that fail with `verdict` until `enough`; how often one was sent, and the last error. */
async function failing(guard, verdict, enough) {
  let sent = 0, made = 0, last;
  const send = () => { sent += 1; throw new Error(verdict); };
  do {
    made += 1;
    try { await guard.call(send, new AbortController().signal); } catch (error) { last = error; }
  } while (!enough(last) && made < 10_000);
  return { sent, last };
}

async function check(name, limits, make) {
  const must = (what, want, got) => { if (want !== got) faults.push(`${name}: ${what} ${got}, not ${want}`); };
  const judge = (error) => error.message;
  const once = () => true;
  const attempts = limits.retry?.attempts ?? 1;
  // Counting takes no account of the time that a busy machine takes.
  const patient = { ...limits, deadlineMs: 600_000, timeoutMs: 600_000 };
  const still = !limits.retry || limits.retry.jitter; // what waits without jitter takes its time
  if (still) {
    must("attempts of refused calls", attempts, (await failing(make(patient, judge), "refused", once)).sent);
    const { breaker: _, ...open } = patient;
    const failed = limits.retry?.idempotent ? attempts : 1;
    must("attempts of failed calls", failed, (await failing(make(open, judge), "failed", once)).sent);
    if (limits.retry) {
      const unsafe = { ...open, retry: { ...limits.retry, idempotent: false } };
      must("attempts of failed calls that are not idempotent", 1, (await failing(make(unsafe, judge), "failed", once)).sent);
    }
    must("attempts of calls that are wrong", 1, (await failing(make(patient, judge), "final", once)).sent);
    if (limits.breaker) {
      const broken = (error) => error instanceof BrokenCircuitError;
      const { sent } = await failing(make(patient, judge), "failed", broken);
      must("failures until the breaker opens", limits.breaker.minimumCalls, sent);
      // The share itself opens it, not only more than that.
      const { failureRatio, minimumCalls } = limits.breaker;
      const one = make({ ...patient, retry: undefined }, judge);
      const good = minimumCalls - Math.ceil(failureRatio * minimumCalls);
      for (let n = 0; n < good; n += 1) await one.call(async () => "made");
      const bad = (await failing(one, "failed", broken)).sent;
      must("calls until a share of failures opens it", minimumCalls, good + bad);
    }
  }
  if (limits.breaker) {
    // Who gives up says nothing of the callee.
    const left = make({ ...patient, retry: undefined }, judge);
    for (let n = 0; n < limits.breaker.minimumCalls; n += 1) {
      const caller = new AbortController();
      const heed = (signal) => new Promise((_, reject) => { signal.onabort = () => reject(signal.reason); });
      const call = left.call(heed, caller.signal).then(() => "made", () => "ended");
      setImmediate(() => caller.abort());
      must("a call that is given up", "ended", await call);
    }
    must("after callers that gave up", "made", await left.call(async () => "made").catch((e) => e.name));
  }
  const guard = make(patient, judge);
  const slots = Array.from({ length: limits.slots }, () => {
    let done;
    const running = guard.call(() => new Promise((resolve) => { done = resolve; }), new AbortController().signal);
    return { running, done: () => done() };
  });
  await new Promise((resolve) => setImmediate(resolve));
  const refused = await guard.call(async () => "made").catch((error) => error);
  must("beyond the slots", true, refused instanceof BulkheadRejectedError);
  for (const slot of slots) { slot.done(); await slot.running; }
  must("with a free slot", "made", await guard.call(async () => "made"));
  if (limits.timeoutMs <= 300 && still) {
    const alone = { ...limits, retry: undefined };
    const start = performance.now();
    const late = await make(alone, judge).call(() => new Promise(() => {})).catch((error) => error);
    const took = performance.now() - start;
    must("after the time limit", true, late instanceof TaskCancelledError);
    const most = Math.min(limits.timeoutMs, limits.deadlineMs);
    must(`within ${took} ms`, true, took > most - 5 && took < most + 5000);
  }
  calls += 1;
}

for (const folder of process.argv.slice(2)) {
  const modules = readdirSync(folder).filter((f) => /-limits\.m?js$/.test(f));
  await Promise.all(modules.flatMap(async (file) => {
    const ending = file.endsWith(".mjs") ? "mjs" : "js";
    const load = (f) => import(pathToFileURL(join(folder, f)));
    const { guard } = await load(`guard.${ending}`);
    const limits = Object.entries(await load(file));
    await Promise.all(limits.map(([call, l]) => check(`${basename(folder)}/${file} ${call}`, l, guard)));
  }));
}
if (faults.length || !calls) {
  console.error(faults.join("\n") || "no call was checked");
  process.exit(1);
}
console.log(`${calls} calls`);
