using Macula.Testing.Network;
using Microsoft.Extensions.Logging;

namespace Macula.Testing.Simulation;

/// <summary>Reads what one node logs: an error, a task left behind or another node that breaks the protocol is something that broke.</summary>
internal sealed class SimulationLog(SimulationHistory history, SimulatedNetwork network, string node) : ILoggerFactory, ILogger
{
    // As long as no stream was corrupted, everybody who speaks keeps the protocol; what a corrupted one leads to is counted.
    private const int ProtocolViolated = 1004;

    // Logged as a warning, since in production a handler of the application's may be the cause; here none is.
    private const int WorkLeftBehind = 1008;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error || eventId.Id == WorkLeftBehind || (eventId.Id == ProtocolViolated && network.StreamsCorrupted == 0))
        {
            history.Add(new Observation.Broke(history.Now, node, exception is null ? formatter(state, exception) : $"{formatter(state, exception)} ({Describe(exception)})"));
        }
        else if (eventId.Id == ProtocolViolated)
        {
            history.Count("protocol violated");
        }
    }

    /// <summary>An exception and the place that threw it, in one line.</summary>
    public static string Describe(Exception exception)
    {
        var inmost = exception.GetBaseException();
        var place = inmost.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("at Macula.", StringComparison.Ordinal) && !line.Contains("Completion`1", StringComparison.Ordinal));
        return $"{inmost.GetType().Name}: {inmost.Message.Split('\n')[0]} {place?.Trim()}";
    }
}
