using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Macula.Cli.Output;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

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

            // The rules of the mesh's names begin with the name, the others do not repeat it.
            throw new CommandFailure(ExitCode.Usage, rule.StartsWith('"') ? rule : $"{Quote(text)} cannot be used. {rule}");
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

        throw new CommandFailure(ExitCode.Usage, $"{option} does not take {Quote(text)}; it takes {string.Join(", ", Enum.GetValues<T>().Select(NameOf))}.");
    }

    /// <summary>Reads a value of the mesh.</summary>
    /// <exception cref="CommandFailure">It is no JSON, or none that the mesh can carry.</exception>
    public static MeshValue ReadJson(string json)
    {
        try
        {
            return MeshValue.ParseJson(json);
        }
        catch (FormatException exception)
        {
            // Shells take the quotes out of JSON that is not quoted itself, which is how most of these come about.
            var hint = json.Any(char.IsLetter) && !json.Contains('"', StringComparison.Ordinal) ? " In a shell, JSON stands in single quotes: '{\"a\":5}'." : "";
            throw new CommandFailure(ExitCode.Usage, $"The argument {Shorten(json)} cannot be used: {JsonFault.WithoutPlace(exception.Message)}.{hint}");
        }
    }

    /// <summary>Reads an id as the program prints it: 40 hexadecimal digits.</summary>
    /// <exception cref="CommandFailure">It is none.</exception>
    public static NodeId ReadNodeId(string text) =>
        NodeId.TryParse(text, out var id) ? id : throw new CommandFailure(ExitCode.Usage, $"{Quote(text)} is no node id; it has {2 * NodeId.ByteCount} hexadecimal digits.");

    /// <summary>Reads the number that an option takes: digits with a point, not the separators between thousands that the platform would pass over, so that 0,5 is no 5.</summary>
    public static double ReadNumber(ArgumentResult result)
    {
        if (result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        // What is wrong is said by UsageFault, as it is for every other option.
        result.AddError("not a number");
        return 0;
    }

    /// <summary>Reads the time that a call is given, 1 ms to 24 h.</summary>
    /// <param name="seconds">The number, which may be none.</param>
    /// <param name="option">The option that takes it.</param>
    /// <exception cref="CommandFailure">It is out of the range of deadlines.</exception>
    public static TimeSpan ReadDeadline(double seconds, string option) => ReadSeconds(seconds, option, 0.001, CallFrame.MaxTimeLeft.TotalSeconds);

    /// <summary>Reads a length of time.</summary>
    /// <param name="seconds">The number, which may be none.</param>
    /// <param name="option">The option that takes it.</param>
    /// <param name="least">Shortest time, in seconds.</param>
    /// <param name="most">Longest time, in seconds.</param>
    /// <exception cref="CommandFailure">It is out of range.</exception>
    public static TimeSpan ReadSeconds(double seconds, string option, double least, double most) =>
        seconds >= least && seconds <= most
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFailure(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"{option} takes {least} to {most} seconds."));

    /// <summary>The word for a member of an enumeration.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>A word as it was typed, for a message; its beginning, when it is long.</summary>
    public static string Quote(string text) => $"'{Shorten(text)}'";

    private static string Shorten(string text) => text.Length <= 60 ? text : $"{text.AsSpan(0, 57)}...";
}
