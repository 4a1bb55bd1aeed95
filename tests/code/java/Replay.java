// Replays the table of decisions, line by line, with a clock that it moves.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;

final class Replay {
    interface Guard {
        void call(Callable<Void> call) throws Exception;
    }

    private final List<String> lines;
    private int at; // lines played
    private long now; // microseconds

    private Replay(List<String> lines) {
        this.lines = lines;
    }

    private String[] next() {
        return lines.get(at++).split(" ");
    }

    private boolean more() {
        return at < lines.size() && !lines.get(at).startsWith("script");
    }

    private void equal(String what, Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError("line " + at + ", " + lines.get(at - 1) + ": "
                    + what + ": got " + got + ", want " + want);
        }
    }

    private static Duration micros(String word) {
        return Duration.ofNanos(Long.parseLong(word) * 1000);
    }

    private void play() throws Exception {
        while (at < lines.size()) {
            String kind = next()[1];
            now = 0;
            switch (kind) {
                case "breaker" -> {
                    var breaker = new CircuitBreaker(
                            CircuitBreaker.forPayment().settings(), () -> now * 1000);
                    calls(call -> breaker.call(call, e -> e instanceof IOException));
                }
                case "bulkhead" -> calls(new Bulkhead(4, Duration.ZERO)::call);
                default -> logicalCalls(kind.equals("retry"));
            }
        }
    }

    /** Plays lines up to the end of the innermost call and returns how that ends. */
    private String calls(Guard guard) throws Exception {
        while (more()) {
            String[] words = next();
            now = Long.parseLong(words[0]);
            if (words[1].equals("end")) {
                return words[2];
            }
            try {
                guard.call(() -> {
                    equal("decision", "admitted", words[2]);
                    switch (calls(guard)) {
                        case "failed" -> throw new IOException("503");
                        case "rejected" -> throw new IllegalArgumentException("400");
                        case "cancelled" -> throw new CancellationException();
                        default -> { }
                    }
                    return null;
                });
            } catch (RejectedExecutionException refused) {
                equal("decision", "refused", words[2]);
            } catch (IOException | IllegalArgumentException | CancellationException expected) {
                continue;
            }
        }
        return "ok";
    }

    private void logicalCalls(boolean idempotent) throws Exception {
        var s = Retry.forPayment().settings();
        var settings = new Retry.Settings(s.attempts(), s.attemptTimeout(), s.deadline(),
                s.base(), s.cap(), idempotent, s.earned());
        var attempt = new String[][] {{}};
        var retry = new Retry(
                settings,
                () -> now * 1000,
                pause -> now += pause.toNanos() / 1000,
                () -> Integer.parseInt(attempt[0][6]) / 100.0);
        while (more()) {
            now = Long.parseLong(next()[0]);
            boolean succeeded = true;
            try {
                retry.call(timeout -> {
                    String[] words = next();
                    attempt[0] = words;
                    equal("line", words[1], "attempt");
                    equal("start", now, Long.parseLong(words[0]));
                    equal("timeout", timeout, micros(words[2]));
                    now += Long.parseLong(words[3]);
                    if (!words[4].equals("ok")) {
                        throw new IOException();
                    }
                    return null;
                }, exception -> new Retry.Verdict(
                        switch (attempt[0][4]) {
                            case "refused" -> Retry.Verdict.Kind.NOT_PROCESSED;
                            case "unknown" -> Retry.Verdict.Kind.UNKNOWN;
                            default -> Retry.Verdict.Kind.FINAL;
                        },
                        micros(attempt[0][5])));
            } catch (IOException failed) {
                succeeded = false;
            }
            String outcome = attempt[0][4];
            String[] done = next();
            equal("line", done[1], "done");
            equal("outcome", outcome, done[2]);
            equal("success", succeeded, outcome.equals("ok"));
            equal("end", now, Long.parseLong(done[0]));
        }
    }

    public static void main(String[] arguments) throws Exception {
        new Replay(Files.readAllLines(Path.of(arguments[0]))).play();
    }
}
