using System.Diagnostics;
using System.Text.Json;

namespace Macula.Cli.Tests.Support;

/// <summary>A process that runs <c>macula session</c>, whose lines a test writes and reads one by one.</summary>
internal sealed class SessionDriver(Process process) : IDisposable
{
    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => process.ExitCode;

    /// <summary>Writes requests, one a line.</summary>
    public async Task WriteAsync(params string[] lines)
    {
        foreach (var line in lines)
        {
            await process.StandardInput.WriteLineAsync(line);
        }

        await process.StandardInput.FlushAsync();
    }

    /// <summary>Writes bytes that need not be text.</summary>
    public async Task WriteAsync(params byte[][] parts)
    {
        foreach (var part in parts)
        {
            await process.StandardInput.BaseStream.WriteAsync(part);
        }

        await process.StandardInput.BaseStream.FlushAsync();
    }

    /// <summary>Ends its input.</summary>
    public void EndInput() => process.StandardInput.Close();

    /// <summary>Reads up to the first line that has a field.</summary>
    public async Task<JsonElement> ReadUntilAsync(string field)
    {
        while (await ReadAsync() is { } line)
        {
            if (line.TryGetProperty(field, out _))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"The session ended before a line with '{field}': {await process.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Reads what is left, and waits for its end.</summary>
    public async Task<JsonElement[]> ReadToEndAsync()
    {
        var lines = new List<JsonElement>();
        while (await ReadAsync() is { } line)
        {
            lines.Add(line);
        }

        await process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        return [.. lines];
    }

    /// <summary>What it wrote to standard error.</summary>
    public Task<string> ReadErrorAsync() => process.StandardError.ReadToEndAsync().WaitAsync(MaculaProgram.Patience);

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }

    private async Task<JsonElement?> ReadAsync()
    {
        if (await process.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience) is not { } line)
        {
            return null;
        }

        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
