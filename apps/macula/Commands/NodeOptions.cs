using System.CommandLine;
using System.Net;
using Macula.Cli.Nodes;
using Macula.Identity.Realm;
using Macula.Transport;
using Macula.Transport.Quic;

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

    private readonly Option<string> _ownCertificate = new("--own-certificate")
    {
        Description = "Check of the own certificate before the start: required, or skipped, to see that others refuse it.",
        HelpName = "CHECK",
        DefaultValueFactory = _ => Word.NameOf(OwnCertificateCheck.Required),
    };

    private readonly ListenOptions _listen = new();

    /// <summary>Adds these options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_as);
        command.Add(_realm);
        command.Add(_ownCertificate);
        _listen.AddTo(command);
    }

    /// <summary>Starts the node that the command line describes.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="preset">What the command wants of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The node, with what it was started from; disposing it stops the node.</returns>
    public async Task<RunningNode> StartAsync(ParseResult parse, NodePreset preset, CancellationToken cancellationToken)
    {
        var bound = _listen.AddressOf(parse);
        var dht = _listen.DhtOf(parse, preset.Mode);
        var check = Word.ReadEnum<OwnCertificateCheck>(parse.GetValue(_ownCertificate)!, _ownCertificate.Name);
        var (realm, credentials) = new NodeDirectory(parse.GetValue(_as)!).Load(parse.GetValue(_realm), check);
        var loggers = _listen.CreateLog(parse, preset.Logged);
        try
        {
            var peer = await MaculaPeer.StartAsync(
                new MaculaPeerOptions
                {
                    Realm = realm,
                    Credentials = credentials,
                    Transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = loggers }),
                    Endpoint = bound is null ? await EndpointForAsync(preset, realm, cancellationToken) : preset.Endpoint with { LocalEndPoint = bound },
                    Connections = preset.Connections,
                    Dht = dht,
                    OwnCertificate = check,
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

    private static async Task<EndpointOptions> EndpointForAsync(NodePreset preset, RealmFile realm, CancellationToken cancellationToken) =>
        preset.Direction == DialDirection.Outward
            ? preset.Endpoint
            : preset.Endpoint with { LocalEndPoint = new IPEndPoint(await LocalAddress.FindTowardsAsync(realm.Bootstraps, cancellationToken), 0) };
}
