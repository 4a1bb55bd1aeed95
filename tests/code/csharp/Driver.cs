// Exercises the three C# samples with a clock that the test moves.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading;
using System.Threading.Tasks;

internal static class Driver
{
    private static readonly Exception Failed = new TimeoutException("503");
    private static readonly List<double> Pauses = new List<double>();
    private static TimeSpan _now;

    private static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static void Pass(double milliseconds) => _now += Ms(milliseconds);

    private static void Check(bool fact, string what)
    {
        if (!fact) throw new InvalidOperationException(what);
    }

    private static void Equal<T>(T got, T want, string what) =>
        Check(EqualityComparer<T>.Default.Equals(got, want), $"{what}: got {got}, want {want}");

    private static void Same(IEnumerable<double> got, string what, params double[] want) =>
        Equal(string.Join(" ", got), string.Join(" ", want), what);

    private static async Task<TException> Throws<TException>(Func<Task> call) where TException : Exception
    {
        try
        {
            await call();
        }
        catch (TException exception)
        {
            return exception;
        }
        throw new InvalidOperationException("no " + typeof(TException).Name);
    }

    /// The breaker of the design, with the test's clock.
    private static CircuitBreaker Breaker()
    {
        var settings = CircuitBreaker.ForPayment().Settings;
        Equal(settings, new(0.5, Ms(10_000), 10, Ms(5000), 3, Ms(240)), "settings of the design");
        return new(settings, () => _now);
    }

    private static async Task<int> Calls(
        CircuitBreaker breaker, int n, Exception? result = null, CancellationToken token = default)
    {
        var admitted = 0;
        for (var i = 0; i < n; i++)
        {
            try
            {
                await breaker.ExecuteAsync(async () =>
                {
                    admitted++;
                    await Task.Yield();
                    if (result != null) throw result;
                    return 0;
                }, exception => exception is TimeoutException || exception is OperationCanceledException, token);
            }
            catch (CircuitBreakerOpenException refused)
            {
                Equal(refused.Message, "payment: circuit breaker open", "message");
            }
            catch (Exception exception)
            {
                Check(exception == result, "the call's own exception");
            }
        }
        return admitted;
    }

    private static async Task BreakerTripsProbesAndCloses()
    {
        var b = Breaker();
        var timedOut = new OperationCanceledException("timed out");
        var givenUp = new CancellationTokenSource();
        givenUp.Cancel();
        Equal(await Calls(b, 2), 2, "successes");
        Equal(await Calls(b, 3, new ArgumentException("400")), 3, "client errors");
        Equal(await Calls(b, 4, Failed), 4, "failures");
        Equal(await Calls(b, 1, timedOut), 1, "a timeout is a failure");
        Equal(await Calls(b, 3), 0, "open");
        Pass(4999);
        Equal(await Calls(b, 1), 0, "still open");
        Pass(1);
        Equal(await Calls(b, 5, timedOut, givenUp.Token), 5, "cancelled probes give their place back");
        Equal(await Calls(b, 2), 2, "two probes");
        Equal(await Calls(b, 2, Failed), 1, "a failed probe opens it again");
        Pass(5000);
        Equal(await Calls(b, 3), 3, "three probes close it");
        Equal(await Calls(b, 9, Failed), 9, "empty window");
        Equal(await Calls(b, 2, Failed), 1, "opens at ten");
    }

    private static async Task BreakerForgetsAndDropsLateResults()
    {
        var b = Breaker();
        await Calls(b, 9, Failed);
        Pass(10000);
        Equal(await Calls(b, 9, Failed), 9, "a window later the first nine are gone");

        var slow = Breaker();
        for (var i = 0; i < 10; i++)
        {
            var takes = 239 + i % 2;
            await slow.ExecuteAsync(() =>
            {
                Pass(takes);
                return Task.FromResult(0);
            }, exception => true);
        }
        Equal(await Calls(slow, 1), 0, "five of ten were slow");

        var late = Breaker();
        var own = await Throws<TimeoutException>(() => late.ExecuteAsync<int>(async () =>
        {
            await Calls(late, 10, Failed);
            Pass(5000);
            Equal(await Calls(late, 1), 1, "first probe");
            throw Failed;
        }, exception => true));
        Check(own == Failed, "own exception");
        Equal(await Calls(late, 2), 2, "a failure from before it opened does not count");
        Equal(await Calls(late, 5), 5, "closed");
    }

    private static async Task BreakerIsSharedByThreads()
    {
        var b = Breaker();
        await Calls(b, 10, Failed);
        Pass(5000);
        var admitted = 0;
        using (var barrier = new Barrier(16))
        {
            var threads = Enumerable.Range(0, 16).Select(_ => new Thread(() =>
            {
                try
                {
                    b.ExecuteAsync(() =>
                    {
                        Interlocked.Increment(ref admitted);
                        barrier.SignalAndWait();
                        return Task.FromResult(0);
                    }, exception => true).GetAwaiter().GetResult();
                }
                catch (CircuitBreakerOpenException)
                {
                    barrier.SignalAndWait();
                }
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
        }
        Equal(admitted, 3, "probes of 16 threads");
        Equal(await Calls(b, 9, Failed), 9, "they closed it");
    }

    /// While a result is recorded, no other is, and no call is admitted.
    private static void BreakerExcludesThreads()
    {
        foreach (var records in new[] { true, false })
        {
            var begun = new ManualResetEventSlim();
            var entered = new ManualResetEventSlim();
            var meanwhile = new ManualResetEventSlim();
            var ending = new ThreadLocal<bool>();
            var first = 0;
            var both = false;
            // Read before the call without the lock, and after it inside.
            var b = new CircuitBreaker(CircuitBreaker.ForPayment().Settings, () =>
            {
                if (ending.Value && Interlocked.Increment(ref first) == 1)
                {
                    entered.Set();
                    both = meanwhile.Wait(200);
                }
                else if (ending.Value)
                {
                    meanwhile.Set();
                }
                return TimeSpan.Zero;
            });
            var threads = Enumerable.Range(0, 2).Select(number => new Thread(() =>
            {
                if (number == 1 && !records) entered.Wait(5000);
                b.ExecuteAsync(() =>
                {
                    if (number == 0 && records) begun.Wait(5000);
                    if (number == 1)
                    {
                        (records ? begun : meanwhile).Set();
                        entered.Wait(5000);
                    }
                    ending.Value = true;
                    return Task.FromResult(0);
                }, exception => true).GetAwaiter().GetResult();
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
            Check(!both, records ? "two record at once" : "admitted meanwhile");
        }
    }

    private static Retry Retrying(bool idempotent = true)
    {
        var settings = Retry.ForPayment().Settings;
        Equal(settings, new(4, Ms(300), Ms(1000), Ms(50), Ms(150), true, 100), "settings of the design");
        return new(settings with { Idempotent = idempotent }, () => _now, (pause, token) =>
        {
            token.ThrowIfCancellationRequested();
            Pauses.Add(pause.TotalMilliseconds);
            _now += pause;
            return Task.CompletedTask;
        }, () => 1.0);
    }

    private static Retry WithoutPauses(RetrySettings settings) =>
        new(settings with { Base = TimeSpan.Zero }, () => _now, (pause, token) => Task.CompletedTask);

    private static async Task<int> Failing(Retry retry, double takes, VerdictKind kind, double after = 0)
    {
        var tries = 0;
        Pauses.Clear();
        var last = await Throws<TimeoutException>(() => retry.ExecuteAsync<int>(token =>
        {
            Check(!token.IsCancellationRequested, "a new token for each attempt");
            tries++;
            Pass(takes);
            throw Failed;
        }, exception => new Verdict(kind, Ms(after))));
        Check(last == Failed, "the last exception");
        return tries;
    }

    private static async Task RetryBehaves()
    {
        Equal(await Failing(Retrying(), 0, VerdictKind.Unknown), 4, "attempts");
        Same(Pauses, "pauses", 50, 100, 150);
        Equal(await Failing(Retrying(), 300, VerdictKind.Unknown), 3, "the deadline cuts");
        Equal(await Failing(Retrying(), 0, VerdictKind.Final), 1, "final");
        Equal(await Failing(Retrying(false), 0, VerdictKind.Unknown), 1, "may have been processed");
        Equal(await Failing(Retrying(false), 0, VerdictKind.NotProcessed), 4, "was not processed");
        Equal(await Failing(Retrying(), 0, VerdictKind.NotProcessed, 500), 2, "Retry-After");
        Same(Pauses, "Retry-After and jitter", 550);
        var ages = TimeSpan.MaxValue.TotalMilliseconds / 2;
        Equal(await Failing(Retrying(), 0, VerdictKind.NotProcessed, ages), 1, "a Retry-After of ages");
        var shared = Retrying();
        var retries = 0;
        for (var i = 0; i < 30; i++) retries += await Failing(shared, 0, VerdictKind.Unknown) - 1;
        Equal(retries, 12, "budget");

        // The design's own settings, in real time.
        var tries = 0;
        var watch = Stopwatch.StartNew();
        await Throws<OperationCanceledException>(() => Retry.ForPayment().ExecuteAsync<int>(async token =>
        {
            tries++;
            await Task.Delay(10000, token);
            return 0;
        }, exception => new Verdict(VerdictKind.Unknown)));
        var took = watch.ElapsedMilliseconds;
        Check(tries >= 3 && tries <= 4 && took > 890 && took < 1500, $"{tries} attempts in {took} ms");
        var third = 0;
        Equal(await Retry.ForPayment().ExecuteAsync(async token =>
        {
            await Task.Yield();
            if (++third < 3) throw Failed;
            return "ok";
        }, exception => new Verdict(VerdictKind.Unknown)), "ok", "third succeeds");

        // The caller gives up: during a pause, and during an attempt.
        foreach (var takes in new[] { 0, 10000 })
        {
            var source = new CancellationTokenSource(20);
            watch.Restart();
            await Throws<OperationCanceledException>(() => Retry.ForPayment().ExecuteAsync<int>(async token =>
            {
                await Task.Delay(takes, token);
                throw Failed;
            }, exception => new Verdict(VerdictKind.Unknown, Ms(500)), source.Token));
            Check(watch.ElapsedMilliseconds < 250, "given up after " + watch.ElapsedMilliseconds + " ms");
        }
    }

    private static async Task BulkheadBehaves()
    {
        var b = Bulkhead.ForPayment();
        var running = 0;
        var most = 0;
        var gate = new object();
        var results = Enumerable.Range(0, 12).Select(number => b.ExecuteAsync(async () =>
        {
            lock (gate) most = Math.Max(most, ++running);
            await Task.Delay(60);
            lock (gate) running--;
            if (number % 3 == 0) throw Failed;
            return 0;
        })).ToList();
        await Task.WhenAll(results.Select(result => result.ContinueWith(_ => { })));
        Equal(most, 4, "at a time");
        var refused = results.Count(result => result.Exception?.InnerException is BulkheadFullException);
        Equal(refused, 8, "four at a time, the others refused");

        var held = new TaskCompletionSource<int>();
        var four = Enumerable.Range(0, 4).Select(_ => b.ExecuteAsync(() => held.Task)).ToList();
        var watch = Stopwatch.StartNew();
        var full = await Throws<BulkheadFullException>(() => b.ExecuteAsync(() => Task.FromResult(0)));
        Equal(full.Message, "payment: bulkhead full", "message");
        Check(watch.ElapsedMilliseconds < 50, "refused at once");
        held.SetResult(1);
        await Task.WhenAll(four);
        Equal(await b.ExecuteAsync(() => Task.FromResult("ok")), "ok", "slots came back");
    }

    /// A fallback without an answer.
    private static Task<int> Same(Exception exception)
    {
        ExceptionDispatchInfo.Capture(exception).Throw();
        return Task.FromResult(0);
    }

    private static async Task TheFallbackAnswers()
    {
        var guarded = new GuardedCall(Bulkhead.ForPayment(), Retrying(), Breaker());
        Equal(await guarded.ExecuteAsync<string>(token => throw Failed, exception =>
        {
            Check(exception == Failed, "the call's own exception");
            return Task.FromResult("later");
        }), "later", "answered");
    }

    private static async Task FailuresInsideARetryOpenTheBreaker()
    {
        var guarded = new GuardedCall(Bulkhead.ForPayment(), Retrying(), Breaker());
        var made = 0;
        var refused = 0;
        for (var i = 0; i < 4; i++)
        {
            try
            {
                await guarded.ExecuteAsync<int>(token =>
                {
                    made++;
                    throw Failed;
                }, Same);
            }
            catch (CircuitBreakerOpenException)
            {
                refused++;
            }
            catch (TimeoutException)
            {
            }
        }
        Equal(made, 10, "ten failures open it");
        Equal(refused, 2, "an open breaker ends the retry");
        var reset = new System.Net.Sockets.SocketException(10054);
        Equal(await Attempts(reset), 4, "lost connection");
        Equal(await Attempts(new Exception("request", reset)), 4, "as HttpClient wraps it");
        Equal(await Attempts(new NullReferenceException()), 1, "a fault of our own");
    }

    private static async Task BudgetIsSharedByThreads()
    {
        var shared = WithoutPauses(Retry.ForPayment().Settings);
        var made = 0;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(async () =>
        {
            await Throws<TimeoutException>(() => shared.ExecuteAsync<int>(token =>
            {
                Interlocked.Increment(ref made);
                throw Failed;
            }, exception => new Verdict(VerdictKind.Unknown)));
        })));
        var retries = made - 40; // ten in hand and 40 × 0.1
        Check(retries >= 10 && retries <= 14, $"{retries} retries of 40 threads");
    }

    /// What a call earns is spent once, by whomever.
    private static void BudgetIsKeptByThreads()
    {
        var settings = Retry.ForPayment().Settings with { Earned = 1000, Attempts = int.MaxValue };
        var shared = WithoutPauses(settings);
        var made = 0;
        var lost = Task.FromException<int>(Failed);
        Action call = () =>
        {
            var done = shared.ExecuteAsync(token =>
            {
                Interlocked.Increment(ref made);
                return lost;
            }, exception => new Verdict(VerdictKind.Unknown));
            Check(done.IsFaulted, "the call fails");
        };
        call();
        Equal(made, 11, "what is there at first");
        made = 0;
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 2000; i++) call();
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Equal(made, 2 * 8 * 2000, "attempts of calls that earn a retry each");
    }

    private static async Task<int> Attempts(Exception fault)
    {
        var made = 0;
        try
        {
            await new GuardedCall(Bulkhead.ForPayment(), Retrying(), Breaker()).ExecuteAsync<int>(token =>
            {
                made++;
                throw fault;
            }, Same);
        }
        catch (Exception exception)
        {
            Check(exception == fault, "the call's own exception");
        }
        return made;
    }

    /// Calls on all threads that share a budget and a bulkhead.
    private static async Task SharedByThreads()
    {
        var retry = WithoutPauses(Retry.ForPayment().Settings);
        var bulkhead = new Bulkhead(16);
        var retries = 0;
        var running = 0;
        var most = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
            {
                var tries = 0;
                await Throws<TimeoutException>(() => retry.ExecuteAsync<int>(async token =>
                {
                    tries++;
                    await Task.Yield();
                    throw Failed;
                }, exception => new Verdict(VerdictKind.Unknown)));
                Interlocked.Add(ref retries, tries - 1);
                await bulkhead.ExecuteAsync(async () =>
                {
                    var now = Interlocked.Increment(ref running);
                    int seen;
                    while (now > (seen = Volatile.Read(ref most)))
                    {
                        Interlocked.CompareExchange(ref most, now, seen);
                    }
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    return 0;
                });
            }
        })));
        // Ten at first, and a tenth for each of 400 calls, but for what did not fit above ten.
        Check(retries >= 39 && retries <= 50, retries + " retries");
        Check(most >= 1 && most <= 16, most + " at a time");
    }

    private static async Task Run()
    {
        await TheFallbackAnswers();
        await FailuresInsideARetryOpenTheBreaker();
        await BreakerTripsProbesAndCloses();
        await BreakerForgetsAndDropsLateResults();
        await BreakerIsSharedByThreads();
        BreakerExcludesThreads();
        BudgetIsKeptByThreads();
        await RetryBehaves();
        await BudgetIsSharedByThreads();
        await SharedByThreads();
        await BulkheadBehaves();
    }

    public static int Main(string[] arguments)
    {
        var run = arguments.Length == 0
            ? Run()
            : new Replay(System.IO.File.ReadAllLines(arguments[0])).Play();
        run.GetAwaiter().GetResult();
        return 0;
    }
}
