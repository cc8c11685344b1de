using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class RequirementTests
{
    [Fact]
    public void RequirementsAreDefinedOnce() => Expect.Obeyed(RequirementChecks.DefinedOnce);

    [Fact]
    public void RequirementsAreTested() => Expect.Obeyed(RequirementChecks.Tested);

    [Fact]
    public void RequirementsThatAreCitedExist() => Expect.Obeyed(RequirementChecks.Exist);

    [Fact]
    public void IdUsedTwiceIsFound() =>
        Expect.Found(
            RequirementChecks.DefinedOnce,
            ["docs/protocol/b.md:2"],
            ("docs/protocol/a.md", "**[ABC-1]** A frame is short.\n\nAs **[ABC-1]** says."),
            ("docs/protocol/b.md", "\n| **[ABC-1]** | A frame is long. |"));

    [Theory]
    [InlineData("// [ABC-1] and [ABC-2]")]
    [InlineData("// [ABC-1, ABC-2]")]
    [InlineData("// docs/protocol/a.md §2 [ABC-1] and \"ABC-2\"")]
    public void UntestedRequirementIsFound(string comment) =>
        Expect.Found(
            RequirementChecks.Tested,
            ["docs/protocol/a.md:3"],
            ("docs/protocol/a.md", "- **[ABC-1]** One.\n- **[ABC-2]** Two.\n- **[ABC-3]** Three."),
            ("src/A/A.cs", "// [ABC-3]"),
            ("tests/A/A.cs", comment));

    [Fact]
    public void SeriesNamesEveryRequirementInIt() =>
        Expect.Accepted(
            RequirementChecks.Tested,
            ("docs/protocol/a.md", "**[ABC-1]** One.\n\n**[ABC-2]** Two.\n\n**[ABC-3]** Three."),
            ("tests/A/A.cs", "// [ABC-1] to [ABC-3]"));

    [Fact]
    public void CitationOfNothingIsFound() =>
        Expect.Found(
            RequirementChecks.Exist,
            ["src/A/A.cs:1", "src/A/A.cs:2", "src/A/A.cs:4", "docs/protocol/a.md:2"],
            ("docs/protocol/a.md", "**[ABC-1]** One.\nAs [ABC-7] says."),
            ("src/A/A.cs", "// [ABC-2]\n// docs/protocol/b.md §3 [XYZ-1]\n// [SHA-256]\nFail(\"ABC-4\"); // [ABC-1]"));
}
