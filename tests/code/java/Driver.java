// Exercises the three Java samples with a clock that the test moves.

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

final class Driver {
    static final AtomicLong NOW = new AtomicLong();

    interface Body {
        void run() throws Exception;
    }

    static void pass(long milliseconds) {
        NOW.addAndGet(milliseconds * 1_000_000);
    }

    static void check(boolean fact, String what) {
        if (!fact) {
            throw new AssertionError(what);
        }
    }

    static void equal(Object got, Object want, String what) {
        check(want.equals(got), what + ": got " + got + ", want " + want);
    }

    /** The factory's settings are private, so a breaker with a clock is made from the printed ones. */
    static CircuitBreaker breaker() {
        var settings = new CircuitBreaker.Settings(
                0.5, Duration.ofSeconds(10), 10, Duration.ofSeconds(5), 3, Duration.ofMillis(240));
        equal(CircuitBreaker.forPayment().settings, settings, "settings of the design");
        return new CircuitBreaker(settings, NOW::get);
    }

    static int calls(CircuitBreaker breaker, int n, Exception result) throws Exception {
        var admitted = new AtomicInteger();
        for (int i = 0; i < n; i++) {
            try {
                breaker.call(() -> {
                    admitted.incrementAndGet();
                    if (result != null) {
                        throw result;
                    }
                    return null;
                }, exception -> exception instanceof IOException);
            } catch (RejectedExecutionException refused) {
                equal(refused.getMessage(), "payment: circuit breaker open", "message");
            } catch (Exception exception) {
                check(exception == result, "the call's own exception");
            }
        }
        return admitted.get();
    }

    static final IOException FAILED = new IOException("503");

    static void breakerTripsProbesAndCloses() throws Exception {
        var b = breaker();
        equal(calls(b, 2, null), 2, "successes");
        equal(calls(b, 3, new IllegalArgumentException("400")), 3, "client errors");
        equal(calls(b, 5, FAILED), 5, "failures");
        equal(calls(b, 3, null), 0, "open");
        pass(4999);
        equal(calls(b, 1, null), 0, "still open");
        pass(1);
        equal(calls(b, 5, new InterruptedException()), 5, "interrupted probes give their place back");
        equal(calls(b, 5, new CancellationException()), 5, "cancelled probes give their place back");
        equal(calls(b, 2, null), 2, "two probes");
        equal(calls(b, 2, FAILED), 1, "a failed probe opens it again");
        pass(5000);
        equal(calls(b, 3, null), 3, "three probes close it");
        equal(calls(b, 9, FAILED), 9, "empty window");
        equal(calls(b, 2, FAILED), 1, "opens at ten");
    }

    static void breakerForgetsAndDropsLateResults() throws Exception {
        var b = breaker();
        calls(b, 9, FAILED);
        pass(10_000);
        equal(calls(b, 9, FAILED), 9, "a window later the first nine are gone");

        var slow = breaker();
        for (int i = 0; i < 10; i++) {
            int takes = 239 + i % 2;
            slow.call(() -> {
                pass(takes);
                return null;
            }, exception -> true);
        }
        equal(calls(slow, 1, null), 0, "five of ten were slow");

        var late = breaker();
        try {
            late.call(() -> {
                calls(late, 10, FAILED);
                pass(5000);
                equal(calls(late, 1, null), 1, "first probe");
                throw FAILED;
            }, exception -> true);
        } catch (IOException expected) {
            check(expected == FAILED, "own exception");
        }
        equal(calls(late, 2, null), 2, "a failure from before it opened does not count");
        equal(calls(late, 5, null), 5, "closed");
    }

    static void parallel(int threads, Body body) throws Exception {
        var all = new ArrayList<Thread>();
        var faults = new AtomicInteger();
        for (int i = 0; i < threads; i++) {
            var thread = new Thread(() -> {
                try {
                    body.run();
                } catch (Throwable thrown) {
                    faults.incrementAndGet();
                }
            });
            all.add(thread);
            thread.start();
        }
        for (Thread thread : all) {
            thread.join();
        }
        equal(faults.get(), 0, "faults of threads");
    }

    static void breakerIsSharedByThreads() throws Exception {
        var b = breaker();
        calls(b, 10, FAILED);
        pass(5000);
        var admitted = new AtomicInteger();
        var barrier = new CyclicBarrier(32);
        parallel(32, () -> {
            try {
                b.call(() -> {
                    admitted.incrementAndGet();
                    barrier.await();
                    return null;
                }, exception -> true);
            } catch (RejectedExecutionException refused) {
                barrier.await();
            }
        });
        equal(admitted.get(), 3, "probes of 32 threads");
    }

    static boolean await(CountDownLatch latch, long milliseconds) {
        try {
            return latch.await(milliseconds, TimeUnit.MILLISECONDS);
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }

    /** While a result is recorded, no other is, and no call is admitted. */
    static void breakerExcludesThreads() throws Exception {
        for (boolean records : new boolean[] {true, false}) {
            var begun = new CountDownLatch(1);
            var entered = new CountDownLatch(1);
            var meanwhile = new CountDownLatch(1);
            var ending = ThreadLocal.withInitial(() -> false);
            var first = new AtomicInteger();
            var b = new CircuitBreaker(breaker().settings, () -> {
                // Read before the call without the lock, and after it inside.
                if (ending.get() && first.getAndIncrement() == 0) {
                    entered.countDown();
                    check(!await(meanwhile, 200), records ? "two record at once" : "admitted meanwhile");
                } else if (ending.get()) {
                    meanwhile.countDown();
                }
                return 0;
            });
            parallel(2, new Body() {
                private final AtomicInteger threads = new AtomicInteger();

                @Override
                public void run() throws Exception {
                    boolean one = threads.getAndIncrement() == 0;
                    if (!one && !records) {
                        await(entered, 5000);
                    }
                    b.call(() -> {
                        if (one && records) {
                            await(begun, 5000);
                        } else if (!one) {
                            (records ? begun : meanwhile).countDown();
                            await(entered, 5000);
                        }
                        ending.set(true);
                        return null;
                    }, exception -> true);
                }
            });
        }
    }

    static final List<Long> PAUSES = new ArrayList<>();

    static Retry retry(boolean idempotent, int earned) {
        var settings = new Retry.Settings(
                4, Duration.ofMillis(300), Duration.ofSeconds(1),
                Duration.ofMillis(50), Duration.ofMillis(150), idempotent, earned);
        if (idempotent && earned == 100) {
            equal(Retry.forPayment().settings, settings, "settings of the design");
        }
        return new Retry(settings, NOW::get, pause -> {
            PAUSES.add(pause.toMillis());
            pass(pause.toMillis());
        }, () -> 1.0);
    }

    static List<Long> failing(Retry retry, long takes, Retry.Verdict verdict) throws Exception {
        var times = new ArrayList<Long>();
        PAUSES.clear();
        try {
            retry.call(timeout -> {
                times.add(timeout.toMillis());
                pass(Math.min(takes, timeout.toMillis()));
                throw FAILED;
            }, exception -> verdict);
        } catch (IOException expected) {
            return times;
        }
        throw new AssertionError("it cannot succeed");
    }

    static Retry.Verdict verdict(Retry.Verdict.Kind kind, long after) {
        return new Retry.Verdict(kind, Duration.ofMillis(after));
    }

    static void retryBehaves() throws Exception {
        var unknown = verdict(Retry.Verdict.Kind.UNKNOWN, 0);
        var unsent = verdict(Retry.Verdict.Kind.NOT_PROCESSED, 0);
        equal(failing(retry(true, 100), 0, unknown), List.of(300L, 300L, 300L, 300L), "attempts");
        equal(PAUSES, List.of(50L, 100L, 150L), "pauses");
        equal(failing(retry(true, 100), 400, unknown), List.of(300L, 300L, 250L), "the deadline cuts");
        equal(failing(retry(true, 100), 0, verdict(Retry.Verdict.Kind.FINAL, 0)).size(), 1, "final");
        equal(failing(retry(false, 100), 0, unknown).size(), 1, "may have been processed");
        equal(failing(retry(false, 100), 0, unsent).size(), 4, "was not processed");
        equal(failing(retry(true, 100), 0, verdict(Retry.Verdict.Kind.NOT_PROCESSED, 500)).size(), 2, "Retry-After");
        equal(PAUSES, List.of(550L), "Retry-After and jitter");
        var ages = new Retry.Verdict(Retry.Verdict.Kind.NOT_PROCESSED, Duration.ofSeconds(1L << 60));
        equal(failing(retry(true, 100), 0, ages).size(), 1, "a Retry-After of ages");
        var r = retry(true, 100);
        int retries = 0;
        for (int i = 0; i < 30; i++) {
            retries += failing(r, 0, unknown).size() - 1;
        }
        equal(retries, 12, "budget");
        var tries = new AtomicInteger();
        equal(retry(true, 100).call(timeout -> {
            if (tries.incrementAndGet() < 3) {
                throw FAILED;
            }
            return "ok";
        }, exception -> unknown), "ok", "third succeeds");

        var interrupted = new AtomicInteger();
        var thread = new Thread(() -> {
            try {
                Retry.forPayment().call(timeout -> {
                    throw FAILED;
                }, exception -> verdict(Retry.Verdict.Kind.UNKNOWN, 400));
            } catch (InterruptedException cancelled) {
                interrupted.incrementAndGet();
            } catch (Exception other) {
                interrupted.set(-1);
            }
        });
        thread.start();
        thread.interrupt();
        thread.join();
        equal(interrupted.get(), 1, "interrupted while it pauses");
    }

    static void bulkheadBehaves() throws Exception {
        var bulkhead = Bulkhead.forPayment();
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        parallel(24, () -> {
            for (int i = 0; i < 50; i++) {
                try {
                    bulkhead.call(() -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        Thread.yield();
                        running.decrementAndGet();
                        throw FAILED;
                    });
                } catch (IOException | RejectedExecutionException expected) {
                    continue;
                }
            }
        });
        check(most.get() >= 1 && most.get() <= 4, most + " at a time");
        var held = new CountDownLatch(1);
        var inside = new CountDownLatch(4);
        var filler = new Thread(() -> {
            try {
                parallel(4, () -> bulkhead.call(() -> {
                    inside.countDown();
                    held.await();
                    return null;
                }));
            } catch (Exception exception) {
                throw new AssertionError(exception);
            }
        });
        filler.start();
        inside.await();
        {
            long start = System.nanoTime();
            try {
                bulkhead.call(() -> null);
                throw new AssertionError("full");
            } catch (RejectedExecutionException refused) {
                equal(refused.getMessage(), "payment: bulkhead full", "message");
                check(System.nanoTime() - start < 50_000_000, "refused at once");
            }
        }
        held.countDown();
        filler.join();
        equal(bulkhead.call(() -> "ok"), "ok", "slots came back");
    }

    static void budgetIsSharedByThreads() throws Exception {
        var made = new AtomicInteger();
        var settings = new Retry.Settings(
                4, Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ZERO, Duration.ZERO, true, 100);
        var shared = new Retry(settings, NOW::get, pause -> { }, () -> 0);
        parallel(40, () -> {
            try {
                shared.call(timeout -> {
                    made.incrementAndGet();
                    throw FAILED;
                }, e -> new Retry.Verdict(Retry.Verdict.Kind.UNKNOWN, Duration.ZERO));
            } catch (IOException failed) {
                check(failed == FAILED, "the call's own exception");
            }
        });
        int retries = made.get() - 40; // ten in hand and 40 × 0.1
        check(retries >= 10 && retries <= 14, retries + " retries of 40 threads");
    }

    /** What a call earns is spent once, by whomever. */
    static void budgetIsKeptByThreads() throws Exception {
        var settings = new Retry.Settings(
                Integer.MAX_VALUE, Duration.ofMillis(300), Duration.ofSeconds(1),
                Duration.ZERO, Duration.ZERO, true, 1000);
        var shared = new Retry(settings, NOW::get, pause -> { }, () -> 0);
        var made = new AtomicInteger();
        Body call = () -> {
            try {
                shared.call(timeout -> {
                    made.incrementAndGet();
                    throw FAILED;
                }, e -> new Retry.Verdict(Retry.Verdict.Kind.UNKNOWN, Duration.ZERO));
            } catch (IOException failed) {
                check(failed == FAILED, "the call's own exception");
            }
        };
        call.run();
        equal(made.getAndSet(0), 11, "what is there at first");
        parallel(8, () -> {
            for (int i = 0; i < 20_000; i++) {
                call.run();
            }
        });
        equal(made.get(), 2 * 8 * 20_000, "attempts of calls that earn a retry each");
    }

    /** A fallback without an answer. */
    static Object same(Exception exception) throws Exception {
        throw exception;
    }

    static void theFallbackAnswers() throws Exception {
        var guarded = new GuardedCall(Bulkhead.forPayment(), retry(true, 100), breaker());
        equal(guarded.call(timeout -> {
            throw FAILED;
        }, exception -> exception == FAILED ? "later" : "other"), "later", "answered");
    }

    static void failuresInsideARetryOpenTheBreaker() throws Exception {
        var made = new AtomicInteger();
        var refused = new AtomicInteger();
        var guarded = new GuardedCall(Bulkhead.forPayment(), retry(true, 100), breaker());
        for (int i = 0; i < 4; i++) {
            try {
                guarded.call(timeout -> {
                    made.incrementAndGet();
                    throw FAILED;
                }, Driver::same);
            } catch (RejectedExecutionException open) {
                refused.incrementAndGet();
            } catch (IOException failed) {
                check(failed == FAILED, "the call's own exception");
            }
        }
        equal(made.get(), 10, "ten failures open it");
        equal(refused.get(), 2, "an open breaker ends the retry");
        for (var fault : List.of(FAILED, new java.util.concurrent.TimeoutException(), new NullPointerException())) {
            made.set(0);
            try {
                new GuardedCall(Bulkhead.forPayment(), retry(true, 100), breaker()).call(timeout -> {
                    made.incrementAndGet();
                    throw fault;
                }, Driver::same);
            } catch (Exception thrown) {
                check(thrown == fault, "the call's own exception");
            }
            equal(made.get(), fault instanceof NullPointerException ? 1 : 4, fault + ": attempts");
        }
    }

    public static void main(String[] arguments) throws Exception {
        breakerTripsProbesAndCloses();
        breakerForgetsAndDropsLateResults();
        breakerIsSharedByThreads();
        breakerExcludesThreads();
        retryBehaves();
        budgetIsSharedByThreads();
        budgetIsKeptByThreads();
        bulkheadBehaves();
        failuresInsideARetryOpenTheBreaker();
        theFallbackAnswers();
    }
}
