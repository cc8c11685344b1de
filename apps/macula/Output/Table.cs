namespace Macula.Cli.Output;

/// <summary>Rows whose columns are aligned, under a faint heading; the last column is cut where the terminal ends.</summary>
internal sealed class Table(params string[] heading)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row of as many cells as the heading has.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Writes the table to standard output.</summary>
    public void Write()
    {
        var width = Terminal.Width;
        var widths = heading.Select((title, column) => _rows.Select(row => row[column].Length).Append(title.Length).Max()).ToArray();
        Terminal.WriteLine(Terminal.Paint(Line(heading), Tone.Aside));
        foreach (var row in _rows)
        {
            Terminal.WriteLine(Line(row));
        }

        string Line(string[] cells)
        {
            var line = ("   " + string.Join("  ", cells.Select((cell, column) => cell.PadRight(widths[column])))).TrimEnd();
            return line.Length <= width ? line : $"{line.AsSpan(0, width - 1)}…";
        }
    }
}
