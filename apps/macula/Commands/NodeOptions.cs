using System.CommandLine;
using System.Net;
using Macula.Cli.Nodes;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport;
using Macula.Transport.Quic;
using Microsoft.Extensions.Logging;

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

    private readonly Option<string> _listen = new("--listen")
    {
        Description = "Address to bind; port 0 lets the system choose.",
        HelpName = "IP:PORT",
        DefaultValueFactory = _ => "0.0.0.0:0",
    };

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the node's log to standard error." };

    /// <summary>Adds these options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_as);
        command.Add(_realm);
        command.Add(_listen);
        command.Add(_verbose);
    }

    /// <summary>Starts the node that the command line describes.</summary>
    /// <returns>The node, with what it was started from; disposing it stops the node.</returns>
    public async Task<RunningNode> StartAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var files = new NodeDirectory(parse.GetValue(_as)!);
        var realm = RealmFile.Load(parse.GetValue(_realm) is { } path ? NodeDirectory.RealmFileAt(path) : files.RealmFilePath, EcdsaP256Scheme.Instance);
        var credentials = NodeCredentials.Load(files.CertificatePath, files.KeyPath, new RealmTrust(realm), SystemTime.Now);
        var loggers = LoggerFactory.Create(logging =>
        {
            if (parse.GetValue(_verbose))
            {
                logging.SetMinimumLevel(LogLevel.Debug);
                logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
            }
        });
        var peer = await MaculaPeer.StartAsync(
            new MaculaPeerOptions
            {
                Realm = realm,
                Credentials = credentials,
                Transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = loggers }),
                Endpoint = new EndpointOptions { LocalEndPoint = ParseListen(parse.GetValue(_listen)!) },
                LoggerFactory = loggers,
            },
            cancellationToken);
        return new RunningNode(peer, credentials, loggers);
    }

    private static IPEndPoint ParseListen(string text) =>
        IPEndPoint.TryParse(text, out var endPoint)
            ? endPoint
            : throw new CommandFailure(ExitCode.Usage, $"'{text}' is no address to bind; write it as 127.0.0.1:9443 or [::]:9443.");
}
