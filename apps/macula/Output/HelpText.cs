using System.Collections;
using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using Macula.Cli.Commands;

namespace Macula.Cli.Output;

/// <summary>The help text of a command: usage, meaning, arguments, options, examples, exit codes.</summary>
internal static class HelpText
{
    // Longer names stand on a line of their own, so that one of them does not push every description to the right.
    private const int MaxNameColumn = 32;

    private const string About = "Macula: a self-organising mesh for distributed applications.";

    private static readonly string[] Walk =
    [
        "macula realm create tenant-a",
        "macula cert issue alice --authority tenant-a",
        "macula cert issue bob --authority tenant-a",
        "macula serve --as alice --listen 127.0.0.1:9443",
        "macula call math.add '{\"a\":5,\"b\":3}' --as bob --at 127.0.0.1:9443",
    ];

    /// <summary>The lines of the text.</summary>
    /// <param name="command">The command, or the program itself.</param>
    /// <param name="width">Longest line, in characters, that is not cut out of one word.</param>
    public static IEnumerable<string> For(Command command, int width)
    {
        var details = command as ProgramCommand;
        List<string> lines = command is RootCommand
            ? [About, "", "Usage: macula COMMAND [OPTIONS]"]
            : [$"Usage: {UsageOf(command)}", "", .. Paragraph.Wrap(command.Description ?? "", 0, width)];
        foreach (var paragraph in (details?.Details ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            lines.AddRange(["", .. Paragraph.Wrap(paragraph, 0, width)]);
        }

        AddRows(lines, "Commands", [.. LeavesOf(command).Select(leaf => (Under(command, leaf), leaf.Description ?? ""))], width);
        AddRows(lines, "Arguments", [.. command.Arguments.Select(argument => (NameOf(argument), DescriptionOf(argument)))], width);
        AddRows(lines, "Options", [.. OptionsOf(command).Select(option => (LabelOf(option), DescriptionOf(option)))], width);
        AddVerbatim(lines, command is RootCommand ? "A first walk (the fifth line in another terminal)" : "Examples", command is RootCommand ? Walk : details?.Examples ?? []);
        if (command is RootCommand)
        {
            AddRows(lines, "Exit codes", [.. ExitCodes.All.Select(entry => (((int)entry.Code).ToString(CultureInfo.InvariantCulture), entry.Meaning))], width);
            lines.AddRange(["", "'macula COMMAND --help' says more about a command."]);
        }
        else
        {
            lines.AddRange(["", "'macula --help' lists the exit codes."]);
        }

        return lines;
    }

    /// <summary>An argument as the usage shows it.</summary>
    public static string NameOf(Argument argument) => argument.HelpName ?? argument.Name.ToUpperInvariant();

    /// <summary>An option with the name of its value.</summary>
    public static string NameOf(Option option) => option.HelpName is { } value ? $"{option.Name} {value}" : option.Name;

    private static IEnumerable<Command> LeavesOf(Command command) =>
        command.Subcommands.SelectMany(subcommand => subcommand.Subcommands.Count == 0 ? [subcommand] : LeavesOf(subcommand));

    private static string Under(Command command, Command leaf) =>
        string.Join(' ', CommandTree.PathOf(leaf).Skip(CommandTree.PathOf(command).Count()).Concat(leaf.Arguments.Select(UsageOf)));

    private static string UsageOf(Command command)
    {
        var words = CommandTree.PathOf(command).Prepend("macula");
        return string.Join(' ', command.Subcommands.Count > 0
            ? words.Append("COMMAND")
            : words.Concat(command.Arguments.Select(UsageOf)).Concat(command.Options.Where(option => option.Required).Select(NameOf)).Append("[OPTIONS]"));
    }

    private static string UsageOf(Argument argument)
    {
        var name = argument.Arity.MaximumNumberOfValues > 1 ? NameOf(argument) + "..." : NameOf(argument);
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    // The options of the program itself hold for every command; what asks for the version is a command's own affair.
    private static IEnumerable<Option> OptionsOf(Command command) =>
        command.Options.Concat(command is RootCommand ? [] : CommandTree.Root.Options.Where(option => option.Recursive)).Where(option => !option.Hidden);

    private static string LabelOf(Option option) => option is HelpOption ? "--help, -h" : NameOf(option);

    private static string DescriptionOf(Option option) =>
        option is HelpOption ? "Show this text."
        : option is VersionOption ? "Show the program's version."
        : Describe(option.Description, option.HasDefaultValue ? option.GetDefaultValue() : null);

    private static string DescriptionOf(Argument argument) => Describe(argument.Description, argument.HasDefaultValue ? argument.GetDefaultValue() : null);

    // An option without a default, or whose default is to be absent, says in its description what then happens.
    private static string Describe(string? description, object? fallback) =>
        fallback is null or bool or ICollection ? description ?? "" : string.Create(CultureInfo.InvariantCulture, $"{description} Default: {fallback}.");

    private static void AddRows(List<string> lines, string title, IReadOnlyList<(string Name, string Meaning)> rows, int width)
    {
        if (rows.Count == 0)
        {
            return;
        }

        lines.AddRange(["", $"{title}:"]);
        var column = Math.Min(MaxNameColumn, rows.Max(row => row.Name.Length)) + 4;
        foreach (var (name, meaning) in rows)
        {
            var wrapped = Paragraph.Wrap(meaning, column, width).ToArray();
            var start = $"  {name}";
            if (start.Length + 2 > column)
            {
                lines.Add(start);
                lines.AddRange(wrapped);
            }
            else
            {
                lines.AddRange([start.PadRight(column) + wrapped[0].TrimStart(), .. wrapped[1..]]);
            }
        }
    }

    private static void AddVerbatim(List<string> lines, string title, IReadOnlyList<string> examples)
    {
        if (examples.Count > 0)
        {
            lines.AddRange(["", $"{title}:", .. examples.Select(example => $"  {example}")]);
        }
    }
}
