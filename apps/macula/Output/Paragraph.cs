namespace Macula.Cli.Output;

/// <summary>Text that is broken into lines between words.</summary>
internal static class Paragraph
{
    /// <summary>The lines of a text; at least one.</summary>
    /// <param name="text">Words with blanks between them.</param>
    /// <param name="indent">Blanks before each line.</param>
    /// <param name="width">Longest line, in characters, that is not one word.</param>
    public static IEnumerable<string> Wrap(string text, int indent, int width)
    {
        var line = new string(' ', indent);
        var isEmpty = true;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!isEmpty && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = new string(' ', indent);
                isEmpty = true;
            }

            line += isEmpty ? word : $" {word}";
            isEmpty = false;
        }

        yield return line;
    }
}
