using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class DocumentTests
{
    [Fact]
    public void PagesThatEveryoneLooksForExist() => Expect.Obeyed(DocumentChecks.RequiredFiles);

    [Fact]
    public void EveryPageStandsInItsIndex() => Expect.Obeyed(DocumentChecks.Index);

    [Fact]
    public void DecisionsHaveTheirSections() => Expect.Obeyed(DocumentChecks.Decisions);

    [Fact]
    public void LinksLeadSomewhere() => Expect.Obeyed(DocumentChecks.LinksLead);

    [Fact]
    public void PagesThatAreCitedExist() => Expect.Obeyed(DocumentChecks.CitedPages);

    [Fact]
    public void NothingNamesAMachine() => Expect.Obeyed(DocumentChecks.MachinePaths);

    [Fact]
    public void CodeOfTheReadmeIsAnExamples() => Expect.Obeyed(DocumentChecks.ShownCode);

    [Fact]
    public void CodeOfTheReadmeThatIsNoExamplesIsFound() =>
        Expect.Found(
            DocumentChecks.ShownCode,
            ["README.md:6"],
            ("README.md", "# T\n```csharp\nvar a = 1;\n```\n\n```csharp\nvar b = 2;\n```\n"),
            ("examples/A/Program.cs", "using B;\nvar a = 1;\n"));

    [Fact]
    public void MissingPageIsFound() =>
        Expect.Found(
            DocumentChecks.RequiredFiles,
            ["ARCHITECTURE.md:1", "CHANGELOG.md:1", "CONTRIBUTING.md:1", "LICENSE:1", "docs/decisions/README.md:1", ".ci/run:1", "test.sh:1", "macula:1"],
            ("README.md", "# Here"));

    [Fact]
    public void PageOutsideItsIndexIsFound() =>
        Expect.Found(
            DocumentChecks.Index,
            ["docs/decisions/0002-b.md:1", "docs/protocol/01-x.md:1"],
            ("docs/decisions/README.md", "[one](0001-a.md), `[two](0002-b.md)`"),
            ("docs/decisions/0001-a.md", ""),
            ("docs/decisions/0002-b.md", ""),
            ("docs/protocol/01-x.md", ""));

    [Fact]
    public void DecisionWithoutSectionOrNumberIsFound()
    {
        const string whole = "# T\n## Context\n## Decision\n## Consequences\n## Alternatives\n";
        Expect.Found(
            DocumentChecks.Decisions,
            ["docs/decisions/0001-b.md:1", "docs/decisions/c.md:1", "docs/decisions/0004-d.md:1"],
            ("docs/decisions/0001-a.md", whole),
            ("docs/decisions/0001-b.md", whole),
            ("docs/decisions/c.md", whole),
            ("docs/decisions/0004-d.md", whole.Replace("## Consequences\n", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void LinkToNowhereIsFound() =>
        Expect.Found(
            DocumentChecks.LinksLead,
            ["docs/a.md:1", "docs/a.md:2", "docs/a.md:3"],
            ("docs/a.md", "[x](b.md)\n[x](../src/Nothing/)\n[x](#no-such-part)\n[x](../src/) [y](../README.md#two-words) [z](#here)\n# Here\n[w](https://example.org/x)\n```\n[x](c.md)\n```\n"),
            ("README.md", "## Two words!\n"),
            ("src/A/A.cs", ""));

    [Fact]
    public void CitationOfAMissingPageIsFound() =>
        Expect.Found(
            DocumentChecks.CitedPages,
            ["src/A/A.cs:2"],
            ("docs/protocol/01-a.md", ""),
            ("src/A/A.cs", "// docs/protocol/01-a.md §2.\n// See docs/decisions/0099-none.md."));

    [Fact]
    public void MachinePathOrRegistryIsFound() =>
        Expect.Found(
            DocumentChecks.MachinePaths,
            ["README.md:1", "README.md:2", "src/A/A.cs:1", "build/x.sh:1"],
            ("README.md", "cd /" + "work/main\nsee https://api.nuget" + ".org/v3\nsee https://example.org/work/main and docs/work/x"),
            ("src/A/A.cs", "const string P = \"/" + "root/.config\";"),
            ("build/x.sh", "cat /" + "tmp/x"));
}
