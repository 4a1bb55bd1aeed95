// Replays the trace table of the reference state machine; throws at the first row that differs.

import java.io.File
import java.io.IOException
import java.net.ConnectException
import java.net.SocketException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeoutException
import kotlin.concurrent.thread
import kotlin.coroutines.cancellation.CancellationException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource

class Row(val number: Int, private val columns: List<String>) {
    operator fun get(column: Int) = columns[column]

    fun micros(column: Int): Duration = (columns[column].toLongOrNull() ?: 0L).microseconds

    fun equal(what: String, got: Any?, want: Any?) {
        if (got != want) throw AssertionError("row $number: $what is $got, the table says $want")
    }

    /** The exception of an outcome as a client would throw it; null if it is none. */
    fun exception(): Exception? = when (this[4]) {
        "ok" -> null
        "invalid" -> ReplyException("400", Verdict.Final)
        "refused" -> ReplyException("429", Verdict.NotProcessed(micros(5)))
        "broken" -> ReplyException("500", Verdict.Broken)
        "unavailable" -> ReplyException("503", Verdict.Unknown(micros(5)))
        "unsent" -> ConnectException("refused")
        "lost" -> if (number % 2 == 0) SocketException("reset") else IOException("lost")
        "timeout" -> TimeoutException()
        "cancelled" -> if (number % 2 == 0) InterruptedException() else CancellationException()
        else -> IllegalStateException("fault")
    }
}

/** A call of a breaker that ends when its row comes. */
class UnderWay(breaker: CircuitBreaker) {
    val decided = CompletableFuture<String>()
    val end = CompletableFuture<Row>()
    val thread = thread(isDaemon = true) {
        try {
            breaker.execute({ end.get()[4] !in listOf("invalid", "refused", "fault") }) {
                decided.complete("admitted")
                end.get().exception()?.let { throw it }
            }
        } catch (_: BreakerOpenException) {
            decided.complete("refused")
        } catch (_: Exception) {
        }
    }
}

val CircuitBreaker.shown get() = state.name.lowercase().replace('_', '-')

class Player(private val rows: List<Row>) {
    private val clock = TestTimeSource()
    private val start = clock.markNow()
    private var next = 1
    private var jitter = 0.0

    private fun peek() = rows.getOrNull(next)?.get(2) ?: "end"

    private fun take(op: String) = rows[next++].also { it.equal("what comes next", op, it[2]) }

    private fun now() = start.elapsedNow()

    private fun pass(row: Row) {
        clock += row.micros(1) - now()
    }

    private fun play(breaker: CircuitBreaker) {
        val calls = mutableMapOf<String, UnderWay>()
        while (peek() in listOf("begin", "end")) {
            val row = take(peek())
            pass(row)
            row.equal("the state before", breaker.shown, row[8])
            if (row[2] == "begin") {
                val call = UnderWay(breaker)
                calls[row[3]] = call
                row.equal("the decision", call.decided.get(), row[10])
            } else {
                val call = calls.getValue(row[3])
                call.end.complete(row)
                call.thread.join()
            }
            row.equal("the state", breaker.shown, row[9])
        }
    }

    private fun call(guarded: GuardedCall, breaker: CircuitBreaker) {
        val row = take("call")
        pass(row)
        row.equal("the state before", breaker.shown, row[8])
        var last: Exception? = null
        var outcome = ""
        var asked = "-"
        val result = try {
            guarded.execute<Unit>({ asked = "asked"; throw it }) { timeout ->
                val attempt = take("attempt")
                attempt.equal("the time", now(), attempt.micros(1))
                attempt.equal("the time given", timeout, attempt.micros(7))
                attempt.equal("the state", breaker.shown, attempt[9])
                while (peek() == "call") call(guarded, breaker)
                val reply = take("reply")
                pass(reply)
                jitter = reply[6].toInt() / 4.0
                outcome = reply[4]
                last = reply.exception()
                last?.let { throw it }
            }
            outcome
        } catch (_: BreakerOpenException) {
            "breaker-open"
        } catch (_: BulkheadFullException) {
            "bulkhead-full"
        } catch (e: Exception) {
            if (e === last) outcome else e.toString()
        }
        val done = take("done")
        done.equal("the time", now(), done.micros(1))
        done.equal("the result", result, done[10])
        done.equal("the fallback", asked, done[3])
        done.equal("the state", breaker.shown, done[9])
    }

    fun play() {
        while (peek() != "end") {
            val row = take(peek())
            pass(row)
            val breaker = paymentBreaker(clock)
            if (row[2] == "breaker") {
                play(breaker)
                continue
            }
            val host = Host(clock, { clock += it }, { jitter })
            val retry = if (row[3] == "orders") {
                paymentRetry(host)
            } else {
                Retry(4, 300.milliseconds, 1.seconds, 50.milliseconds, 150.milliseconds, false, 100, host)
            }
            val guarded = GuardedCall(paymentBulkhead(), retry, breaker)
            while (peek() == "call") call(guarded, breaker)
        }
    }
}

fun main(arguments: Array<String>) {
    val lines = File(arguments[0]).readLines()
    Player(lines.mapIndexed { number, line -> Row(number, line.split('\t')) }).play()
}
