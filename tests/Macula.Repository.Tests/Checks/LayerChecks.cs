using System.Xml;
using System.Xml.Linq;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>Which project may refer to which, and to what from outside.</summary>
internal static class LayerChecks
{
    /// <summary>The layer of every library and what it may refer to: the arrows of ARCHITECTURE.md, and what they imply.</summary>
    public static readonly Dictionary<string, (string Layer, string[] MayUse)> Layers = new()
    {
        ["Macula.Wire"] = ("Core", []),
        ["Macula.Protocols"] = ("Core", ["Macula.Wire"]),
        ["Macula.Identity"] = ("Shell", ["Macula.Wire"]),
        ["Macula.Transport"] = ("Shell", ["Macula.Wire"]),
        ["Macula.Transport.Quic"] = ("Native", ["Macula.Transport", "Macula.Wire"]),
        ["Macula"] = ("Shell", ["Macula.Protocols", "Macula.Identity", "Macula.Transport", "Macula.Wire"]),
        ["Macula.Gateway"] = ("Shell", ["Macula", "Macula.Protocols", "Macula.Identity", "Macula.Transport", "Macula.Wire"]),
        ["Macula.Testing"] = ("Shell", ["Macula", "Macula.Gateway", "Macula.Protocols", "Macula.Identity", "Macula.Transport", "Macula.Wire"]),
    };

    /// <summary>The packages that each project may refer to; docs/decisions/0010-dependencies.md says why each is there.</summary>
    public static readonly Dictionary<string, string[]> Packages = new()
    {
        ["Macula.Transport.Quic"] = ["Microsoft.Extensions.Logging.Abstractions"],
        ["Macula"] = ["Microsoft.Extensions.Logging.Abstractions"],
        ["Macula.Gateway"] = ["Microsoft.Extensions.Logging.Abstractions"],
        ["Macula.Testing"] = ["Microsoft.Extensions.Logging.Abstractions"],
        ["Macula.Cli"] = ["Microsoft.Extensions.Logging.Console", "System.CommandLine"],
        ["Macula.Repository.Tests"] = ["Microsoft.CodeAnalysis.CSharp"],
        ["Directory.Build"] = ["Microsoft.CodeAnalysis.BannedApiAnalyzers", "xunit.v3"],
    };

    public const string DependenciesPage = "docs/decisions/0010-dependencies.md";

    private const string NativeProject = "Macula.Transport.Quic";

    public static IEnumerable<Finding> ProjectReferences(SourceTree tree)
    {
        foreach (var file in Projects(tree))
        {
            foreach (var reference in file.Xml.Descendants("ProjectReference"))
            {
                var target = NameOf(reference.Attribute("Include")?.Value.Replace('\\', '/') ?? "");
                var isAllowed = file.Area switch
                {
                    "src" => Layers.TryGetValue(NameOf(file.Path), out var layer) && layer.MayUse.Contains(target),
                    "apps" => Layers.ContainsKey(target),
                    _ => !target.EndsWith(".Tests", StringComparison.Ordinal),
                };
                if (!isAllowed)
                {
                    yield return At(file, reference, $"{NameOf(file.Path)} may not refer to {target}: dependencies point inward (docs/decisions/0002-assemblies.md)");
                }
            }
        }
    }

    /// <summary>The layer decides which symbols are banned, so a library does not choose it for itself.</summary>
    public static IEnumerable<Finding> LayerNames(SourceTree tree)
    {
        foreach (var file in Projects(tree).Where(file => file.Area == "src"))
        {
            var named = file.Xml.Descendants("MaculaLayer").FirstOrDefault()?.Value;
            if (!Layers.TryGetValue(NameOf(file.Path), out var layer))
            {
                yield return new Finding(file.Path, 1, "a library without a row in LayerChecks.Layers: decide its layer and what it may use (docs/decisions/0002-assemblies.md)");
            }
            else if (named != layer.Layer)
            {
                yield return new Finding(file.Path, 1, $"names layer '{named}'; the table says {layer.Layer}");
            }
        }
    }

    public static IEnumerable<Finding> PackageReferences(SourceTree tree)
    {
        var record = tree.Find(DependenciesPage)?.Text ?? "";
        foreach (var file in Projects(tree).Concat(tree.Named("Directory.Build.targets")).Concat(tree.Named("Directory.Build.props")))
        {
            var owner = NameOf(file.Path);
            foreach (var reference in file.Xml.Descendants("PackageReference"))
            {
                var package = reference.Attribute("Include")?.Value ?? "";
                if (!Packages.GetValueOrDefault(owner, []).Contains(package))
                {
                    yield return At(file, reference, $"{owner} may not refer to {package}: give it a row in {DependenciesPage} and in LayerChecks.Packages");
                }
                else if (!record.Contains(package, StringComparison.Ordinal))
                {
                    yield return At(file, reference, $"{DependenciesPage} does not say why {package} is used");
                }
            }

            foreach (var reference in file.Xml.Descendants("FrameworkReference"))
            {
                yield return At(file, reference, $"a shared framework is a dependency like any other: decide it in {DependenciesPage} first");
            }
        }
    }

    /// <summary>Versions stand in one place, and nothing stands there that nobody uses.</summary>
    public static IEnumerable<Finding> PackageVersions(SourceTree tree)
    {
        var used = Projects(tree).Concat(tree.Named("Directory.Build.targets"))
            .SelectMany(file => file.Xml.Descendants("PackageReference")).Select(reference => reference.Attribute("Include")?.Value).ToHashSet();
        return from file in tree.Named("Directory.Packages.props")
               from version in file.Xml.Descendants("PackageVersion")
               where !used.Contains(version.Attribute("Include")?.Value)
               select At(file, version, $"no project refers to {version.Attribute("Include")?.Value}: remove the line");
    }

    public static IEnumerable<Finding> NativeCode(SourceTree tree) =>
        from file in tree.CSharp("src", "apps")
        where !file.Path.StartsWith($"src/{NativeProject}/", StringComparison.Ordinal)
        from attribute in file.Syntax.DescendantNodes().OfType<AttributeSyntax>()
        where attribute.Name.ToString() is "DllImport" or "LibraryImport" or "UnmanagedCallersOnly"
        select file.At(attribute, $"native code is called in {NativeProject} alone");

    public static IEnumerable<Finding> OpenInternals(SourceTree tree)
    {
        const string advice = "production code is not opened for tests: test through the public surface";
        var inProjects = from file in Projects(tree).Concat(tree.Named(".props")).Concat(tree.Named(".targets"))
                         from item in file.Xml.Descendants("InternalsVisibleTo")
                         select At(file, item, advice);
        var inCode = from file in tree.CSharp("src", "apps", "tests")
                     from attribute in file.Syntax.DescendantNodes().OfType<AttributeSyntax>()
                     where attribute.Name.ToString().Contains("InternalsVisibleTo", StringComparison.Ordinal)
                        || attribute.Name.ToString().Contains("IgnoresAccessChecksTo", StringComparison.Ordinal)
                     select file.At(attribute, advice);
        return inProjects.Concat(inCode);
    }

    /// <summary>What the solution does not name is neither built nor tested by ./test.sh.</summary>
    public static IEnumerable<Finding> Solution(SourceTree tree)
    {
        var named = tree.Named(".slnx").SelectMany(file => file.Xml.Descendants("Project")).Select(project => project.Attribute("Path")?.Value).ToHashSet();
        return Projects(tree).Where(file => !named.Contains(file.Path)).Select(file => new Finding(file.Path, 1, "stands in no solution: add it to Macula.slnx"));
    }

    private static IEnumerable<SourceFile> Projects(SourceTree tree) => tree.Named(".csproj");

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(path);

    private static Finding At(SourceFile file, XElement element, string advice) => new(file.Path, ((IXmlLineInfo)element).LineNumber, advice);
}
