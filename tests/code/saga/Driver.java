package trips;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs the workflow with every activity failing in turn, and prints what it did. */
final class Driver {
    private static final List<String> COMMANDS = List.of(
            "createTrip", "checkRider", "lockFare", "logEntry",
            "assignDriver", "confirmTrip", "cancelTrip", "releaseFare");
    private static final ExecutorService EXECUTOR = Executors.newCachedThreadPool();

    private final String error;
    private final String command;
    private final int times;
    private final String refusing;
    private final Thread workflow = Thread.currentThread();
    private final CountDownLatch interrupted = new CountDownLatch(1);
    private final List<String> done = new ArrayList<>();
    private final Map<String, String> keys = new HashMap<>();
    private int tries;

    private Driver(String error, String command, int times, String refusing) {
        this.error = error;
        this.command = command;
        this.times = times;
        this.refusing = refusing;
    }

    private synchronized boolean fails(String name, String key) {
        String other = keys.putIfAbsent(key, name);
        if (other != null && !other.equals(name)) {
            throw new AssertionError(key + " for " + name + " and " + other);
        }
        if (done.isEmpty() || !done.get(done.size() - 1).equals(name)) {
            done.add(name);
        }
        return name.equals(command) && ++tries <= times;
    }

    private void act(String name, String key) throws Exception {
        boolean fails = fails(name, key);
        if (name.equals(refusing)) {
            throw new BookATripWorkflow.RefusedException(name);
        }
        if (!fails) {
            return;
        }
        switch (error) {
            case "refused" -> throw new BookATripWorkflow.RefusedException(name);
            case "unavailable" -> throw new java.io.IOException("connection");
            case "timeout" -> throw new TimeoutException();
            default -> {
                if (error.equals("cancelled")) {
                    workflow.interrupt();
                }
                try {
                    Thread.sleep(60_000);
                } catch (InterruptedException stopped) {
                    interrupted.countDown();
                    throw stopped;
                }
            }
        }
    }

    private static void run(String error, String command, int times, String refusing) throws Exception {
        var driver = new Driver(error, command, times, refusing);
        InvocationHandler handler = (proxy, method, args) -> {
            driver.act(method.getName(), (String) args[0]);
            return null;
        };
        var activities = (BookATripWorkflow.Activities) Proxy.newProxyInstance(
                Driver.class.getClassLoader(), new Class<?>[] {BookATripWorkflow.Activities.class}, handler);
        var workflow = new BookATripWorkflow(activities, EXECUTOR, pause -> {
            if (pause.isNegative() || pause.toSeconds() > 100) {
                throw new AssertionError(pause);
            }
        });
        String end = "done";
        long start = System.nanoTime();
        try {
            workflow.run("trip-1");
        } catch (BookATripWorkflow.SagaException stopped) {
            end = stopped.end().name();
            if (Thread.interrupted() != error.equals("cancelled")) {
                throw new AssertionError("who interrupts is told");
            }
        } catch (InterruptedException stopped) {
            end = "stopped";
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (seconds > 5 || error.equals("slow") && seconds < 0.9) {
            throw new AssertionError(error + " took " + seconds);
        }
        if (List.of("slow", "cancelled").contains(error) && !driver.interrupted.await(5, TimeUnit.SECONDS)) {
            throw new AssertionError("the activity still runs");
        }
        System.out.println(error + " " + command + " " + times + " > "
                + String.join(" ", driver.done) + " " + end + " " + driver.tries);
    }

    /** A pool that takes no more work is a failure of the step, and what was done before is taken back. */
    private static void full() throws InterruptedException {
        List<String> done = new ArrayList<>();
        InvocationHandler handler = (proxy, method, args) -> done.add(method.getName()) ? null : null;
        var activities = (BookATripWorkflow.Activities) Proxy.newProxyInstance(
                Driver.class.getClassLoader(), new Class<?>[] {BookATripWorkflow.Activities.class}, handler);
        var direct = new java.util.concurrent.AbstractExecutorService() {
            @Override
            public void execute(Runnable work) {
                // As full as it is while the fare is to be locked.
                if (done.size() == 2) {
                    done.add("full");
                    throw new java.util.concurrent.RejectedExecutionException();
                }
                work.run();
            }

            @Override
            public void shutdown() {}

            @Override
            public List<Runnable> shutdownNow() {
                return List.of();
            }

            @Override
            public boolean isShutdown() {
                return false;
            }

            @Override
            public boolean isTerminated() {
                return false;
            }

            @Override
            public boolean awaitTermination(long timeout, TimeUnit unit) {
                return true;
            }
        };
        try {
            new BookATripWorkflow(activities, direct, pause -> {}).run("trip-1");
        } catch (BookATripWorkflow.SagaException stopped) {
            if (!done.equals(List.of("createTrip", "checkRider", "full", "releaseFare", "cancelTrip"))) {
                throw new AssertionError(done);
            }
            return;
        }
        throw new AssertionError(done);
    }

    public static void main(String[] args) throws Exception {
        full();
        for (String error : List.of("refused", "unavailable", "timeout")) {
            for (String command : COMMANDS) {
                run(error, command, 3, "");
                run(error, command, 1000, "assignDriver");
            }
        }
        run("slow", "lockFare", 1, "");
        run("cancelled", "lockFare", 1, "");
        run("cancelled", "assignDriver", 1, "");
        run("cancelled", "confirmTrip", 1, "");
        EXECUTOR.shutdown();
    }
}
