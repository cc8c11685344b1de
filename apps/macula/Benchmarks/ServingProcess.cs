using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Macula.Cli.Benchmarks;

/// <summary>Another process of this program that runs <c>macula serve</c>.</summary>
internal sealed class ServingProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private ServingProcess(Process process, IPEndPoint address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Starts the process and waits until it serves.</summary>
    /// <param name="nodeDirectory">The node that it is to be.</param>
    /// <param name="cancellationToken">Gives up and stops it.</param>
    /// <exception cref="CommandFailure">It did not come up.</exception>
    public static async Task<ServingProcess> StartAsync(string nodeDirectory, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };

        // Started as `dotnet macula.dll`, the process path is dotnet itself and needs to be told what to run.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ServingProcess).Assembly.Location);
        }

        foreach (var argument in new[] { "serve", "--as", nodeDirectory, "--listen", "127.0.0.1:0", "--json" })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start) ?? throw new CommandFailure(ExitCode.Failure, "The serving process did not start.");
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(StartTimeout);
            var line = await process.StandardOutput.ReadLineAsync(patience.Token)
                ?? throw new CommandFailure(ExitCode.Failure, "The serving process ended before it served.");
            using var announced = JsonDocument.Parse(line);
            return announced.RootElement.TryGetProperty("address", out var address)
                ? new ServingProcess(process, IPEndPoint.Parse(address.GetString()!))
                : throw new CommandFailure(ExitCode.Failure, $"The serving process said: {line}");
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Stops the process.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
