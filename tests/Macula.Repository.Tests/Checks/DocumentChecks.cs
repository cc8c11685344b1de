using System.Text.RegularExpressions;

namespace Macula.Repository.Tests.Checks;

/// <summary>The pages of the repository: that they exist, are reachable, point at what exists and name no machine.</summary>
internal static partial class DocumentChecks
{
    private static readonly string[] Required =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/decisions/README.md", ".ci/run", "test.sh", "macula"];

    private static readonly string[] DecisionSections = ["## Context", "## Decision", "## Consequences", "## Alternatives"];

    // Split, so that this file does not hold what it looks for.
    private static readonly string[] RegistryHosts =
        ["nuget" + ".org", "npm" + "js", "deb.debian" + ".org", "security.debian" + ".org", "archive.ubuntu" + ".com", "pypi" + ".org", "docker" + ".io", "mcr.microsoft" + ".com"];

    public static IEnumerable<Finding> RequiredFiles(SourceTree tree) =>
        Required.Where(path => !tree.Holds(path)).Select(path => new Finding(path, 1, "is missing"));

    public static IEnumerable<Finding> Index(SourceTree tree) =>
        from folder in new[] { "docs/decisions", "docs/protocol" }
        let index = tree.Find(folder + "/README.md")
        from page in tree.Below(folder)
        where page.Path.EndsWith(".md", StringComparison.Ordinal) && page.Name != "README.md"
        where index is null || !Links(index).Any(link => Resolve(index, link.Target) == page.Path)
        select new Finding(page.Path, 1, $"is not linked from {folder}/README.md");

    public static IEnumerable<Finding> Decisions(SourceTree tree)
    {
        var numbers = new HashSet<string>();
        foreach (var page in tree.Below("docs/decisions").Where(page => page.Name != "README.md"))
        {
            var name = DecisionName().Match(page.Name);
            if (!name.Success || !numbers.Add(name.Groups["number"].Value))
            {
                yield return new Finding(page.Path, 1, "a decision's file is called 0042-topic.md, with a number that no other has");
            }

            foreach (var section in DecisionSections.Where(section => !page.Lines.Contains(section)))
            {
                yield return new Finding(page.Path, 1, $"has no section '{section}'");
            }
        }
    }

    /// <summary>Links inside the repository lead to a file or folder, and to a heading where they name one.</summary>
    public static IEnumerable<Finding> LinksLead(SourceTree tree) =>
        from page in tree.Named(".md")
        from link in Links(page)
        where !link.Target.Contains("://", StringComparison.Ordinal) && !link.Target.StartsWith("mailto:", StringComparison.Ordinal)
        let target = Resolve(page, link.Target)
        where !tree.Holds(target) || !HasHeading(tree.Find(target), link.Target)
        select page.At(link.Offset, $"the link '{link.Target}' leads nowhere");

    /// <summary>C# that README.md shows is part of a program under examples/, which tests build and run.</summary>
    public static IEnumerable<Finding> ShownCode(SourceTree tree) =>
        from page in tree.Files.Where(file => file.Path == "README.md")
        from Match block in CodeBlock().Matches(page.Text)
        where !tree.Below("examples").Any(file => file.Text.Contains(block.Groups["code"].Value, StringComparison.Ordinal))
        select page.At(block.Index, "this C# stands in no program under examples/: copy it from one");

    /// <summary>Code that sends its reader to a page names one that exists.</summary>
    public static IEnumerable<Finding> CitedPages(SourceTree tree) =>
        from file in tree.Files
        // Tests about the repository plant pages of their own.
        where !file.Path.StartsWith("tests/Macula.Repository.Tests/", StringComparison.Ordinal)
        from Match match in CitedPage().Matches(file.Text)
        where !tree.Holds(match.Value)
        select file.At(match.Index, $"there is no {match.Value}");

    /// <summary>A path of one machine and the address of a package registry are both wrong everywhere else.</summary>
    public static IEnumerable<Finding> MachinePaths(SourceTree tree) =>
        from file in tree.Files
        from match in MachinePath().Matches(file.Text)
            .Select(match => (match.Index, match.Value))
            .Concat(RegistryHosts.SelectMany(host => Occurrences(file.Text, host)))
        select file.At(match.Index, $"'{match.Value}' is of one machine or one registry: take it from the environment");

    private static IEnumerable<(int Index, string Value)> Occurrences(string text, string host)
    {
        for (var at = text.IndexOf(host, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(host, at + 1, StringComparison.OrdinalIgnoreCase))
        {
            yield return (at, host);
        }
    }

    private static IEnumerable<(int Offset, string Target)> Links(SourceFile page)
    {
        // Code is no place for links; it is blanked, so that offsets stay right.
        var text = Code().Replace(page.Text, match => new string(match.Value.Select(c => c == '\n' ? c : ' ').ToArray()));
        return Link().Matches(text).Select(match => (match.Index, match.Groups["target"].Value));
    }

    private static string Resolve(SourceFile page, string target)
    {
        var path = target.Split('#')[0];
        if (path.Length == 0)
        {
            return page.Path;
        }

        var steps = new List<string>();
        foreach (var step in page.Path.Split('/').SkipLast(1).Concat(path.Split('/')).Where(step => step is not ("" or ".")))
        {
            if (step == ".." && steps.Count > 0)
            {
                steps.RemoveAt(steps.Count - 1);
            }
            else
            {
                steps.Add(step);
            }
        }

        return string.Join('/', steps);
    }

    private static bool HasHeading(SourceFile? page, string target)
    {
        var anchor = target.Contains('#', StringComparison.Ordinal) ? target[(target.IndexOf('#', StringComparison.Ordinal) + 1)..] : "";
        return anchor.Length == 0 || page is null || page.Lines.Where(line => line.StartsWith('#'))
            .Any(line => NotInAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-') == anchor);
    }

    [GeneratedRegex("^```csharp\\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"(?<![\w.:])/(work|root|home|Users|tmp)/[\w.]|[A-Za-z]:\\Users\\")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\bdocs/(decisions|protocol)/[\w.-]+\.md\b")]
    private static partial Regex CitedPage();

    [GeneratedRegex(@"(?<!!)\[[^\]\n]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^```.*?^```|`[^`\n]*`", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^(?<number>\d{4})-[a-z0-9-]+\.md$")]
    private static partial Regex DecisionName();
}
