// Exercises the three TypeScript samples with a clock that the test moves.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { BulkheadFullError, paymentBulkhead } from "./bulkhead.js";
import { BreakerOpenError, paymentBreaker, type CircuitBreaker } from "./circuit-breaker.js";
import { GuardedCall } from "./guarded-call.js";
import { paymentRetry as onceRetry } from "./once/retry.js";
import { Retry, paymentRetry, type Host, type Verdict } from "./retry.js";

const clock = { ms: 0 };
const callee = new Error("503");
const caller = new Error("400");
const cancelled = new DOMException("given up", "AbortError");

/** The breaker of the design. */
function breaker(): CircuitBreaker {
  return paymentBreaker(() => clock.ms);
}

async function calls(b: CircuitBreaker, n: number, error?: Error): Promise<number> {
  let admitted = 0;
  for (let i = 0; i < n; i++) {
    try {
      await b.call(
        () => {
          admitted++;
          return error ? Promise.reject(error) : Promise.resolve();
        },
        (thrown) => thrown === callee,
        error === cancelled ? AbortSignal.abort(cancelled) : undefined,
      );
    } catch (thrown) {
      if (thrown instanceof BreakerOpenError) {
        assert.equal(thrown.message, "payment: circuit breaker open");
      } else {
        assert.equal(thrown, error);
      }
    }
  }
  return admitted;
}

async function breakerTripsProbesAndCloses() {
  const b = breaker();
  assert.equal(await calls(b, 2), 2);
  assert.equal(await calls(b, 3, caller), 3);
  assert.equal(await calls(b, 4, callee), 4);
  assert.equal(await calls(b, 1, callee), 1);
  assert.equal(await calls(b, 3), 0, "open");
  clock.ms += 4999;
  assert.equal(await calls(b, 1), 0, "still open");
  clock.ms += 1;
  assert.equal(await calls(b, 5, cancelled), 5, "aborted probes give their place back");
  let admitted = 0;
  await Promise.allSettled(
    Array.from({ length: 16 }, () => b.call(async () => void (await delay(1, admitted++)), () => true)),
  );
  assert.equal(admitted, 3, "three probes at a time; they close it");
  assert.equal(await calls(b, 9, callee), 9, "empty window");
  assert.equal(await calls(b, 2, callee), 1, "opens at ten");
  clock.ms += 5000;
  assert.equal(await calls(b, 3, callee), 1, "a failed probe opens it again");
  await assert.rejects(
    breaker().call(() => { throw callee; }, () => true),
    callee,
  );
}

async function breakerForgetsAndDropsLateResults() {
  let b = breaker();
  await calls(b, 9, callee);
  clock.ms += 10_000;
  assert.equal(await calls(b, 9, callee), 9, "a window later the first nine are gone");
  b = breaker();
  for (let i = 0; i < 10; i++) {
    await b.call(async () => void (clock.ms += 239 + (i % 2)), () => true);
  }
  assert.equal(await calls(b, 1), 0, "five of ten were slow");
  b = breaker();
  await assert.rejects(
    b.call(async () => {
      await calls(b, 10, callee);
      clock.ms += 5000;
      assert.equal(await calls(b, 1), 1);
      throw callee;
    }, () => true),
    callee,
  );
  assert.equal(await calls(b, 2), 2, "a failure from before it opened does not count");
  assert.equal(await calls(b, 5), 5, "closed");
}

const pauses: number[] = [];
const host: Host = {
  now: () => clock.ms,
  sleep: async (ms) => {
    pauses.push(ms);
    clock.ms += ms;
  },
  timeout: () => new AbortController().signal,
  random: () => 1,
};

const settings = {
  attempts: 4, attemptTimeoutMs: 300, deadlineMs: 1000, baseMs: 50, capMs: 150, idempotent: true, earned: 100,
};

async function failing(r: Pick<Retry, "call">, takes: number, verdict: Verdict): Promise<number> {
  let tries = 0;
  pauses.length = 0;
  await assert.rejects(
    r.call(
      async (signal) => {
        assert.ok(!signal.aborted);
        tries++;
        clock.ms += takes;
        throw callee;
      },
      () => verdict,
    ),
    callee,
  );
  return tries;
}

async function retryBehaves() {
  const retry = () => paymentRetry(host);
  assert.equal(await failing(retry(), 0, { kind: "unknown" }), 4);
  assert.deepEqual(pauses, [50, 100, 150]);
  assert.equal(await failing(retry(), 300, { kind: "unknown" }), 3, "the deadline cuts");
  assert.equal(await failing(retry(), 0, { kind: "final" }), 1);
  assert.equal(await failing(retry(), 0, { kind: "not-processed", retryAfterMs: 500 }), 2);
  assert.deepEqual(pauses, [550]);
  const shared = retry();
  let retries = 0;
  for (let i = 0; i < 30; i++) retries += (await failing(shared, 0, { kind: "unknown" })) - 1;
  assert.equal(retries, 12, "budget");
  assert.equal(await failing(onceRetry(), 0, { kind: "unknown" }), 1, "may have been processed");
  assert.equal(await failing(onceRetry(), 0, { kind: "not-processed" }), 4, "was not processed");

  // The design's own settings, in real time.
  let tries = 0;
  const start = performance.now();
  await assert.rejects(
    paymentRetry().call(
      (signal) => {
        tries++;
        return delay(10_000, undefined, { signal });
      },
      (error) => {
        assert.ok(error instanceof Error);
        return { kind: "unknown" };
      },
    ),
  );
  const took = performance.now() - start;
  assert.ok(tries >= 3 && tries <= 4 && took > 890 && took < 1200, `${tries} attempts in ${took} ms`);
  let third = 0;
  assert.equal(
    await paymentRetry().call(async () => {
      if (++third < 3) throw callee;
      return "ok";
    }, () => ({ kind: "unknown" })),
    "ok",
  );

  // The caller gives up: during a pause, and during an attempt.
  for (const takes of [0, 10_000]) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    const before = performance.now();
    await assert.rejects(
      paymentRetry().call(
        async (signal) => {
          await delay(takes, undefined, { signal });
          throw callee;
        },
        () => ({ kind: "unknown", retryAfterMs: 500 }),
        abort.signal,
      ),
      { name: "AbortError" },
    );
    assert.ok(performance.now() - before < 200);
  }
}

/** A fallback without an answer. */
const same = (error: unknown) => Promise.reject(error);

async function theFallbackAnswers() {
  const client = new GuardedCall(paymentBulkhead(), new Retry(settings, host), breaker());
  const lost = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const answer = client.call(() => Promise.reject(lost), (error) => {
    assert.equal(error, lost);
    return "later";
  });
  assert.equal(await answer, "later");
}

/** Node's own functions throw an AbortError for any signal, also for one that timed the attempt out. */
async function timeoutsInsideARetryOpenTheBreaker() {
  const r = new Retry({ ...settings, attemptTimeoutMs: 2, earned: 1000 }, { ...host, timeout: (ms) => AbortSignal.timeout(ms) });
  const guarded = new GuardedCall(paymentBulkhead(), r, breaker());
  let made = 0;
  for (let i = 0; i < 4; i++) {
    await assert.rejects(
      guarded.call((signal) => {
        made++;
        return delay(10_000, undefined, { signal });
      }, same),
    );
  }
  assert.equal(made, 10, "ten timeouts open the breaker, and an open breaker ends the retry");

  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const ends: [Error, number][] = [
    [reset, 4],
    [new TypeError("fetch failed", { cause: reset }), 4],
    [new TypeError("undefined is not a function"), 1],
    [Object.assign(new TypeError("an argument"), { code: "ERR_INVALID_ARG_TYPE" }), 1],
  ];
  for (const [error, attempts] of ends) {
    const client = new GuardedCall(paymentBulkhead(), new Retry(settings, host), breaker());
    made = 0;
    await assert.rejects(client.call(() => (made++, Promise.reject(error)), same), error);
    assert.equal(made, attempts, error.message);
  }
}

async function bulkheadBehaves() {
  const b = paymentBulkhead();
  let running = 0;
  let most = 0;
  const call = async (number: number) => {
    most = Math.max(most, ++running);
    await delay(20);
    running--;
    if (number % 3 === 0) throw callee;
  };
  const results = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => b.call(() => call(i))));
  const refused = results.filter((r) => r.status === "rejected" && r.reason instanceof BulkheadFullError);
  assert.equal(most, 4);
  assert.equal(refused.length, 8, "four at a time, the others refused");
  const full = Array.from({ length: 4 }, () => b.call(() => delay(20)));
  await assert.rejects(b.call(() => delay(1)), { message: "payment: bulkhead full" });
  await Promise.all(full);
  await assert.rejects(b.call(() => { throw callee; }), callee);
  await Promise.all(Array.from({ length: 4 }, () => b.call(() => delay(1))));
}

/** Tasks that share a budget spend no more than there is. */
async function budgetIsShared() {
  const shared = new Retry(settings, { ...host, sleep: () => Promise.resolve() });
  let made = 0;
  const call = () =>
    shared.call(
      async () => {
        made++;
        await Promise.resolve();
        throw callee;
      },
      () => ({ kind: "unknown" }),
    );
  await Promise.allSettled(Array.from({ length: 40 }, call));
  assert.ok(made - 40 >= 10 && made - 40 <= 14, `${made - 40} retries of 40 tasks`);
}

await budgetIsShared();
await breakerTripsProbesAndCloses();
await breakerForgetsAndDropsLateResults();
await retryBehaves();
await timeoutsInsideARetryOpenTheBreaker();
await bulkheadBehaves();
await theFallbackAnswers();
