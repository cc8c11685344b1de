using Microsoft.Extensions.Logging;

namespace Macula.Tests.Meshes;

/// <summary>A log that throws at a line of a connection that has come up to a node of some name: a fault in the middle of a realm's own work.</summary>
public sealed class FailingLog(LogRecorder log, string peerName) : ILoggerFactory, ILogger
{
    private const int ConnectionUp = 1001;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        log.Log(logLevel, eventId, state, exception, formatter);
        if (eventId.Id == ConnectionUp && formatter(state, exception).Contains($"({peerName})", StringComparison.Ordinal))
        {
            throw new InvalidOperationException("a fault that a test has planted");
        }
    }
}
