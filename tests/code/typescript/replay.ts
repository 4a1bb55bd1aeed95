// Replays the trace table of the reference state machine; throws at the first row that differs.
import { readFileSync } from "node:fs";
import { BulkheadFullError, paymentBulkhead } from "./bulkhead.js";
import { BreakerOpenError, paymentBreaker, type CircuitBreaker } from "./circuit-breaker.js";
import { GuardedCall, ReplyError } from "./guarded-call.js";
import { Retry, paymentRetry } from "./retry.js";

class Row {
  readonly number: number;
  readonly #columns: string[];

  constructor(line: string, number: number) {
    this.number = number;
    this.#columns = line.split("\t");
  }

  get(column: number): string {
    return this.#columns[column] ?? "";
  }

  ms(column: number): number {
    return Number(this.get(column)) / 1000 || 0;
  }

  equal(what: string, got: unknown, want: unknown): void {
    if (got !== want) throw new Error(`row ${this.number}: ${what} is ${got}, the table says ${want}`);
  }

  /** The error of an outcome as a client would throw it; undefined if it is none. */
  error(giveUp: () => void): Error | undefined {
    const other = this.number % 2 === 0;
    switch (this.get(4)) {
      case "ok":
        return undefined;
      case "invalid":
        return new ReplyError("400", { kind: "final" });
      case "refused":
        return new ReplyError("429", { kind: "not-processed", retryAfterMs: this.ms(5) });
      case "broken":
        return new ReplyError("500", { kind: "broken" });
      case "unavailable":
        return new ReplyError("503", { kind: "unknown", retryAfterMs: this.ms(5) });
      case "unsent":
        return connection("ECONNREFUSED", other);
      case "lost":
        return connection(other ? "UND_ERR_SOCKET" : "ECONNRESET", other);
      case "timeout":
        return new DOMException("late", other ? "TimeoutError" : "AbortError");
      case "cancelled":
        giveUp();
        return new DOMException("given up", "AbortError");
    }
    return new TypeError("fault");
  }
}

/** As Node.js throws it, or as its fetch does. */
function connection(code: string, fetched: boolean): Error {
  const error = Object.assign(new Error(code), { code });
  return fetched ? new TypeError("fetch failed", { cause: error }) : error;
}

const lines = readFileSync(process.argv[2] ?? "", "utf8").trimEnd().split("\n");
const rows = lines.map((line, number) => new Row(line, number));
let next = 1;
let now = 0;
let jitter = 0;
let given = 0;

const peek = () => rows[next]?.get(2) ?? "end";

function take(op: string): Row {
  const row = rows[next++];
  if (row === undefined) throw new Error(`the table ends before ${op}`);
  row.equal("what comes next", op, row.get(2));
  return row;
}

const failed = (error: unknown) => !["400", "429", "fault"].includes((error as Error).message);

async function playBreaker(b: CircuitBreaker) {
  const calls = new Map<string, { end: (row: Row) => void; ended: Promise<void> }>();
  while (["begin", "end"].includes(peek())) {
    const row = take(peek());
    now = row.ms(1);
    row.equal("the state before", b.state, row.get(8));
    if (row.get(2) === "begin") {
      let decision = "refused";
      let end = (_: Row) => {};
      const ends = new Promise<Row>((resolve) => (end = resolve));
      const abort = new AbortController();
      const call = async () => {
        decision = "admitted";
        const error = (await ends).error(() => abort.abort());
        if (error) throw error;
      };
      const ended = b.call(call, failed, abort.signal).catch(() => {});
      calls.set(row.get(3), { end, ended });
      row.equal("the decision", decision, row.get(10));
    } else {
      const call = calls.get(row.get(3));
      call?.end(row);
      await call?.ended;
    }
    row.equal("the state", b.state, row.get(9));
  }
}

async function playCall(guarded: GuardedCall, b: CircuitBreaker) {
  const start = take("call");
  now = start.ms(1);
  start.equal("the state before", b.state, start.get(8));
  const abort = new AbortController();
  let last: Error | undefined;
  let result = "";
  let asked = "-";
  try {
    await guarded.call(async () => {
      let row = take("attempt");
      row.equal("the time", now, row.ms(1));
      row.equal("the time given", given, Math.ceil(row.ms(7)));
      row.equal("the state", b.state, row.get(9));
      while (peek() === "call") await playCall(guarded, b);
      row = take("reply");
      now = row.ms(1);
      jitter = Number(row.get(6)) / 4;
      result = row.get(4);
      last = row.error(() => abort.abort());
      if (last) throw last;
    }, (error) => {
      asked = "asked";
      throw error;
    }, abort.signal);
  } catch (error) {
    if (error instanceof BreakerOpenError) result = "breaker-open";
    else if (error instanceof BulkheadFullError) result = "bulkhead-full";
    else if (error !== last) throw error;
  }
  const done = take("done");
  done.equal("the time", now, done.ms(1));
  done.equal("the result", result, done.get(10));
  done.equal("the fallback", asked, done.get(3));
  done.equal("the state", b.state, done.get(9));
}

const once = {
  idempotent: false, attempts: 4, attemptTimeoutMs: 300, deadlineMs: 1000, baseMs: 50, capMs: 150, earned: 100,
};
const host = {
  now: () => now,
  sleep: async (ms: number) => void (now += ms),
  timeout: (ms: number) => {
    given = ms;
    return new AbortController().signal;
  },
  random: () => jitter,
};

while (peek() !== "end") {
  const row = take(peek());
  now = row.ms(1);
  const b = paymentBreaker(() => now);
  if (row.get(2) === "breaker") {
    await playBreaker(b);
    continue;
  }
  const retry = row.get(3) === "orders" ? paymentRetry(host) : new Retry(once, host);
  const guarded = new GuardedCall(paymentBulkhead(), retry, b);
  while (peek() === "call") await playCall(guarded, b);
}
