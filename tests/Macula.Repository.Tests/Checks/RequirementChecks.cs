using System.Text.RegularExpressions;

namespace Macula.Repository.Tests.Checks;

/// <summary>
/// The numbered requirements of docs/protocol, such as [ABC-12]: each is defined once, by standing in bold, and
/// cited by a test; code and pages cite none that does not exist.
/// </summary>
internal static partial class RequirementChecks
{
    // These tests plant ids of their own.
    private const string OwnFolder = "tests/Macula.Repository.Tests/";

    public static IEnumerable<Finding> DefinedOnce(SourceTree tree) =>
        from definition in Definitions(tree)
        group definition by definition.Id into same
        from again in same.Skip(1)
        select again.File.At(again.Offset, $"{again.Id} is defined in {same.First().File.Path} already: ids are never used twice");

    public static IEnumerable<Finding> Tested(SourceTree tree)
    {
        var cited = tree.CSharp("tests").Where(IsForeign).SelectMany(Citations).Select(citation => citation.Id).ToHashSet();
        return from definition in Definitions(tree)
               where !cited.Contains(definition.Id)
               select definition.File.At(definition.Offset, $"no test names {definition.Id}: write one whose code cites [{definition.Id}]");
    }

    public static IEnumerable<Finding> Exist(SourceTree tree)
    {
        var definitions = Definitions(tree).Select(definition => definition.Id).ToHashSet();
        // Brackets hold other things too ([SHA-256]); only a series that the pages define is ours.
        var series = definitions.Select(SeriesOf).ToHashSet();
        return from file in tree.CSharp("src", "apps", "tests").Where(IsForeign).Concat(Pages(tree))
               from citation in Citations(file)
               where !definitions.Contains(citation.Id) && (series.Contains(SeriesOf(citation.Id)) || citation.NamesPage)
               select file.At(citation.Offset, $"{citation.Id} is defined nowhere in docs/protocol");
    }

    private static IEnumerable<SourceFile> Pages(SourceTree tree) => tree.Below("docs/protocol").Where(file => file.Name.EndsWith(".md", StringComparison.Ordinal));

    private static bool IsForeign(SourceFile file) => !file.Path.StartsWith(OwnFolder, StringComparison.Ordinal);

    private static string SeriesOf(string id) => id[..id.LastIndexOf('-')];

    private static IEnumerable<(SourceFile File, int Offset, string Id)> Definitions(SourceTree tree) =>
        from file in Pages(tree)
        from Match match in Definition().Matches(file.Text)
        select (file, match.Groups["id"].Index, match.Groups["id"].Value);

    // A citation is [ABC-1], a list [ABC-1, ABC-2], a series [ABC-1] to [ABC-3], or the string "ABC-1" of an error.
    private static IEnumerable<(int Offset, string Id, bool NamesPage)> Citations(SourceFile file)
    {
        foreach (Match match in Citation().Matches(file.Text))
        {
            var namesPage = match.Groups["page"].Success;
            foreach (Match id in Identifier().Matches(match.Value))
            {
                yield return (match.Index + id.Index, id.Value, namesPage);
            }

            if (match.Groups["last"].Success && SeriesOf(match.Groups["first"].Value) == SeriesOf(match.Groups["last"].Value))
            {
                var series = SeriesOf(match.Groups["first"].Value);
                for (var number = NumberOf(match.Groups["first"].Value) + 1; number < NumberOf(match.Groups["last"].Value); number++)
                {
                    yield return (match.Index, $"{series}-{number}", namesPage);
                }
            }
        }
    }

    private static int NumberOf(string id) => int.Parse(id[(id.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture);

    // At the start of a paragraph, list entry, heading or table row.
    [GeneratedRegex(@"^[ \t]*(?:[-*][ \t]+|\d+\.[ \t]+|#+[ \t]+|\|[ \t]*)?\*\*\[(?<id>[A-Z]{2,6}-\d+)\]", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(
        @"(?<page>docs/protocol/[\w.-]+\.md[^\n\[]{0,12})?"
        + @"(?:\[(?<first>[A-Z]{2,6}-\d{1,4})(?:, ?[A-Z]{2,6}-\d{1,4})*\](?: to \[(?<last>[A-Z]{2,6}-\d{1,4})\])?|""[A-Z]{2,6}-\d{1,4}"")")]
    private static partial Regex Citation();

    [GeneratedRegex(@"\b[A-Z]{2,6}-\d{1,4}\b")]
    private static partial Regex Identifier();
}
