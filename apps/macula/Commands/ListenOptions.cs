using System.CommandLine;
using System.Net;
using Macula.Cli.Output;
using Macula.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Macula.Cli.Commands;

/// <summary>The options of every command that binds an address: which one, and how much it says of what happens there.</summary>
internal sealed class ListenOptions
{
    private readonly Option<string?> _listen = new("--listen")
    {
        Description = "UDP address to bind; port 0 lets the system choose. Default: any address of this machine, port 0.",
        HelpName = "IP:PORT",
    };

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the node's whole log to standard error." };

    /// <summary>Adds these options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_listen);
        command.Add(_verbose);
    }

    /// <summary>The address that the command line names, with these limits; the limits alone when it names none.</summary>
    /// <exception cref="CommandFailure">What it names is no address.</exception>
    public EndpointOptions EndpointOf(ParseResult parse, EndpointOptions limits) =>
        parse.GetValue(_listen) is { } listen ? limits with { LocalEndPoint = ParseListen(listen) } : limits;

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

    // The platform reads "9443" and "127.1:80" as addresses as well, and an address without port as one with port 0.
    private static IPEndPoint ParseListen(string text) =>
        IPEndPoint.TryParse(text, out var endPoint) && string.Equals(endPoint.ToString(), text, StringComparison.OrdinalIgnoreCase)
            ? endPoint
            : throw new CommandFailure(ExitCode.Usage, $"'{text}' is no address to bind; write it as 127.0.0.1:9443, 0.0.0.0:9443 or [::]:9443.");
}
