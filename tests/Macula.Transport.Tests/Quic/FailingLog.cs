using Microsoft.Extensions.Logging;

namespace Macula.Transport.Tests.Quic;

/// <summary>A log that throws at one kind of line, as a broken provider does.</summary>
internal sealed class FailingLog(int eventId) : ILoggerFactory, ILogger
{
    private int _failures;

    /// <summary>Whether it throws.</summary>
    public bool Fails { get; set; }

    /// <summary>How often it has thrown.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (Fails && id.Id == eventId)
        {
            Interlocked.Increment(ref _failures);
            throw new InvalidOperationException("The log is full.");
        }
    }

    public void Dispose()
    {
    }
}
