using System.CommandLine;
using Macula.Dht;

namespace Macula.Cli.Commands;

/// <summary>Whether a node that stays holds records for others.</summary>
internal sealed class DhtModeOption
{
    private readonly Option<string> _mode = new("--dht")
    {
        Description = "Part in the DHT: client, which asks, or server, which every member can dial and which holds records for them.",
        HelpName = "MODE",
        DefaultValueFactory = _ => Word.NameOf(DhtMode.Client),
    };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Add(_mode);

    /// <summary>What the command line says.</summary>
    /// <exception cref="CommandFailure">It names no mode.</exception>
    public DhtMode Read(ParseResult parse) => Word.ReadEnum<DhtMode>(parse.GetValue(_mode)!, _mode.Name);
}
