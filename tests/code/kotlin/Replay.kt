// Replays the table of decisions, line by line, with a clock that it moves.

import java.io.File
import java.io.IOException
import kotlin.coroutines.cancellation.CancellationException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.TestTimeSource

class Replay(private val lines: List<String>) {
    private var at = 0 // lines played
    private val time = TestTimeSource()
    private var start = time.markNow()

    private fun next(): List<String> = lines[at++].split(" ")

    private fun more() = at < lines.size && !lines[at].startsWith("script")

    private fun equal(what: String, got: Any?, want: Any?) {
        if (got != want) throw AssertionError("line $at, ${lines[at - 1]}: $what: got $got, want $want")
    }

    private fun micros(word: String) = word.toLong().microseconds

    private fun moveTo(word: String) {
        time += micros(word) - start.elapsedNow()
    }

    fun play() {
        while (at < lines.size) {
            val kind = next()[1]
            start = time.markNow()
            when (kind) {
                "breaker" -> {
                    val breaker = CircuitBreaker(paymentBreaker().settings, time)
                    calls { call -> breaker.execute({ it is IOException }, call) }
                }
                "bulkhead" -> {
                    val bulkhead = Bulkhead(4, Duration.ZERO)
                    calls { call -> bulkhead.execute(call) }
                }
                else -> logicalCalls(kind == "retry")
            }
        }
    }

    /** Plays lines up to the end of the innermost call and returns how that ends. */
    private fun calls(guard: (() -> Unit) -> Unit): String {
        while (more()) {
            val words = next()
            moveTo(words[0])
            if (words[1] == "end") return words[2]
            try {
                guard {
                    equal("decision", "admitted", words[2])
                    when (calls(guard)) {
                        "failed" -> throw IOException("503")
                        "rejected" -> throw IllegalArgumentException("400")
                        "cancelled" -> throw CancellationException("given up")
                    }
                }
            } catch (_: BreakerOpenException) {
                equal("decision", "refused", words[2])
            } catch (_: BulkheadFullException) {
                equal("decision", "refused", words[2])
            } catch (_: IOException) {
            } catch (_: IllegalArgumentException) {
            } catch (_: CancellationException) {
            }
        }
        return "ok"
    }

    private fun logicalCalls(idempotent: Boolean) {
        var words = emptyList<String>()
        val retry = Retry(
            paymentRetry().settings.copy(idempotent = idempotent),
            time,
            { time += it },
            { words[6].toInt() / 100.0 },
        )
        while (more()) {
            moveTo(next()[0])
            val succeeded = try {
                retry.execute({
                    val after = micros(words[5])
                    when (words[4]) {
                        "refused" -> Verdict.NotProcessed(after)
                        "unknown" -> Verdict.Unknown(after)
                        else -> Verdict.Final
                    }
                }) { timeout ->
                    words = next()
                    equal("line", words[1], "attempt")
                    equal("start", start.elapsedNow(), micros(words[0]))
                    equal("timeout", timeout, micros(words[2]))
                    time += micros(words[3])
                    if (words[4] != "ok") throw IOException()
                }
                true
            } catch (_: IOException) {
                false
            }
            val outcome = words[4]
            val done = next()
            equal("line", done[1], "done")
            equal("outcome", outcome, done[2])
            equal("success", succeeded, outcome == "ok")
            equal("end", start.elapsedNow(), micros(done[0]))
        }
    }
}

fun main(arguments: Array<String>) = Replay(File(arguments[0]).readLines()).play()
