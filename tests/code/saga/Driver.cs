using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace trips
{
    /// <summary>Fails the command with an error, so many times, and refuses another.</summary>
    internal sealed class Script : IBookATripActivities
    {
        public readonly CancellationTokenSource Caller = new CancellationTokenSource();
        public readonly List<string> Done = new List<string>();
        public int Tries;
        private readonly Dictionary<string, string> _keys = new Dictionary<string, string>();
        private readonly string _error, _command, _refusing;
        private readonly int _times;

        public Script(string error, string command, int times, string refusing)
        {
            _error = error;
            _command = command;
            _times = times;
            _refusing = refusing;
        }

        private async Task Act(string name, string key, CancellationToken token)
        {
            if (_keys.ContainsKey(key) && _keys[key] != name) Environment.FailFast(key);
            _keys[key] = name;
            if (Done.Count == 0 || Done[Done.Count - 1] != name) Done.Add(name);
            var fails = name == _command && ++Tries <= _times;
            if (name == _refusing) throw new BookATripWorkflow.RefusedException(name);
            if (!fails) return;
            switch (_error)
            {
                case "refused": throw new BookATripWorkflow.RefusedException(name);
                case "unavailable": throw new IOException("connection");
                case "timeout": throw new TimeoutException();
                case "cancelled":
                    Caller.Cancel();
                    break;
            }
            await Task.Delay(60000, token);
        }

        public Task CreateTripAsync(string key, CancellationToken token) => Act("createTrip", key, token);
        public Task CancelTripAsync(string key, CancellationToken token) => Act("cancelTrip", key, token);
        public Task CheckRiderAsync(string key, CancellationToken token) => Act("checkRider", key, token);
        public Task LockFareAsync(string key, CancellationToken token) => Act("lockFare", key, token);
        public Task ReleaseFareAsync(string key, CancellationToken token) => Act("releaseFare", key, token);
        public Task LogEntryAsync(string key, CancellationToken token) => Act("logEntry", key, token);
        public Task AssignDriverAsync(string key, CancellationToken token) => Act("assignDriver", key, token);
        public Task ConfirmTripAsync(string key, CancellationToken token) => Act("confirmTrip", key, token);
    }

    /// <summary>Runs the workflow with every activity failing in turn, and prints what it did.</summary>
    internal static class Driver
    {
        private static Task NoDelay(TimeSpan pause, CancellationToken token)
        {
            if (pause < TimeSpan.Zero || pause.TotalSeconds > 100) Environment.FailFast("pause");
            return Task.CompletedTask;
        }

        private static async Task Run(string error, string command, int times, string refusing)
        {
            var script = new Script(error, command, times, refusing);
            var workflow = new BookATripWorkflow(script, NoDelay);
            var end = "done";
            var clock = Stopwatch.StartNew();
            try
            {
                await workflow.RunAsync("trip-1", script.Caller.Token);
            }
            catch (BookATripWorkflow.SagaException stopped)
            {
                end = stopped.End.ToString();
            }
            catch (OperationCanceledException)
            {
                end = "stopped";
            }
            var seconds = clock.Elapsed.TotalSeconds;
            if (seconds > 5 || error == "slow" && seconds < 0.9) throw new Exception(error + " took " + seconds);
            Console.WriteLine(
                $"{error} {command} {times} > {string.Join(" ", script.Done)} {end} {script.Tries}");
        }

        private static async Task All()
        {
            var commands = new[]
            {
                "createTrip", "checkRider", "lockFare", "logEntry",
                "assignDriver", "confirmTrip", "cancelTrip", "releaseFare",
            };
            foreach (var error in new[] { "refused", "unavailable", "timeout" })
            {
                foreach (var command in commands)
                {
                    await Run(error, command, 3, "");
                    await Run(error, command, 1000, "assignDriver");
                }
            }
            await Run("slow", "lockFare", 1, "");
            await Run("cancelled", "lockFare", 1, "");
            await Run("cancelled", "assignDriver", 1, "");
            await Run("cancelled", "confirmTrip", 1, "");
        }

        private static void Main()
        {
            All().GetAwaiter().GetResult();
        }
    }
}
