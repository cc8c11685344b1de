using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Macula.Tests.Meshes;

/// <summary>Keeps what nodes log, so that a test can ask for it.</summary>
public sealed class LogRecorder : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(EventId Event, LogLevel Level, string Message)> _lines = new();

    /// <summary>Everything logged so far, in order.</summary>
    public IReadOnlyCollection<(EventId Event, LogLevel Level, string Message)> Lines => _lines;

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

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId, logLevel, formatter(state, exception)));
}
