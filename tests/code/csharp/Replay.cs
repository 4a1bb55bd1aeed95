// Replays the table of decisions, line by line, with a clock that it moves.

using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

internal sealed class Replay
{
    private delegate Task Guard(Func<Task<int>> call, CancellationToken caller);

    private sealed class Fixed : Random
    {
        public double Next01;

        public override double NextDouble() => Next01;
    }

    private readonly string[] _lines;
    private int _at; // lines played
    private TimeSpan _now;

    public Replay(string[] lines)
    {
        _lines = lines;
    }

    private string[] Next() => _lines[_at++].Split(' ');

    private bool More => _at < _lines.Length && !_lines[_at].StartsWith("script");

    private void Equal<T>(string what, T got, T want)
    {
        if (got.Equals(want)) return;
        throw new InvalidOperationException(
            $"line {_at}, {_lines[_at - 1]}: {what}: got {got}, want {want}");
    }

    private static TimeSpan Micros(string word) => TimeSpan.FromTicks(long.Parse(word) * 10);

    public async Task Play()
    {
        while (_at < _lines.Length)
        {
            var kind = Next()[1];
            _now = TimeSpan.Zero;
            if (kind == "breaker")
            {
                var breaker = new CircuitBreaker(CircuitBreaker.ForPayment().Options, () => _now);
                await Calls((call, caller) => breaker.ExecuteAsync(
                    call, e => e is TimeoutException || e is OperationCanceledException, caller));
            }
            else if (kind == "bulkhead")
            {
                var bulkhead = new Bulkhead(4, TimeSpan.Zero);
                await Calls((call, caller) => bulkhead.ExecuteAsync(_ => call(), caller));
            }
            else
            {
                await LogicalCalls(kind == "retry");
            }
        }
    }

    /// Plays lines up to the end of the innermost call and returns how that ends.
    private async Task<string> Calls(Guard guard)
    {
        while (More)
        {
            var words = Next();
            _now = Micros(words[0]);
            if (words[1] == "end") return words[2];
            using (var caller = new CancellationTokenSource())
            {
                try
                {
                    await guard(async () =>
                    {
                        Equal("decision", "admitted", words[2]);
                        switch (await Calls(guard))
                        {
                            case "failed":
                                throw new TimeoutException();
                            case "rejected":
                                throw new ArgumentException("400");
                            case "cancelled":
                                caller.Cancel();
                                throw new OperationCanceledException();
                        }
                        return 0;
                    }, caller.Token);
                }
                catch (CircuitBreakerOpenException)
                {
                    Equal("decision", "refused", words[2]);
                }
                catch (BulkheadFullException)
                {
                    Equal("decision", "refused", words[2]);
                }
                catch (TimeoutException)
                {
                }
                catch (ArgumentException)
                {
                }
                catch (OperationCanceledException)
                {
                }
            }
        }
        return "ok";
    }

    private async Task LogicalCalls(bool idempotent)
    {
        var options = Retry.ForPayment().Options;
        options.Idempotent = idempotent;
        var random = new Fixed();
        var retry = new Retry(options, () => _now, (pause, caller) =>
        {
            _now += pause;
            return Task.CompletedTask;
        }, random);
        while (More)
        {
            _now = Micros(Next()[0]);
            var words = new string[0];
            var succeeded = true;
            try
            {
                await retry.ExecuteAsync<int>(timed =>
                {
                    words = Next();
                    random.Next01 = int.Parse(words[6]) / 100.0;
                    Equal("line", words[1], "attempt");
                    Equal("start", _now, Micros(words[0]));
                    _now += Micros(words[3]);
                    if (words[4] == "ok") return Task.FromResult(0);
                    throw new TimeoutException();
                }, exception => new Verdict(
                    words[4] == "refused" ? VerdictKind.NotProcessed
                        : words[4] == "unknown" ? VerdictKind.Unknown : VerdictKind.Final,
                    Micros(words[5])));
            }
            catch (TimeoutException)
            {
                succeeded = false;
            }
            var outcome = words[4];
            var done = Next();
            Equal("line", done[1], "done");
            Equal("outcome", outcome, done[2]);
            Equal("success", succeeded, outcome == "ok");
            Equal("end", _now, Micros(done[0]));
        }
    }
}
