namespace Macula.Cli.Output;

/// <summary>Writes for people: results on standard output, everything else on standard error; colour only where a terminal shows it.</summary>
internal static class Terminal
{
    private const string Red = "\e[31m";
    private const string Reset = "\e[0m";

    // https://no-color.org: a variable that is set to anything asks for none.
    private static readonly bool ErrorHasColour = !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Writes a line of result.</summary>
    public static void WriteLine(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    /// <summary>Writes what went wrong, in one line.</summary>
    public static void WriteError(string message) =>
        Console.Error.WriteLine(ErrorHasColour ? $"{Red}macula: {message}{Reset}" : $"macula: {message}");

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
