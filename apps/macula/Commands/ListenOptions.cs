using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Macula.Cli.Commands;

/// <summary>The options of every command that binds an address: which one, and how much it says of what happens there.</summary>
internal sealed class ListenOptions
{
    private readonly Option<string?> _listen = new("--listen")
    {
        Description = "UDP address to bind; port 0 lets the system choose. Default: port 0 of the address that leads to the realm's bootstrap, or of any.",
        HelpName = "IP:PORT",
    };

    private readonly Option<string[]> _addresses = new("--address")
    {
        Description = $"Where other nodes dial this one. May be given up to {Contact.MaxAddresses} times. Default: the address that is bound, if it is one.",
        HelpName = "IP:PORT",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the node's whole log to standard error." };

    /// <summary>Adds these options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_listen);
        command.Add(_addresses);
        command.Add(_verbose);
    }

    /// <summary>The address that the command line names; null when it names none.</summary>
    /// <exception cref="CommandFailure">What it names is no address.</exception>
    public IPEndPoint? AddressOf(ParseResult parse) => parse.GetValue(_listen) is { } listen ? ParseListen(listen) : null;

    /// <summary>How the node takes part in the DHT, in a mode and under the addresses that the command line names.</summary>
    /// <exception cref="CommandFailure">What it names is no address, or a server has none that others could dial.</exception>
    public DhtOptions DhtOf(ParseResult parse, DhtMode mode)
    {
        var addresses = parse.GetValue(_addresses)!.Select(text => NodeAddress.From(ParseDialled(text))).ToImmutableArray();
        if (addresses.Length > Contact.MaxAddresses)
        {
            throw new CommandFailure(ExitCode.Usage, $"{_addresses.Name} is given {addresses.Length} times; a node has at most {Contact.MaxAddresses} addresses.");
        }

        if (mode == DhtMode.Server && addresses.IsEmpty && IsUnspecified(parse.GetValue(_listen)))
        {
            throw new CommandFailure(
                ExitCode.Usage, $"Other nodes must be told where to dial a server of the DHT: name the address to bind with {_listen.Name}, or where it can be reached with {_addresses.Name}.");
        }

        return new DhtOptions { Mode = mode, Addresses = addresses };
    }

    /// <summary>A log on standard error.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="logged">What is written where nobody asks for more.</param>
    public ILoggerFactory CreateLog(ParseResult parse, LogLevel logged) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(parse.GetValue(_verbose) ? LogLevel.Debug : logged);
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.ColorBehavior = Terminal.ErrorHasColour ? LoggerColorBehavior.Enabled : LoggerColorBehavior.Disabled;
        });
    });

    private static bool IsUnspecified(string? listen) =>
        listen is null || ParseListen(listen).Address is var address && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    private static IPEndPoint ParseDialled(string text) =>
        TryParse(text, out var endPoint) && endPoint.Port > 0 && HostAddress.IsOneHost(endPoint.Address)
            ? endPoint
            : throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(text)} is no address that others could dial; write it as 192.0.2.7:9443 or [2001:db8::7]:9443.");

    private static IPEndPoint ParseListen(string text) =>
        TryParse(text, out var endPoint) && !HostAddress.IsOfMany(endPoint.Address)
            ? endPoint
            : throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(text)} is no address to bind; write it as 127.0.0.1:9443, 0.0.0.0:9443 or [::]:9443.");

    // The platform reads "9443" and "127.1:80" as addresses as well, and an address without port as one with port 0.
    private static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? endPoint) =>
        IPEndPoint.TryParse(text, out endPoint) && string.Equals(endPoint.ToString(), text, StringComparison.OrdinalIgnoreCase);
}
