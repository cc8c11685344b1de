using System.Text.Json;

namespace Macula.Cli.Commands;

/// <summary>Reads words of the command line; what cannot be read is a fault of the command line and is said in one line.</summary>
internal static class Word
{
    /// <summary>Reads a word by the rule of its type.</summary>
    /// <param name="text">The word.</param>
    /// <param name="parse">Reads it; the <see cref="ArgumentException"/> that it throws says which rule the word breaks.</param>
    /// <exception cref="CommandFailure">The word breaks the rule.</exception>
    public static T Read<T>(string text, Func<string, T> parse)
    {
        try
        {
            return parse(text);
        }
        catch (ArgumentException exception)
        {
            // The runtime appends the name of the parameter on a place of its own; whoever typed the word has no use for it.
            var rule = exception.Message.Replace($" (Parameter '{exception.ParamName}')", "", StringComparison.Ordinal);
            throw new CommandFailure(ExitCode.Usage, rule.Contains(text, StringComparison.Ordinal) && text.Length > 0 ? rule : $"'{text}' cannot be used. {rule}");
        }
    }

    /// <summary>Reads the name of an enumeration's member, in lower case with hyphens.</summary>
    /// <param name="text">The word.</param>
    /// <param name="option">The option that takes it.</param>
    /// <exception cref="CommandFailure">No member has this name.</exception>
    public static T ReadEnum<T>(string text, string option)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (NameOf(value) == text)
            {
                return value;
            }
        }

        throw new CommandFailure(ExitCode.Usage, $"{option} does not take '{text}'; it takes {string.Join(", ", Enum.GetValues<T>().Select(NameOf))}.");
    }

    /// <summary>The word for a member of an enumeration.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}
