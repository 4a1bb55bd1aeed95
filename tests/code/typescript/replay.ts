// Replays the table of decisions, line by line, with a clock that it moves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Bulkhead, BulkheadFullError } from "./bulkhead.js";
import { BreakerOpenError, CircuitBreaker } from "./circuit-breaker.js";
import { Retry, type Verdict } from "./retry.js";

type Guard = (call: () => Promise<void>, caller: AbortSignal) => Promise<void>;

const lines = readFileSync(process.argv[2] ?? "table.txt", "utf8").trim().split("\n");
const callee = new Error("503");
const client = new Error("400");
let at = 0; // lines played
let micros = 0; // now: whole numbers, which add up exactly

function next(): string[] {
  return lines[at++]?.split(" ") ?? [];
}

function more(): boolean {
  return at < lines.length && !lines[at]?.startsWith("script");
}

function equal(what: string, got: unknown, want: unknown): void {
  assert.equal(got, want, `line ${at}, ${lines[at - 1]}: ${what}: got ${got}, want ${want}`);
}

/** Milliseconds of a word in microseconds. */
function ms(word: string | undefined): number {
  return Number(word) / 1000;
}

function now(): number {
  return micros / 1000;
}

/** Plays lines up to the end of the innermost call and tells how that ends. */
async function calls(guard: Guard): Promise<string> {
  while (more()) {
    const [time, kind, word = ""] = next();
    micros = Number(time);
    if (kind === "end") return word;
    const caller = new AbortController();
    try {
      await guard(async () => {
        equal("decision", "admitted", word);
        const end = await calls(guard);
        if (end === "failed") throw callee;
        if (end === "rejected") throw client;
        if (end === "cancelled") caller.abort();
        caller.signal.throwIfAborted();
      }, caller.signal);
    } catch (error) {
      if (error instanceof BreakerOpenError || error instanceof BulkheadFullError) {
        equal("decision", "refused", word);
      } else if (error !== callee && error !== client && !caller.signal.aborted) {
        throw error;
      }
    }
  }
  return "ok";
}

async function logicalCalls(idempotent: boolean): Promise<void> {
  let words: string[] = [];
  const retry = new Retry(
    {
      attempts: 4, attemptTimeoutMs: 300, deadlineMs: 1000, baseMs: 50, capMs: 150, idempotent,
      earned: 100,
    },
    {
      now,
      sleep: async (pause) => void (micros += Math.round(pause * 1000)),
      random: () => Number(words[6]) / 100,
    },
  );
  const judge = (): Verdict => {
    const retryAfterMs = ms(words[5]);
    if (words[4] === "refused") return { kind: "not-processed", retryAfterMs };
    return words[4] === "unknown" ? { kind: "unknown", retryAfterMs } : { kind: "final" };
  };
  while (more()) {
    micros = Number(next()[0]);
    let succeeded = true;
    try {
      await retry.call(async () => {
        words = next();
        equal("line", words[1], "attempt");
        equal("start", micros, Number(words[0]));
        micros += Number(words[3]);
        if (words[4] !== "ok") throw callee;
      }, judge);
    } catch (error) {
      if (error !== callee) throw error;
      succeeded = false;
    }
    const outcome = words[4];
    const done = next();
    equal("line", done[1], "done");
    equal("outcome", outcome, done[2]);
    equal("success", succeeded, outcome === "ok");
    equal("end", micros, Number(done[0]));
  }
}

while (at < lines.length) {
  const kind = next()[1];
  micros = 0;
  if (kind === "breaker") {
    const breaker = new CircuitBreaker(
      { failureRatio: 0.5, windowMs: 10_000, minimumCalls: 10, openMs: 5000, probes: 3, slowMs: 240 },
      now,
    );
    await calls((call, caller) => breaker.call(call, (error) => error === callee, caller));
  } else if (kind === "bulkhead") {
    const bulkhead = new Bulkhead({ slots: 4, maxWaitMs: 0 });
    await calls((call) => bulkhead.call(call));
  } else {
    await logicalCalls(kind === "retry");
  }
}
