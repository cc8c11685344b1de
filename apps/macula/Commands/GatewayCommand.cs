using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Dht;
using Macula.Gateway;
using Macula.Transport;
using Macula.Transport.Quic;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;

namespace Macula.Cli.Commands;

/// <summary><c>macula gateway …</c>: one address that serves several realms.</summary>
internal static class GatewayCommand
{
    public static Command Create() => new ProgramCommand("gateway", "Run a gateway or bootstrap node.") { CreateRun() };

    private static ProgramCommand CreateRun()
    {
        var nodes = new Option<string[]>("--as")
        {
            Description = "Who to be in a realm: a directory with node.crt, node.key and realm.json, as 'macula cert issue --roles gateway,bootstrap' makes it. Once for each realm.",
            HelpName = "DIR",
            Required = true,
        };
        var listen = new ListenOptions();
        var stop = new StopRequest();
        var command = new ProgramCommand("run", "Serve one or several realms on one address, until Ctrl-C or SIGTERM.")
        {
            Details = $"""
                The gateway is a node of its own in each realm, and a server of its DHT; nothing goes from one realm to another. Each certificate needs the role gateway or bootstrap. At most {MaculaGateway.MaxRealms} realms.
                A realm whose node fails is said on standard error and served no more; the others go on. With the last one the command ends.
                The first line of --json names the address that was bound, and the realms. Told to stop, the gateway closes every realm in good order. Warnings go to standard error.
                """,
            Examples =
            [
                "macula cert issue gw1 --authority tenant-a --roles gateway,bootstrap --out gw/tenant-a",
                "macula cert issue gw1 --authority tenant-b --roles gateway,bootstrap --out gw/tenant-b",
                "macula gateway run --as gw/tenant-a --as gw/tenant-b --listen 0.0.0.0:9443 --address 192.0.2.7:9443",
            ],
        };
        command.Add(nodes);
        listen.AddTo(command);
        stop.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var endpoint = listen.AddressOf(parse) is { } address ? new EndpointOptions { LocalEndPoint = address } : new EndpointOptions();
            var dht = listen.DhtOf(parse, DhtMode.Server);
            var realms = Load(parse.GetValue(nodes)!);
            using var loggers = listen.CreateLog(parse, LogLevel.Warning);
            try
            {
                await using var gateway = await StartAsync(realms, endpoint, dht, loggers, cancellationToken);
                Announce(gateway, realms, CommonOptions.FormOf(parse));
                await stop.WaitAsync(parse, gateway.WaitForStopAsync, cancellationToken);
                return (int)ExitCode.Success;
            }
            finally
            {
                DisposeKeys(realms);
            }
        });
        return command;
    }

    private static List<GatewayRealm> Load(string[] directories)
    {
        if (directories.Length > MaculaGateway.MaxRealms)
        {
            throw new CommandFailure(ExitCode.Usage, $"A gateway serves at most {MaculaGateway.MaxRealms} realms; --as is given {directories.Length} times.");
        }

        var realms = new List<GatewayRealm>(directories.Length);
        try
        {
            foreach (var directory in directories)
            {
                var (realm, credentials) = new NodeDirectory(directory).Load();
                var twin = realms.FindIndex(other => other.Realm.Id == realm.Id);
                realms.Add(new GatewayRealm(realm, credentials));
                if (twin >= 0)
                {
                    throw new CommandFailure(ExitCode.Usage, $"'{directories[twin]}' and '{directory}' are nodes of one realm, {realm.Name} ({realm.Id}); a gateway is one node in each.");
                }
            }
        }
        catch
        {
            DisposeKeys(realms);
            throw;
        }

        return realms;
    }

    private static void DisposeKeys(List<GatewayRealm> realms) => realms.ForEach(realm => realm.Credentials.Dispose());

    private static async Task<MaculaGateway> StartAsync(List<GatewayRealm> realms, EndpointOptions endpoint, DhtOptions dht, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        try
        {
            return await MaculaGateway.StartAsync(
                new GatewayOptions
                {
                    Realms = realms,
                    Transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = loggers }),
                    Endpoint = endpoint,
                    Dht = dht,
                    LoggerFactory = loggers,
                },
                cancellationToken);
        }
        catch (MaculaException exception) when (exception.Code == ErrorCode.CertificateWrongUsage)
        {
            // Nobody has refused anything yet: the file is one that this command cannot use.
            throw new CommandFailure(ExitCode.IdentityFile, exception.Message);
        }
    }

    private static void Announce(MaculaGateway gateway, List<GatewayRealm> realms, OutputForm form)
    {
        var nodes = gateway.Realms.Select(status => status.Node).ToArray();
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("event", "listening"),
                ("address", gateway.LocalEndPoint),
                ("realms", nodes.Select(node => new JsonFields(("id", node.RealmId), ("node", node.NodeId), ("name", node.Name)))));
            return;
        }

        Terminal.WriteFields(
            [("address", gateway.LocalEndPoint.ToString()), .. realms.Zip(nodes, (realm, node) => ($"realm {realm.Realm.Name}", $"{node.RealmId}  as {node.Name} ({node.NodeId})"))]);
        Terminal.WriteLine("Running until Ctrl-C.");
    }
}
