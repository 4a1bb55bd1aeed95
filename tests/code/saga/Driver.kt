package trips

import java.io.IOException
import java.util.concurrent.TimeoutException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope

/** Fails the command with an error, so many times, and refuses another. */
private class Script(val error: String, val command: String, val times: Int, val refusing: String) :
    BookATripActivities {
    var workflow: Job? = null
    var cancelled = false
    val done = mutableListOf<String>()
    val keys = mutableMapOf<String, String>()
    var tries = 0

    @Synchronized
    private fun fails(name: String, key: String): Boolean {
        check(keys.getOrPut(key) { name } == name) { "$key for $name" }
        if (done.lastOrNull() != name) done += name
        return name == command && ++tries <= times
    }

    private suspend fun act(name: String, key: String) {
        val fails = fails(name, key)
        if (name == refusing) throw BookATripWorkflow.RefusedException(name)
        if (!fails) return
        when (error) {
            "refused" -> throw BookATripWorkflow.RefusedException(name)
            "unavailable" -> throw IOException("connection")
            "timeout" -> throw TimeoutException()
        }
        if (error == "cancelled") workflow!!.cancel()
        try {
            delay(60.seconds)
        } catch (e: CancellationException) {
            cancelled = true
            throw e
        }
    }

    override suspend fun createTrip(key: String) = act("createTrip", key)
    override suspend fun cancelTrip(key: String) = act("cancelTrip", key)
    override suspend fun checkRider(key: String) = act("checkRider", key)
    override suspend fun lockFare(key: String) = act("lockFare", key)
    override suspend fun releaseFare(key: String) = act("releaseFare", key)
    override suspend fun logEntry(key: String) = act("logEntry", key)
    override suspend fun assignDriver(key: String) = act("assignDriver", key)
    override suspend fun confirmTrip(key: String) = act("confirmTrip", key)
}

private fun run(error: String, command: String, times: Int, refusing: String = "") = runBlocking {
    val script = Script(error, command, times, refusing)
    val noSleep: suspend (Duration) -> Unit = { check(it in Duration.ZERO..100.seconds) }
    val workflow = BookATripWorkflow(script, noSleep)
    var end = "done"
    val took = measureTime {
        try {
            supervisorScope {
                val run = async { workflow.run("trip-1") }
                script.workflow = run
                run.await()
            }
        } catch (e: BookATripWorkflow.SagaException) {
            end = e.javaClass.simpleName.removeSuffix("Exception")
        } catch (_: CancellationException) {
            // It is told who was cancelled; what was done shows in the commands.
            end = if (script.done.last() == "cancelTrip") "TakenBack" else "stopped"
        }
    }
    check(took < 5.seconds && (error != "slow" || took > 0.9.seconds)) { "$error took $took" }
    check(script.cancelled == (error == "slow" || error == "cancelled")) { "the activity still runs" }
    println("$error $command $times > ${script.done.joinToString(" ")} $end ${script.tries}")
}

/** Runs the workflow with every activity failing in turn, and prints what it did. */
fun main() {
    val commands = listOf(
        "createTrip", "checkRider", "lockFare", "logEntry",
        "assignDriver", "confirmTrip", "cancelTrip", "releaseFare",
    )
    for (error in listOf("refused", "unavailable", "timeout")) {
        for (command in commands) {
            run(error, command, 3)
            run(error, command, 1000, refusing = "assignDriver")
        }
    }
    run("slow", "lockFare", 1)
    run("cancelled", "lockFare", 1)
    run("cancelled", "assignDriver", 1)
    run("cancelled", "confirmTrip", 1)
}
