using System.CommandLine;
using System.CommandLine.Parsing;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary>Says in one line what is wrong with a command line.</summary>
internal static class UsageFault
{
    /// <summary>The first fault; null when the command line can be obeyed.</summary>
    public static CommandFailure? Find(ParseResult parse)
    {
        // Whoever asks for help has seen already that something is wrong, and the version is the same beside any other word.
        if (parse.Action is HelpOnRequest or VersionOnRequest)
        {
            return null;
        }

        var words = string.Join(' ', CommandTree.PathOf(parse.CommandResult.Command).Prepend("macula"));

        // The parser takes an option that it does not know for an argument, as it must take -5; nothing that an argument can be begins with two hyphens.
        var stranger = parse.UnmatchedTokens
            .Concat(parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(result => result.Tokens).Select(token => token.Value))
            .FirstOrDefault(token => token.StartsWith("--", StringComparison.Ordinal));
        return stranger is not null ? Fault($"'{words}' has no option {Word.Quote(stranger)}.")
            : parse.CommandResult.Children.FirstOrDefault(result => result.Tokens.Any(token => token.Value.Length == 0)) is { } empty ? Fault($"{NameOf(empty)} must not be empty.")
            : parse.Errors.Count > 0 ? Fault(Describe(parse, words))
            : null;

        CommandFailure Fault(string what) => new(ExitCode.Usage, $"{what} Try '{words} --help'.");
    }

    private static string Describe(ParseResult parse, string words)
    {
        var command = parse.CommandResult.Command;
        if (parse.UnmatchedTokens is [var stranger, ..])
        {
            return command.Subcommands.Count == 0
                ? $"'{words}' does not take {Word.Quote(stranger)}."
                : $"'{words}' has no command {Word.Quote(stranger)}; it has {NamesOf(command)}.";
        }

        if (command.Subcommands.Count > 0)
        {
            return $"'{words}' needs a command: {NamesOf(command)}.";
        }

        if (parse.Errors.Select(error => error.SymbolResult).OfType<OptionResult>().FirstOrDefault(result => !result.Implicit) is { } faulty)
        {
            return Describe(faulty);
        }

        var missing = command.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0 && parse.GetResult(argument) is not { Tokens.Count: > 0 })
            .Select(HelpText.NameOf)
            .Concat(command.Options.Where(option => option.Required && parse.GetResult(option) is null or { Implicit: true }).Select(HelpText.NameOf))
            .ToArray();
        return missing.Length > 0 ? $"'{words}' needs {string.Join(" and ", missing)}." : parse.Errors[0].Message.Split('\n')[0];
    }

    private static string Describe(OptionResult result)
    {
        var option = result.Option;
        return result.Tokens switch
        {
            [] => $"{option.Name} needs a value: {HelpText.NameOf(option)}.",
            [var token] => $"{option.Name} takes {((Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) == typeof(double) ? "a number" : "a whole number")}, not {Word.Quote(token.Value)}.",
            _ => $"{option.Name} is given more than once.",
        };
    }

    private static string NameOf(SymbolResult result) => result switch
    {
        OptionResult option => option.Option.Name,
        ArgumentResult argument => HelpText.NameOf(argument.Argument),
        _ => "A word",
    };

    private static string NamesOf(Command command) => string.Join(", ", command.Subcommands.Select(subcommand => subcommand.Name));
}
