// Stands in for the published interface of Polly 8, as far as guards use it.
using System;
using System.Threading.Tasks;

namespace Polly
{
    public struct Outcome<TResult>
    {
        public Exception Exception { get { return null; } }
    }

    public sealed class ResiliencePipeline { }

    public class ResiliencePipelineBuilder
    {
        public ResiliencePipeline Build() { return new ResiliencePipeline(); }
    }

    public static class TimeoutResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddTimeout(this ResiliencePipelineBuilder builder, TimeSpan timeout) { return builder; }
    }

    public static class RateLimiterResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddConcurrencyLimiter(this ResiliencePipelineBuilder builder, int permitLimit, int queueLimit = 0) { return builder; }
    }

    public static class RetryResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddRetry(this ResiliencePipelineBuilder builder, Retry.RetryStrategyOptions options) { return builder; }
    }

    public static class CircuitBreakerResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddCircuitBreaker(this ResiliencePipelineBuilder builder, CircuitBreaker.CircuitBreakerStrategyOptions options) { return builder; }
    }

    public class ExecutionRejectedException : Exception { }
}

namespace Polly.Timeout
{
    public class TimeoutRejectedException : ExecutionRejectedException { }
}

namespace Polly.Retry
{
    public struct RetryPredicateArguments<TResult>
    {
        public Outcome<TResult> Outcome { get { return default(Outcome<TResult>); } }
        public int AttemptNumber { get { return 0; } }
    }

    public struct RetryDelayGeneratorArguments<TResult>
    {
        public Outcome<TResult> Outcome { get { return default(Outcome<TResult>); } }
        public int AttemptNumber { get { return 0; } }
    }

    public class RetryStrategyOptions<TResult>
    {
        public int MaxRetryAttempts { get; set; }
        public Func<RetryPredicateArguments<TResult>, ValueTask<bool>> ShouldHandle { get; set; }
        public Func<RetryDelayGeneratorArguments<TResult>, ValueTask<TimeSpan?>> DelayGenerator { get; set; }
    }

    public class RetryStrategyOptions : RetryStrategyOptions<object> { }
}

namespace Polly.CircuitBreaker
{
    public class BrokenCircuitException : ExecutionRejectedException { }

    public struct CircuitBreakerPredicateArguments<TResult>
    {
        public Outcome<TResult> Outcome { get { return default(Outcome<TResult>); } }
    }

    public class CircuitBreakerStrategyOptions<TResult>
    {
        public double FailureRatio { get; set; }
        public int MinimumThroughput { get; set; }
        public TimeSpan SamplingDuration { get; set; }
        public TimeSpan BreakDuration { get; set; }
        public Func<CircuitBreakerPredicateArguments<TResult>, ValueTask<bool>> ShouldHandle { get; set; }
    }

    public class CircuitBreakerStrategyOptions : CircuitBreakerStrategyOptions<object> { }
}
