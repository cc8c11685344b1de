namespace Macula.Cli.Output;

/// <summary>Writes for people: results on standard output, everything else on standard error; colour only where a terminal shows it.</summary>
internal static class Terminal
{
    private const string Red = "\e[31m";
    private const string Green = "\e[32m";
    private const string Bold = "\e[1m";
    private const string Faint = "\e[2m";
    private const string Reset = "\e[0m";

    // Lines that are longer than this are hard to read, and a pipe has no width of its own.
    private const int ReadableWidth = 110;

    /// <summary>Whether standard error shows colours: it is a terminal that has them, and nobody asked for none.</summary>
    /// <remarks>https://no-color.org: a variable that is set to anything asks for none.</remarks>
    public static bool ErrorHasColour { get; } = !Console.IsErrorRedirected && ColourIsWelcome;

    /// <summary>Whether standard output shows colours.</summary>
    public static bool OutputHasColour { get; } = !Console.IsOutputRedirected && ColourIsWelcome;

    private static bool ColourIsWelcome => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or null);

    /// <summary>Longest line to write, in characters.</summary>
    public static int Width => Console.IsOutputRedirected || Console.WindowWidth <= 0 ? ReadableWidth : Math.Clamp(Console.WindowWidth, 40, ReadableWidth);

    /// <summary>Text for standard output in a tone, where it shows any.</summary>
    public static string Paint(string text, Tone tone) => !OutputHasColour ? text : tone switch
    {
        Tone.Heading => Bold + text + Reset,
        Tone.Aside => Faint + text + Reset,
        Tone.Good => Green + text + Reset,
        Tone.Bad => Red + text + Reset,
        _ => text,
    };

    /// <summary>Text of another node without what a terminal would obey.</summary>
    public static string Harmless(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));

    /// <summary>Writes a line of result.</summary>
    /// <exception cref="OutputException">Nobody can have it.</exception>
    public static void WriteLine(string line)
    {
        try
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(exception);
        }
    }

    /// <summary>Writes a line beside the result, to standard error.</summary>
    public static void WriteNote(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // There is no third place to say it; the exit code tells what matters.
        }
    }

    /// <summary>Writes what went wrong, in one line.</summary>
    public static void WriteError(string message)
    {
        // Another node's message may hold anything; line breaks and escape sequences are not for this terminal.
        var line = Harmless(message);
        WriteNote(ErrorHasColour ? $"{Red}macula: {line}{Reset}" : $"macula: {line}");
    }

    /// <summary>Writes label and value pairs with the values aligned.</summary>
    public static void WriteFields(params ReadOnlySpan<(string Label, string Value)> fields)
    {
        var width = 0;
        foreach (var (label, _) in fields)
        {
            width = Math.Max(width, label.Length);
        }

        foreach (var (label, value) in fields)
        {
            WriteLine($"{label.PadRight(width)}  {value}");
        }
    }
}
