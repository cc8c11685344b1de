using System.CommandLine;
using System.Net;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport;
using Macula.Transport.Quic;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Macula.Cli.Commands;

/// <summary>The options of every command that runs a node.</summary>
internal sealed class NodeOptions
{
    private readonly Option<string> _as = new("--as")
    {
        Description = "The node to be: a directory with node.crt, node.key and realm.json, as 'macula cert issue' makes it.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<string?> _realm = new("--realm") { Description = "Another realm file than the one in the node's directory.", HelpName = "FILE" };

    private readonly Option<string?> _listen = new("--listen")
    {
        Description = "UDP address to bind; port 0 lets the system choose. Default: any address of this machine, port 0.",
        HelpName = "IP:PORT",
    };

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the node's whole log to standard error." };

    /// <summary>Adds these options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_as);
        command.Add(_realm);
        command.Add(_listen);
        command.Add(_verbose);
    }

    /// <summary>Starts the node that the command line describes.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="logged">What goes to standard error where nobody asks for more.</param>
    /// <param name="endpoint">Limits of the endpoint, and the address to bind if the command line names none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The node, with what it was started from; disposing it stops the node.</returns>
    public async Task<RunningNode> StartAsync(ParseResult parse, LogLevel logged, EndpointOptions endpoint, CancellationToken cancellationToken)
    {
        var options = parse.GetValue(_listen) is { } listen ? endpoint with { LocalEndPoint = ParseListen(listen) } : endpoint;
        var files = new NodeDirectory(parse.GetValue(_as)!);
        var realm = RealmFile.Load(parse.GetValue(_realm) is { } path ? NodeDirectory.RealmFileAt(path) : files.RealmFilePath, EcdsaP256Scheme.Instance);
        var credentials = NodeCredentials.Load(files.CertificatePath, files.KeyPath, new RealmTrust(realm), SystemTime.Now);
        var loggers = CreateLog(parse.GetValue(_verbose) ? LogLevel.Debug : logged);
        try
        {
            var peer = await MaculaPeer.StartAsync(
                new MaculaPeerOptions
                {
                    Realm = realm,
                    Credentials = credentials,
                    Transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = loggers }),
                    Endpoint = options,
                    LoggerFactory = loggers,
                },
                cancellationToken);
            return new RunningNode(peer, credentials, loggers);
        }
        catch
        {
            credentials.Dispose();
            loggers.Dispose();
            throw;
        }
    }

    private static ILoggerFactory CreateLog(LogLevel least) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(least);
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.ColorBehavior = Terminal.ErrorHasColour ? LoggerColorBehavior.Enabled : LoggerColorBehavior.Disabled;
        });
    });

    // The platform reads "9443" and "127.1:80" as addresses as well, and an address without port as one with port 0.
    private static IPEndPoint ParseListen(string text) =>
        IPEndPoint.TryParse(text, out var endPoint) && string.Equals(endPoint.ToString(), text, StringComparison.OrdinalIgnoreCase)
            ? endPoint
            : throw new CommandFailure(ExitCode.Usage, $"'{text}' is no address to bind; write it as 127.0.0.1:9443, 0.0.0.0:9443 or [::]:9443.");
}
