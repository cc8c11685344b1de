using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Macula.Cli.Tests.Support;

/// <summary>A process that runs <c>macula serve</c> or another command that goes on until it is told to stop.</summary>
internal sealed class ServingNode : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly SemaphoreSlim _logGrew = new(0);

    public ServingNode(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            _log.Enqueue(line.Data ?? "");
            _logGrew.Release();
        };
        process.BeginErrorReadLine();
    }

    /// <summary>What it announced when it began to serve.</summary>
    public JsonElement Announcement { get; private set; }

    /// <summary>Where it listens, as host:port.</summary>
    public string Address => Announcement.GetProperty("address").GetString()!;

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Waits for the first line of its output.</summary>
    public async Task WaitUntilServingAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience);
        Assert.True(line is not null, $"The node ended before it served:\n{string.Join('\n', _log)}");
        using var document = JsonDocument.Parse(line);
        Announcement = document.RootElement.Clone();
    }

    /// <summary>Waits for a line of its output that tells of an event.</summary>
    public async Task<JsonElement> WaitForEventAsync(string name)
    {
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience) is { } line)
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.TryGetProperty("event", out var found) && found.GetString() == name)
            {
                return document.RootElement.Clone();
            }
        }

        throw new InvalidOperationException($"The node ended before it told of '{name}':\n{string.Join('\n', _log)}");
    }

    /// <summary>Reads what it still prints, and waits for its end.</summary>
    public async Task<JsonElement[]> ReadToEndAsync()
    {
        var lines = new List<JsonElement>();
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience) is { } line)
        {
            using var document = JsonDocument.Parse(line);
            lines.Add(document.RootElement.Clone());
        }

        await _process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        return [.. lines];
    }

    /// <summary>Ends its standard input, and waits for its end.</summary>
    public async Task EndInputAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
    }

    /// <summary>Waits for a line of its log that holds all of some words.</summary>
    public async Task WaitForLogAsync(params string[] words)
    {
        while (!_log.Any(line => words.All(word => line.Contains(word, StringComparison.Ordinal))))
        {
            Assert.True(await _logGrew.WaitAsync(MaculaProgram.Patience), $"No line holds {string.Join(" and ", words)}:\n{string.Join('\n', _log)}");
        }
    }

    /// <summary>Asks it to stop, as a service manager does, and waits for its end.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> TerminateAsync()
    {
        var clock = Stopwatch.StartNew();
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        return clock.Elapsed;
    }

    /// <summary>Ends it without a word (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
        _logGrew.Dispose();
    }
}
