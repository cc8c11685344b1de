using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class LayerTests
{
    [Fact]
    public void ProjectsReferInward() => Expect.Obeyed(LayerChecks.ProjectReferences);

    [Fact]
    public void LibrariesHaveTheLayerOfTheTable() => Expect.Obeyed(LayerChecks.LayerNames);

    [Fact]
    public void EveryPackageIsDecided() => Expect.Obeyed(LayerChecks.PackageReferences);

    [Fact]
    public void EveryPackageVersionIsUsed() => Expect.Obeyed(LayerChecks.PackageVersions);

    [Fact]
    public void NativeCodeIsCalledInOnePlace() => Expect.Obeyed(LayerChecks.NativeCode);

    [Fact]
    public void InternalsStayInternal() => Expect.Obeyed(LayerChecks.OpenInternals);

    [Fact]
    public void SolutionHoldsEveryProject() => Expect.Obeyed(LayerChecks.Solution);

    [Fact]
    public void LayersAreAcyclic()
    {
        foreach (var (name, (_, mayUse)) in LayerChecks.Layers)
        {
            Assert.DoesNotContain(mayUse, used => LayerChecks.Layers[used].MayUse.Contains(name));
        }
    }

    [Theory]
    [InlineData("src/Macula.Wire/Macula.Wire.csproj", "../Macula.Transport/Macula.Transport.csproj")]
    [InlineData("src/Macula.Transport.Quic/Macula.Transport.Quic.csproj", "../Macula/Macula.csproj")]
    [InlineData("src/Macula/Macula.csproj", "../Macula.Transport.Quic/Macula.Transport.Quic.csproj")]
    [InlineData("src/Macula.Protocols/Macula.Protocols.csproj", "..\\Macula.Identity\\Macula.Identity.csproj")]
    [InlineData("src/Unheard/Unheard.csproj", "../Macula.Wire/Macula.Wire.csproj")]
    [InlineData("apps/macula/Macula.Cli.csproj", "../../tests/Macula.Tests/Macula.Tests.csproj")]
    [InlineData("tests/Macula.Tests/Macula.Tests.csproj", "../Macula.Wire.Tests/Macula.Wire.Tests.csproj")]
    public void ReferenceOutwardIsFound(string project, string reference) =>
        Expect.Found(LayerChecks.ProjectReferences, [$"{project}:2"], (project, Item("ProjectReference", reference)));

    [Fact]
    public void ReferenceInwardIsAccepted() =>
        Expect.Accepted(
            LayerChecks.ProjectReferences,
            ("src/Macula/Macula.csproj", Item("ProjectReference", "../Macula.Transport/Macula.Transport.csproj")),
            ("tests/Macula.Tests/Macula.Tests.csproj", Item("ProjectReference", "../../apps/macula/Macula.Cli.csproj")));

    [Fact]
    public void LibraryThatChoosesItsLayerIsFound() =>
        Expect.Found(
            LayerChecks.LayerNames,
            ["src/Macula.Wire/Macula.Wire.csproj:1", "src/Unheard/Unheard.csproj:1"],
            ("src/Macula.Wire/Macula.Wire.csproj", "<Project><PropertyGroup><MaculaLayer>Shell</MaculaLayer></PropertyGroup></Project>"),
            ("src/Macula.Protocols/Macula.Protocols.csproj", "<Project><PropertyGroup><MaculaLayer>Core</MaculaLayer></PropertyGroup></Project>"),
            ("src/Unheard/Unheard.csproj", "<Project><PropertyGroup><MaculaLayer>Core</MaculaLayer></PropertyGroup></Project>"));

    [Fact]
    public void UndecidedPackageIsFound() =>
        Expect.Found(
            LayerChecks.PackageReferences,
            ["src/Macula.Wire/Macula.Wire.csproj:2", "apps/macula/Macula.Cli.csproj:2", "tests/Macula.Tests/Macula.Tests.csproj:2"],
            (LayerChecks.DependenciesPage, "| Microsoft.Extensions.Logging.Console | tables |"),
            ("src/Macula.Wire/Macula.Wire.csproj", Item("PackageReference", "MessagePack")),
            ("apps/macula/Macula.Cli.csproj", Item("PackageReference", "System.CommandLine")),
            ("tests/Macula.Tests/Macula.Tests.csproj", Item("FrameworkReference", "Microsoft.AspNetCore.App")));

    [Fact]
    public void DecidedPackageIsAccepted() =>
        Expect.Accepted(
            LayerChecks.PackageReferences,
            (LayerChecks.DependenciesPage, "| Microsoft.Extensions.Logging.Console | tables |"),
            ("apps/macula/Macula.Cli.csproj", Item("PackageReference", "Microsoft.Extensions.Logging.Console")));

    [Fact]
    public void VersionOfAnUnusedPackageIsFound() =>
        Expect.Found(
            LayerChecks.PackageVersions,
            ["Directory.Packages.props:2"],
            ("Directory.Packages.props", Item("PackageVersion", "Moq")),
            ("apps/macula/Macula.Cli.csproj", Item("PackageReference", "Microsoft.Extensions.Logging.Console")));

    [Fact]
    public void NativeCodeElsewhereIsFound() =>
        Expect.Found(
            LayerChecks.NativeCode,
            ["src/Macula.Identity/A.cs:1"],
            ("src/Macula.Identity/A.cs", "class A { [LibraryImport(\"c\")] static partial void F(); }"),
            ("src/Macula.Transport.Quic/A.cs", "class A { [LibraryImport(\"c\")] static partial void F(); }"));

    [Fact]
    public void OpenedInternalsAreFound() =>
        Expect.Found(
            LayerChecks.OpenInternals,
            ["src/A/A.cs:1", "src/A/A.csproj:2"],
            ("src/A/A.cs", "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"T\")]"),
            ("src/A/A.csproj", Item("InternalsVisibleTo", "T")));

    [Fact]
    public void ProjectOutsideTheSolutionIsFound() =>
        Expect.Found(
            LayerChecks.Solution,
            ["src/B/B.csproj:1"],
            ("Macula.slnx", "<Solution><Project Path=\"src/A/A.csproj\" /></Solution>"),
            ("src/A/A.csproj", "<Project/>"),
            ("src/B/B.csproj", "<Project/>"));

    private static string Item(string kind, string include) => $"<Project><ItemGroup>\n<{kind} Include=\"{include}\" /></ItemGroup></Project>";
}
