// Replays the trace table of the reference state machine; throws at the first row that differs. What an
// attempt is given cannot be seen: its token is cancelled by the runtime's own timer.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Threading;
using System.Threading.Tasks;

internal sealed class Replay
{
    private sealed class Row
    {
        private readonly string[] _columns;

        public Row(string line, int number)
        {
            _columns = line.Split('\t');
            Number = number;
        }

        public int Number { get; }

        public string this[int column] => _columns[column];

        public TimeSpan Time(int column) =>
            this[column] == "-" ? TimeSpan.Zero : TimeSpan.FromTicks(long.Parse(this[column]) * 10);

        public void Equal(string what, object? got, object? want)
        {
            if (!Equals(got, want))
            {
                throw new InvalidOperationException($"row {Number}: {what} is {got}, the table says {want}");
            }
        }

        /// The exception of an outcome as a client would throw it; null if it is none.
        public Exception? Thrown(CancellationTokenSource caller)
        {
            switch (this[4])
            {
                case "ok": return null;
                case "invalid": return Reply(VerdictKind.Final);
                case "refused": return Reply(VerdictKind.NotProcessed);
                case "broken": return Reply(VerdictKind.Broken);
                case "unavailable": return Reply(VerdictKind.Unknown);
                case "unsent": return Wrapped(new SocketException((int)SocketError.ConnectionRefused));
                case "lost":
                    return Number % 2 == 0
                        ? Wrapped(new SocketException((int)SocketError.ConnectionReset))
                        : new IOException("lost");
                case "timeout":
                    return Number % 2 == 0 ? new TimeoutException() : (Exception)new TaskCanceledException();
                case "cancelled":
                    caller.Cancel();
                    return new OperationCanceledException(caller.Token);
            }
            return new ArgumentException("fault");
        }

        // As HttpClient does.
        private static Exception Wrapped(Exception cause) => new ApplicationException("sending", cause);

        private Exception Reply(VerdictKind kind) => new ReplyException(this[4], new Verdict(kind, Time(5)));
    }

    private sealed class UnderWay
    {
        public readonly CancellationTokenSource Caller = new CancellationTokenSource();
        public readonly TaskCompletionSource<int> End = new TaskCompletionSource<int>();
        public Task Task = Task.CompletedTask;
    }

    private readonly List<Row> _rows;
    private double _jitter; // quarters
    private int _next = 1;
    private TimeSpan _now;

    public Replay(IEnumerable<string> lines)
    {
        _rows = lines.Select((line, number) => new Row(line, number)).ToList();
    }

    private string Peek => _next < _rows.Count ? _rows[_next][2] : "end";

    private Row Take(string op)
    {
        var row = _rows[_next++];
        row.Equal("what comes next", op, row[2]);
        return row;
    }

    private static string Shown(CircuitBreaker breaker)
    {
        switch (breaker.State)
        {
            case CircuitState.Closed: return "closed";
            case CircuitState.Open: return "open";
            default: return "half-open";
        }
    }

    private async Task Play(CircuitBreaker breaker)
    {
        var calls = new Dictionary<string, UnderWay>();
        while (Peek == "begin" || Peek == "end")
        {
            var row = Take(Peek);
            _now = row.Time(1);
            row.Equal("the state before", Shown(breaker), row[8]);
            if (row[2] == "begin")
            {
                var call = calls[row[3]] = new UnderWay();
                var decision = "refused";
                call.Task = breaker.ExecuteAsync(
                    () =>
                    {
                        decision = "admitted";
                        return call.End.Task;
                    },
                    exception => !new[] { "invalid", "refused", "fault" }.Contains(exception.Message),
                    call.Caller.Token);
                row.Equal("the decision", decision, row[10]);
            }
            else
            {
                var call = calls[row[3]];
                var exception = row.Thrown(call.Caller);
                if (exception == null) call.End.SetResult(0);
                else call.End.SetException(exception);
                await call.Task.ContinueWith(_ => { });
            }
            row.Equal("the state", Shown(breaker), row[9]);
        }
    }

    private async Task Call(GuardedCall guarded, CircuitBreaker breaker)
    {
        var start = Take("call");
        _now = start.Time(1);
        start.Equal("the state before", Shown(breaker), start[8]);
        var caller = new CancellationTokenSource();
        Exception? last = null;
        var result = "";
        var asked = "-";
        try
        {
            await guarded.ExecuteAsync(
                async token =>
                {
                    var row = Take("attempt");
                    row.Equal("the time", _now, row.Time(1));
                    row.Equal("the state", Shown(breaker), row[9]);
                    while (Peek == "call") await Call(guarded, breaker);
                    row = Take("reply");
                    _now = row.Time(1);
                    _jitter = double.Parse(row[6]);
                    result = row[4];
                    last = row.Thrown(caller);
                    if (last != null) throw last;
                    return 0;
                },
                exception =>
                {
                    asked = "asked";
                    ExceptionDispatchInfo.Capture(exception).Throw();
                    return Task.FromResult(0);
                },
                caller.Token);
        }
        catch (CircuitBreakerOpenException)
        {
            result = "breaker-open";
        }
        catch (BulkheadFullException)
        {
            result = "bulkhead-full";
        }
        catch (Exception exception) when (exception == last)
        {
        }
        var done = Take("done");
        done.Equal("the time", _now, done.Time(1));
        done.Equal("the result", result, done[10]);
        done.Equal("the fallback", asked, done[3]);
        done.Equal("the state", Shown(breaker), done[9]);
    }

    public async Task Play()
    {
        while (Peek != "end")
        {
            var row = Take(Peek);
            _now = row.Time(1);
            var breaker = new CircuitBreaker(CircuitBreaker.ForPayment().Settings, () => _now);
            if (row[2] == "breaker")
            {
                await Play(breaker);
                continue;
            }
            var settings = Retry.ForPayment().Settings with { Idempotent = row[3] == "orders" };
            var retry = new Retry(settings, () => _now, (pause, token) =>
            {
                _now += pause;
                return Task.CompletedTask;
            }, () => _jitter / 4);
            var guarded = new GuardedCall(Bulkhead.ForPayment(), retry, breaker);
            while (Peek == "call") await Call(guarded, breaker);
        }
    }
}
