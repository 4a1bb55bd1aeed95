// Stands in for the published interface of Polly 8, as far as guards use it.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Polly
{
    public readonly struct Outcome<TResult>
    {
        public Exception? Exception => null;
    }

    public sealed class ResilienceContext
    {
        public CancellationToken CancellationToken => default;
    }

    public sealed class ResiliencePipeline { }

    public abstract class ResiliencePipelineBuilderBase { }

    public sealed class ResiliencePipelineBuilder : ResiliencePipelineBuilderBase
    {
        public ResiliencePipeline Build() => new();
    }

    public static class TimeoutResiliencePipelineBuilderExtensions
    {
        public static TBuilder AddTimeout<TBuilder>(this TBuilder builder, TimeSpan timeout)
            where TBuilder : ResiliencePipelineBuilderBase => builder;
    }

    public static class RateLimiterResiliencePipelineBuilderExtensions
    {
        public static TBuilder AddConcurrencyLimiter<TBuilder>(
            this TBuilder builder, int permitLimit, int queueLimit = 0)
            where TBuilder : ResiliencePipelineBuilderBase => builder;
    }

    public static class RetryResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddRetry(
            this ResiliencePipelineBuilder builder, Retry.RetryStrategyOptions options) => builder;
    }

    public static class CircuitBreakerResiliencePipelineBuilderExtensions
    {
        public static ResiliencePipelineBuilder AddCircuitBreaker(
            this ResiliencePipelineBuilder builder,
            CircuitBreaker.CircuitBreakerStrategyOptions options) => builder;
    }

    public abstract class ExecutionRejectedException : Exception { }
}

namespace Polly.Timeout
{
    public class TimeoutRejectedException : ExecutionRejectedException { }
}

namespace Polly.Retry
{
    public readonly struct RetryPredicateArguments<TResult>
    {
        public Outcome<TResult> Outcome => default;
        public ResilienceContext Context => new();
        public int AttemptNumber => 0;
    }

    public readonly struct RetryDelayGeneratorArguments<TResult>
    {
        public Outcome<TResult> Outcome => default;
        public ResilienceContext Context => new();
        public int AttemptNumber => 0;
    }

    public class RetryStrategyOptions<TResult>
    {
        public int MaxRetryAttempts { get; set; }
        public Func<RetryPredicateArguments<TResult>, ValueTask<bool>> ShouldHandle { get; set; } =
            _ => default;
        public Func<RetryDelayGeneratorArguments<TResult>, ValueTask<TimeSpan?>>? DelayGenerator { get; set; }
    }

    public class RetryStrategyOptions : RetryStrategyOptions<object> { }
}

namespace Polly.CircuitBreaker
{
    public class BrokenCircuitException : ExecutionRejectedException { }

    public readonly struct CircuitBreakerPredicateArguments<TResult>
    {
        public Outcome<TResult> Outcome => default;
        public ResilienceContext Context => new();
    }

    public class CircuitBreakerStrategyOptions<TResult>
    {
        public double FailureRatio { get; set; }
        public int MinimumThroughput { get; set; }
        public TimeSpan SamplingDuration { get; set; }
        public TimeSpan BreakDuration { get; set; }
        public Func<CircuitBreakerPredicateArguments<TResult>, ValueTask<bool>> ShouldHandle { get; set; } =
            _ => default;
    }

    public class CircuitBreakerStrategyOptions : CircuitBreakerStrategyOptions<object> { }
}
