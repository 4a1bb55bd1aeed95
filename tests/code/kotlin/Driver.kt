// Exercises the three Kotlin samples with a clock that the test moves.

import java.io.IOException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.coroutines.cancellation.CancellationException
import kotlin.time.ComparableTimeMark
import kotlin.time.Duration
import kotlin.time.Duration.Companion.ZERO
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource
import kotlin.time.TimeSource
import kotlin.time.measureTime

val clock = TestTimeSource()
val failed = IOException("503")

fun equal(got: Any?, want: Any?, what: String) = check(got == want) { "$what: got $got, want $want" }

/** The breaker of the design. */
fun breaker() = paymentBreaker(clock)

fun calls(breaker: CircuitBreaker, n: Int, result: Exception? = null): Int {
    var admitted = 0
    repeat(n) {
        try {
            breaker.execute({ it is IOException }) {
                admitted++
                if (result != null) throw result
            }
        } catch (refused: BreakerOpenException) {
            equal(refused.message, "payment: circuit breaker open", "message")
        } catch (e: Exception) {
            check(e === result) { "the call's own exception" }
        }
    }
    return admitted
}

fun breakerTripsProbesAndCloses() {
    val b = breaker()
    equal(calls(b, 2), 2, "successes")
    equal(calls(b, 3, IllegalArgumentException("400")), 3, "client errors")
    equal(calls(b, 5, failed), 5, "failures")
    equal(calls(b, 3), 0, "open")
    clock += 4999.milliseconds
    equal(calls(b, 1), 0, "still open")
    clock += 1.milliseconds
    equal(calls(b, 5, InterruptedException()), 5, "interrupted probes give their place back")
    equal(calls(b, 5, CancellationException("given up")), 5, "so do cancelled ones")
    equal(calls(b, 2), 2, "two probes")
    equal(calls(b, 2, failed), 1, "a failed probe opens it again")
    clock += 5.seconds
    equal(calls(b, 3), 3, "three probes close it")
    equal(calls(b, 9, failed), 9, "empty window")
    equal(calls(b, 2, failed), 1, "opens at ten")
}

fun breakerForgetsAndDropsLateResults() {
    val b = breaker()
    calls(b, 9, failed)
    clock += 10.seconds
    equal(calls(b, 9, failed), 9, "a window later the first nine are gone")

    val slow = breaker()
    repeat(10) { i -> slow.execute({ true }) { clock += (239 + i % 2).milliseconds } }
    equal(calls(slow, 1), 0, "five of ten were slow")

    val late = breaker()
    try {
        late.execute({ true }) {
            calls(late, 10, failed)
            clock += 5.seconds
            equal(calls(late, 1), 1, "first probe")
            throw failed
        }
    } catch (e: IOException) {
        check(e === failed)
    }
    equal(calls(late, 2), 2, "a failure from before it opened does not count")
    equal(calls(late, 5), 5, "closed")
}

fun parallel(threads: Int, body: () -> Unit) {
    val faults = AtomicInteger()
    List(threads) {
        thread {
            try {
                body()
            } catch (e: Exception) {
                e.printStackTrace()
                faults.incrementAndGet()
            }
        }
    }.forEach(Thread::join)
    equal(faults.get(), 0, "faults of threads")
}

fun breakerIsSharedByThreads() {
    val b = breaker()
    calls(b, 10, failed)
    clock += 5.seconds
    val admitted = AtomicInteger()
    val barrier = CyclicBarrier(32)
    parallel(32) {
        try {
            b.execute({ true }) {
                admitted.incrementAndGet()
                barrier.await()
            }
        } catch (_: BreakerOpenException) {
            barrier.await()
        }
    }
    equal(admitted.get(), 3, "probes of 32 threads")
}

/** While a result is recorded, no other is, and no call is admitted. */
fun breakerExcludesThreads() {
    for (records in listOf(true, false)) {
        val begun = CountDownLatch(1)
        val entered = CountDownLatch(1)
        val meanwhile = CountDownLatch(1)
        val ending = ThreadLocal.withInitial { false }
        val first = AtomicInteger()
        val threads = AtomicInteger()
        // Read before the call without the lock, and after it inside.
        val reader = object : TimeSource.WithComparableMarks {
            override fun markNow(): ComparableTimeMark {
                if (ending.get() && first.getAndIncrement() == 0) {
                    entered.countDown()
                    val both = meanwhile.await(200, TimeUnit.MILLISECONDS)
                    check(!both) { if (records) "two record at once" else "admitted meanwhile" }
                } else if (ending.get()) {
                    meanwhile.countDown()
                }
                return clock.markNow()
            }
        }
        val b = paymentBreaker(reader)
        parallel(2) {
            val one = threads.getAndIncrement() == 0
            if (!one && !records) entered.await(5, TimeUnit.SECONDS)
            b.execute({ true }) {
                if (one && records) begun.await(5, TimeUnit.SECONDS)
                if (!one) {
                    (if (records) begun else meanwhile).countDown()
                    entered.await(5, TimeUnit.SECONDS)
                }
                ending.set(true)
            }
        }
    }
}

val pauses = mutableListOf<Duration>()

fun moved() = Host(clock, { pauses += it; clock += it }, { 1.0 })

fun retry(idempotent: Boolean = true) =
    if (idempotent) {
        paymentRetry(moved())
    } else {
        Retry(4, 300.milliseconds, 1.seconds, 50.milliseconds, 150.milliseconds, false, 100, moved())
    }

/** What each attempt was given, in milliseconds. */
fun failing(retry: Retry, takes: Long, verdict: Verdict): List<Long> {
    val times = mutableListOf<Long>()
    pauses.clear()
    try {
        retry.execute<Unit>({ verdict }) { timeout ->
            times += timeout.inWholeMilliseconds
            clock += minOf(takes.milliseconds, timeout)
            throw failed
        }
    } catch (e: IOException) {
        check(e === failed)
        return times
    }
    error("it cannot succeed")
}

fun retryBehaves() {
    val unknown = Verdict.Unknown()
    equal(failing(retry(), 0, unknown), listOf(300L, 300L, 300L, 300L), "attempts")
    equal(pauses, listOf(50, 100, 150).map { it.milliseconds }, "pauses")
    equal(failing(retry(), 400, unknown), listOf(300L, 300L, 250L), "the deadline cuts")
    equal(failing(retry(), 0, Verdict.Final).size, 1, "final")
    equal(failing(retry(false), 0, unknown).size, 1, "may have been processed")
    equal(failing(retry(false), 0, Verdict.NotProcessed()).size, 4, "was not processed")
    equal(failing(retry(), 0, Verdict.NotProcessed(500.milliseconds)).size, 2, "Retry-After")
    equal(pauses, listOf(550.milliseconds), "Retry-After and jitter")
    val shared = retry()
    equal((1..30).sumOf { failing(shared, 0, unknown).size - 1 }, 12, "budget")
    var tries = 0
    equal(retry().execute({ unknown }) { if (++tries < 3) throw failed else "ok" }, "ok", "third succeeds")

    val outcome = AtomicInteger()
    val pausing = thread {
        try {
            paymentRetry().execute<Unit>({ Verdict.Unknown(400.milliseconds) }) { throw failed }
        } catch (_: InterruptedException) {
            outcome.set(1)
        } catch (_: Exception) {
            outcome.set(-1)
        }
    }
    pausing.interrupt()
    pausing.join()
    equal(outcome.get(), 1, "interrupted while it pauses")
    tries = 0
    try {
        retry().execute<Unit>({ unknown }) {
            tries++
            throw CancellationException("given up")
        }
    } catch (_: CancellationException) {
        equal(tries, 1, "a cancelled call is not tried again")
    }
}

fun bulkheadBehaves() {
    val bulkhead = paymentBulkhead()
    val running = AtomicInteger()
    val most = AtomicInteger()
    parallel(24) {
        repeat(50) {
            try {
                bulkhead.execute {
                    most.accumulateAndGet(running.incrementAndGet(), ::maxOf)
                    Thread.yield()
                    running.decrementAndGet()
                    throw failed
                }
            } catch (_: IOException) {
            } catch (_: BulkheadFullException) {
            }
        }
    }
    check(most.get() in 1..4) { "$most at a time" }
    val held = CountDownLatch(1)
    val inside = CountDownLatch(4)
    val filler = thread {
        parallel(4) {
            bulkhead.execute {
                inside.countDown()
                held.await()
            }
        }
    }
    inside.await()
    val refused = measureTime {
        try {
            bulkhead.execute { error("full") }
        } catch (full: BulkheadFullException) {
            equal(full.message, "payment: bulkhead full", "message")
        }
    }
    check(refused < 50.milliseconds) { "refused at once, not after $refused" }
    held.countDown()
    filler.join()
    equal(bulkhead.execute { "ok" }, "ok", "slots came back")
}

fun budgetIsSharedByThreads() {
    val made = AtomicInteger()
    val shared = paymentRetry(Host(clock, {}, { 0.0 }))
    parallel(40) {
        try {
            shared.execute<Unit>({ Verdict.Unknown() }) {
                made.incrementAndGet()
                throw failed
            }
        } catch (e: IOException) {
            check(e === failed)
        }
    }
    val retries = made.get() - 40 // ten in hand and 40 × 0.1
    check(retries in 10..14) { "$retries retries of 40 threads" }
}

/** What a call earns is spent once, by whomever. */
fun budgetIsKeptByThreads() {
    val host = Host(clock, {}, { 0.0 })
    val shared = Retry(Int.MAX_VALUE, 1.seconds, 1.seconds, ZERO, ZERO, true, 1000, host)
    val made = AtomicInteger()
    val call = {
        try {
            shared.execute<Unit>({ Verdict.Unknown() }) {
                made.incrementAndGet()
                throw failed
            }
        } catch (e: IOException) {
            check(e === failed)
        }
    }
    call()
    equal(made.getAndSet(0), 11, "what is there at first")
    parallel(8) { repeat(20_000) { call() } }
    equal(made.get(), 2 * 8 * 20_000, "attempts of calls that earn a retry each")
}

fun failuresInsideARetryOpenTheBreaker() {
    val guarded = GuardedCall(paymentBulkhead(), retry(), breaker())
    var made = 0
    var refused = 0
    repeat(4) {
        try {
            guarded.execute<Unit>({ throw it }) {
                made++
                throw failed
            }
        } catch (_: BreakerOpenException) {
            refused++
        } catch (_: IOException) {
        }
    }
    equal(made, 10, "ten failures open it")
    equal(refused, 2, "an open breaker ends the retry")
    for ((fault, attempts) in listOf(failed to 4, java.util.concurrent.TimeoutException() to 4, NullPointerException() to 1)) {
        made = 0
        try {
            GuardedCall(paymentBulkhead(), retry(), breaker()).execute<Unit>({ throw it }) {
                made++
                throw fault
            }
        } catch (e: Exception) {
            check(e === fault) { "the call's own exception" }
        }
        equal(made, attempts, "$fault: attempts")
    }
}

fun theFallbackAnswers() {
    val answer = GuardedCall(paymentBulkhead(), retry(), breaker()).execute({ e ->
        check(e === failed) { "the call's own exception" }
        "later"
    }) { throw failed }
    equal(answer, "later", "answered")
}

fun main() {
    theFallbackAnswers()
    failuresInsideARetryOpenTheBreaker()
    breakerTripsProbesAndCloses()
    breakerForgetsAndDropsLateResults()
    breakerIsSharedByThreads()
    breakerExcludesThreads()
    retryBehaves()
    budgetIsSharedByThreads()
    budgetIsKeptByThreads()
    bulkheadBehaves()
}
