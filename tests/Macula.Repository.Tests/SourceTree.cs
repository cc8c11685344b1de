using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests;

/// <summary>The text files of a repository, or of one that a test has made up.</summary>
internal sealed class SourceTree
{
    private static readonly Lazy<SourceTree> Repository = new(Read);

    // What git, builds and tools leave behind; everything else in the folder is taken to be the repository's.
    private static readonly HashSet<string> Skipped =
        [".git", ".vs", ".idea", "artifacts", "bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    private readonly Dictionary<string, SourceFile> _files;

    private SourceTree(IEnumerable<SourceFile> files) => _files = files.ToDictionary(file => file.Path, StringComparer.Ordinal);

    /// <summary>The repository that these tests were built in.</summary>
    public static SourceTree Current => Repository.Value;

    /// <summary>The folder of <see cref="Current"/>.</summary>
    public static string Root { get; } = FindRoot();

    public IEnumerable<SourceFile> Files => _files.Values.OrderBy(file => file.Path, StringComparer.Ordinal);

    /// <summary>The C# files below the folders named.</summary>
    public IEnumerable<SourceFile> CSharp(params string[] areas) => Files.Where(file => file.IsCSharp && areas.Contains(file.Area));

    public IEnumerable<SourceFile> Named(string suffix) => Files.Where(file => file.Path.EndsWith(suffix, StringComparison.Ordinal));

    public IEnumerable<SourceFile> Below(string folder) => Files.Where(file => file.Path.StartsWith(folder + "/", StringComparison.Ordinal));

    public SourceFile? Find(string path) => _files.GetValueOrDefault(path);

    /// <summary>Whether <paramref name="path"/> is a file or a folder that holds one.</summary>
    public bool Holds(string path) =>
        _files.ContainsKey(path) || _files.Keys.Any(file => file.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal));

    /// <summary>A tree of made-up files: path and text of each.</summary>
    public static SourceTree Planted(params (string Path, string Text)[] files) => new(files.Select(file => new SourceFile(file.Path, file.Text)));

    private static SourceTree Read() =>
        new(Walk(Root)
            .Select(path => (Path: System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/'), Text: File.ReadAllText(path)))
            .Where(file => !file.Text.Contains('\0', StringComparison.Ordinal))
            .Select(file => new SourceFile(file.Path, file.Text)));

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFileSystemEntries(folder)
            .Where(entry => !Skipped.Contains(System.IO.Path.GetFileName(entry)))
            .SelectMany(entry => Directory.Exists(entry) ? Walk(entry) : [entry]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Macula.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Macula.slnx above {AppContext.BaseDirectory}: the tests run from a clone's artifacts folder.");
    }
}

/// <summary>One text file, its path with forward slashes from the root of its tree.</summary>
internal sealed class SourceFile(string path, string text)
{
    private readonly Lazy<CompilationUnitSyntax> _syntax =
        new(() => CSharpSyntaxTree.ParseText(text).GetCompilationUnitRoot());

    private readonly Lazy<string[]> _lines = new(() => text.Split('\n'));

    public string Path => path;

    public string Text => text;

    public IReadOnlyList<string> Lines => _lines.Value;

    /// <summary>The first folder of the path: src, apps, tests, docs.</summary>
    public string Area => path.Split('/')[0];

    public string Name => System.IO.Path.GetFileName(path);

    public bool IsCSharp => path.EndsWith(".cs", StringComparison.Ordinal);

    public CompilationUnitSyntax Syntax => _syntax.Value;

    public XDocument Xml => XDocument.Parse(text, LoadOptions.SetLineInfo);

    public int LineAt(int offset) => text.AsSpan(0, offset).Count('\n') + 1;

    public Finding At(SyntaxNode node, string advice) => At(node.SpanStart, advice);

    public Finding At(int offset, string advice) => new(path, LineAt(offset), advice);
}

/// <summary>A place that breaks a rule, with what to do about it.</summary>
internal sealed record Finding(string Path, int Line, string Advice)
{
    public override string ToString() => $"{Path}:{Line}: {Advice}";
}

/// <summary>A rule: what it finds in a tree.</summary>
internal delegate IEnumerable<Finding> Check(SourceTree tree);

internal static class Expect
{
    /// <summary>Fails with every finding on a line of its own, unless the repository obeys.</summary>
    public static void Obeyed(Check check)
    {
        var findings = check(SourceTree.Current).ToList();
        Assert.True(findings.Count == 0, $"{findings.Count} places break the rule:\n{string.Join('\n', findings)}");
    }

    /// <summary>Fails unless the check finds exactly the places given, as path:line, in the files planted.</summary>
    public static void Found(Check check, string[] places, params (string Path, string Text)[] files)
    {
        var findings = check(SourceTree.Planted(files)).ToList();
        Assert.Equal(places.Order(StringComparer.Ordinal), findings.Select(finding => $"{finding.Path}:{finding.Line}").Order(StringComparer.Ordinal));
    }

    /// <summary>Fails when the check finds anything in the files planted.</summary>
    public static void Accepted(Check check, params (string Path, string Text)[] files) => Found(check, [], files);
}
