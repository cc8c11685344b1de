namespace Macula.Cli.Output;

/// <summary>Text that is broken into lines between words.</summary>
internal static class Paragraph
{
    /// <summary>The lines of a text; at least one.</summary>
    /// <param name="text">Words with blanks between them; several between two words stay where the line is not broken.</param>
    /// <param name="indent">Blanks before each line.</param>
    /// <param name="width">Longest line, in characters, that is not one word.</param>
    public static IEnumerable<string> Wrap(string text, int indent, int width)
    {
        var margin = new string(' ', indent);
        var line = margin;
        var gap = "";
        foreach (var word in text.Split(' '))
        {
            if (word.Length == 0)
            {
                gap += ' ';
                continue;
            }

            if (line.Length > indent && line.Length + gap.Length + word.Length > width)
            {
                yield return line;
                line = margin;
            }

            line += line.Length > indent ? gap + word : word;
            gap = " ";
        }

        yield return line;
    }
}
