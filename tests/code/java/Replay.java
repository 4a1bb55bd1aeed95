// Replays the trace table of the reference state machine; throws at the first row that differs.

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;

final class Replay {
    record Row(int number, String[] columns) {
        String get(int column) {
            return columns[column];
        }

        long micros(int column) {
            return columns[column].equals("-") ? 0 : Long.parseLong(columns[column]);
        }

        void equal(String what, Object got, Object want) {
            if (!got.toString().equals(want.toString())) {
                throw new AssertionError(
                        "row " + number + ": " + what + " is " + got + ", the table says " + want);
            }
        }

        /** The exception of an outcome as a client would throw it; null if it is none. */
        Exception exception() {
            return switch (get(4)) {
                case "ok" -> null;
                case "invalid" -> reply(Retry.Verdict.Kind.FINAL);
                case "refused" -> reply(Retry.Verdict.Kind.NOT_PROCESSED);
                case "broken" -> reply(Retry.Verdict.Kind.BROKEN);
                case "unavailable" -> reply(Retry.Verdict.Kind.UNKNOWN);
                case "unsent" -> new ConnectException("connect");
                case "lost" -> number % 2 == 0 ? new SocketException("reset") : new IOException("lost");
                case "timeout" -> new TimeoutException();
                case "cancelled" -> new InterruptedException();
                default -> new IllegalStateException("fault");
            };
        }

        private Exception reply(Retry.Verdict.Kind kind) {
            var after = Duration.ofNanos(micros(5) * 1000);
            return new GuardedCall.ReplyException(get(4), new Retry.Verdict(kind, after));
        }
    }

    /** A call of a breaker that ends when its row comes. */
    static final class Call {
        final CompletableFuture<String> decided = new CompletableFuture<>();
        final CompletableFuture<Row> end = new CompletableFuture<>();
        final Thread thread;

        Call(CircuitBreaker breaker) {
            thread = new Thread(() -> {
                try {
                    breaker.call(() -> {
                        decided.complete("admitted");
                        Exception exception = end.get().exception();
                        if (exception != null) {
                            throw exception;
                        }
                        return null;
                    }, exception -> !List.of("invalid", "refused", "fault").contains("" + exception.getMessage()));
                } catch (RejectedExecutionException refused) {
                    decided.complete("refused");
                } catch (Exception expected) {
                    return;
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
    }

    private final List<Row> rows;
    private int next;
    private volatile long now; // microseconds
    private double jitter;

    Replay(List<Row> rows) {
        this.rows = rows;
    }

    String peek() {
        return next == rows.size() ? "end" : rows.get(next).get(2);
    }

    Row take(String op) {
        Row row = rows.get(next++);
        row.equal("what comes next", op, row.get(2));
        return row;
    }

    static String state(CircuitBreaker breaker) {
        return breaker.state().name().toLowerCase().replace('_', '-');
    }

    void breaker(CircuitBreaker breaker) throws Exception {
        var calls = new HashMap<String, Call>();
        while (List.of("begin", "end").contains(peek())) {
            Row row = take(peek());
            now = row.micros(1);
            row.equal("the state before", state(breaker), row.get(8));
            if (row.get(2).equals("begin")) {
                var call = new Call(breaker);
                calls.put(row.get(3), call);
                row.equal("the decision", call.decided.get(), row.get(10));
            } else {
                var call = calls.remove(row.get(3));
                call.end.complete(row);
                call.thread.join();
            }
            row.equal("the state", state(breaker), row.get(9));
        }
    }

    void call(GuardedCall guarded, CircuitBreaker breaker) throws Exception {
        Row start = take("call");
        now = start.micros(1);
        start.equal("the state before", state(breaker), start.get(8));
        var last = new Object() {
            String outcome;
            Exception exception;
            String asked = "-";
        };
        String result;
        try {
            guarded.call(timeout -> {
                Row row = take("attempt");
                row.equal("the time", now, row.micros(1));
                row.equal("the time given", timeout.toNanos(), row.micros(7) * 1000);
                row.equal("the state", state(breaker), row.get(9));
                while (peek().equals("call")) {
                    call(guarded, breaker);
                }
                row = take("reply");
                now = row.micros(1);
                jitter = row.micros(6) / 4.0;
                last.outcome = row.get(4);
                last.exception = row.exception();
                if (last.exception != null) {
                    throw last.exception;
                }
                return null;
            }, exception -> {
                last.asked = "asked";
                throw exception;
            });
            result = last.outcome;
        } catch (RejectedExecutionException refused) {
            result = refused.getMessage().equals("payment: bulkhead full") ? "bulkhead-full" : "breaker-open";
        } catch (Exception exception) {
            result = exception == last.exception ? last.outcome : exception.toString();
        }
        Row done = take("done");
        done.equal("the time", now, done.micros(1));
        done.equal("the result", result, done.get(10));
        done.equal("the fallback", last.asked, done.get(3));
        done.equal("the state", state(breaker), done.get(9));
    }

    void play() throws Exception {
        while (!peek().equals("end")) {
            Row row = take(peek());
            now = row.micros(1);
            var breaker = new CircuitBreaker(CircuitBreaker.forPayment().settings, () -> now * 1000);
            if (row.get(2).equals("breaker")) {
                breaker(breaker);
                continue;
            }
            boolean once = row.get(3).equals("once");
            var design = Retry.forPayment().settings;
            var settings = new Retry.Settings(
                    design.attempts(), design.attemptTimeout(), design.deadline(),
                    design.base(), design.cap(), !once, design.earned());
            var retry = new Retry(
                    settings, () -> now * 1000, pause -> now += pause.toNanos() / 1000, () -> jitter);
            var guarded = new GuardedCall(Bulkhead.forPayment(), retry, breaker);
            while (peek().equals("call")) {
                call(guarded, breaker);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        var rows = new java.util.ArrayList<Row>();
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            rows.add(new Row(rows.size(), line.split("\t")));
        }
        var replay = new Replay(rows);
        replay.next = 1;
        replay.play();
    }
}
