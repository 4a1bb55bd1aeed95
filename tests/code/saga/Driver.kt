package trips

import java.io.IOException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

private val executor = Executors.newCachedThreadPool()

/** Fails the command with an error, so many times, and refuses another. */
private class Script(val error: String, val command: String, val times: Int, val refusing: String) :
    BookATripActivities {
    val workflow: Thread = Thread.currentThread()
    val interrupted = CountDownLatch(1)
    val done = mutableListOf<String>()
    val keys = mutableMapOf<String, String>()
    var tries = 0

    @Synchronized
    private fun fails(name: String, key: String): Boolean {
        check(keys.getOrPut(key) { name } == name) { "$key for $name" }
        if (done.lastOrNull() != name) done += name
        return name == command && ++tries <= times
    }

    private fun act(name: String, key: String) {
        val fails = fails(name, key)
        if (name == refusing) throw BookATripWorkflow.RefusedException(name)
        if (!fails) return
        when (error) {
            "refused" -> throw BookATripWorkflow.RefusedException(name)
            "unavailable" -> throw IOException("connection")
            "timeout" -> throw TimeoutException()
        }
        if (error == "cancelled") workflow.interrupt()
        try {
            Thread.sleep(60_000)
        } catch (e: InterruptedException) {
            interrupted.countDown()
            throw e
        }
    }

    override fun createTrip(key: String) = act("createTrip", key)
    override fun cancelTrip(key: String) = act("cancelTrip", key)
    override fun checkRider(key: String) = act("checkRider", key)
    override fun lockFare(key: String) = act("lockFare", key)
    override fun releaseFare(key: String) = act("releaseFare", key)
    override fun logEntry(key: String) = act("logEntry", key)
    override fun assignDriver(key: String) = act("assignDriver", key)
    override fun confirmTrip(key: String) = act("confirmTrip", key)
}

private fun run(error: String, command: String, times: Int, refusing: String = "") {
    val script = Script(error, command, times, refusing)
    val noSleep = { pause: Duration -> check(pause in Duration.ZERO..100.seconds) }
    val workflow = BookATripWorkflow(script, executor, noSleep)
    var end = "done"
    val took = measureTime {
        try {
            workflow.run("trip-1")
        } catch (e: BookATripWorkflow.SagaException) {
            end = e.javaClass.simpleName.removeSuffix("Exception")
            check(Thread.interrupted() == (error == "cancelled")) { "who interrupts is told" }
        } catch (_: InterruptedException) {
            end = "stopped"
        }
    }
    check(took < 5.seconds && (error != "slow" || took > 0.9.seconds)) { "$error took $took" }
    if (error == "slow" || error == "cancelled") {
        check(script.interrupted.await(5, TimeUnit.SECONDS)) { "the activity still runs" }
    }
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
    executor.shutdown()
}
