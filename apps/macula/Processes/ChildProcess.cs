using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Macula.Cli.Processes;

/// <summary>Another process of this program, started with <c>--json</c>: what it says is read line by line, and it ends at the latest with this object.</summary>
/// <remarks>Its standard input is a pipe that ends with this process, however that ends; commands with <c>--until-eof</c>, and sessions, then end as well.</remarks>
public sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>Most lines of its output and of its log that are kept to be shown.</summary>
    public const int KeptLines = 40;

    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly Lock _writing = new();
    private readonly Queue<string> _lines = new();
    private readonly Dictionary<string, TaskCompletionSource<JsonElement>> _events = new(StringComparer.Ordinal);
    private readonly List<(string[] Words, TaskCompletionSource<string> Found)> _awaitedLines = [];
    private readonly Action<JsonElement> _received;
    private readonly Task _reading;

    private ChildProcess(string name, Process process, Action<JsonElement> received)
    {
        Name = name;
        _process = process;
        _received = received;
        _reading = Task.WhenAll(ReadOutputAsync(), ReadLogAsync());
        Ended = WaitForEndAsync();
    }

    /// <summary>What it is called where it is spoken of.</summary>
    public string Name { get; }

    /// <summary>Its number in the system.</summary>
    public int Id => _process.Id;

    /// <summary>Completes with its exit code when it has ended and everything that it said was read.</summary>
    public Task<int> Ended { get; }

    /// <summary>True once somebody here asked it to end, so that its end is no fault.</summary>
    public bool IsToldToEnd { get; private set; }

    /// <summary>The last lines that it wrote, log and output, the oldest first.</summary>
    public IReadOnlyList<string> LastLines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Starts a process.</summary>
    /// <param name="program">How to start it, mostly <see cref="ProgramPath.Own"/>.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="received">Gets each object of output that tells of no event, one after the other; what it throws is thrown by <see cref="Ended"/>. Null when nobody wants them.</param>
    /// <exception cref="CommandFailure">The system does not start it.</exception>
    public static ChildProcess Start(ProgramPath program, string name, IEnumerable<string> arguments, Action<JsonElement>? received = null)
    {
        var start = program.Describe(arguments);

        // A runtime that is killed leaves the pipes for its debugger behind, in the directory of temporary files; without a debugger it makes none.
        start.Environment.TryAdd("DOTNET_EnableDiagnostics", "0");
        try
        {
            return new ChildProcess(name, Process.Start(start)!, received ?? (static _ => { }));
        }
        catch (Win32Exception exception)
        {
            throw new CommandFailure(ExitCode.Failure, $"The process '{name}' did not start: {exception.Message}");
        }
    }

    /// <summary>The first line of output that tells of an event.</summary>
    /// <param name="name">What the line has in its field <c>event</c>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="EndOfStreamException">It ended without telling of it.</exception>
    public Task<JsonElement> WaitForEventAsync(string name, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return SourceOf(name).Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A line of its log that holds all of some words: one that is kept, or the next that comes.</summary>
    /// <exception cref="EndOfStreamException">It ended without writing one.</exception>
    public Task<string> WaitForLogAsync(string[] words, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_lines.FirstOrDefault(line => HoldsAll(line, words)) is { } kept)
            {
                return Task.FromResult(kept);
            }

            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaitedLines.Add((words, found));
            return found.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Writes a line to its standard input; blocks while nobody reads there. May be called from any thread.</summary>
    /// <exception cref="IOException">It has ended.</exception>
    public void WriteLine(string line)
    {
        lock (_writing)
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
    }

    /// <summary>Ends it without a word (SIGKILL), and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        IsToldToEnd = true;
        _process.Kill();
        await Ended;
    }

    /// <summary>Ends its input, gives it a moment to leave in good order, and kills it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        IsToldToEnd = true;
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended with a line half read.
        }

        if (await Task.WhenAny(Ended, Task.Delay(TimeToStop)) != Ended)
        {
            _process.Kill();
        }

        try
        {
            await Ended;
        }
        finally
        {
            _process.Dispose();
        }
    }

    private static bool HoldsAll(string line, string[] words) => words.All(word => line.Contains(word, StringComparison.Ordinal));

    private async Task<int> WaitForEndAsync()
    {
        await _process.WaitForExitAsync();
        await _reading;
        lock (_gate)
        {
            foreach (var source in _events.Values)
            {
                source.TrySetException(new EndOfStreamException($"The process '{Name}' has ended."));
            }

            foreach (var (words, found) in _awaitedLines)
            {
                found.TrySetException(new EndOfStreamException($"The process '{Name}' has ended without a line about {string.Join(" and ", words)}."));
            }
        }

        return _process.ExitCode;
    }

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            Keep(line);
            try
            {
                using var document = JsonDocument.Parse(line);
                Take(document.RootElement.Clone());
            }
            catch (JsonException)
            {
                // Not meant for this reader; it is kept to be shown.
            }
        }
    }

    private void Take(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (line.TryGetProperty("event", out var name) && name.ValueKind == JsonValueKind.String)
        {
            lock (_gate)
            {
                SourceOf(name.GetString()!).TrySetResult(line);
            }
        }
        else
        {
            _received(line);
        }
    }

    private async Task ReadLogAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            Keep(line);
        }
    }

    private void Keep(string line)
    {
        lock (_gate)
        {
            if (_lines.Count == KeptLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
            foreach (var awaited in _awaitedLines.Where(awaited => HoldsAll(line, awaited.Words)).ToArray())
            {
                _awaitedLines.Remove(awaited);
                awaited.Found.TrySetResult(line);
            }
        }
    }

    private TaskCompletionSource<JsonElement> SourceOf(string name)
    {
        if (!_events.TryGetValue(name, out var source))
        {
            source = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
            _events.Add(name, source);
        }

        return source;
    }
}
