using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>How large things may grow, how they may be split and what they may be called.</summary>
internal static partial class ShapeChecks
{
    public const int MaxTypeLines = 500;
    public const int MaxMethodLines = 60;
    public const int MaxFileLines = 400;

    private static readonly string[] Areas = ["src", "apps", "tests"];

    public static IEnumerable<Finding> TypeSize(SourceTree tree) =>
        from part in tree.CSharp(Areas).SelectMany(Types)
        group part by (part.File.Path.Split('/')[1], QualifiedName(part.Type)) into type
        let lines = type.Sum(part => LinesOf(part.Type))
        where lines > MaxTypeLines
        let first = type.First()
        select first.File.At(
            first.Type,
            $"{first.Type.Identifier.Text} has {lines} lines over {type.Count()} files, more than {MaxTypeLines}: give part of its work to a type of its own");

    public static IEnumerable<Finding> MethodSize(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        from method in file.Syntax.DescendantNodes().Where(node => node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax)
        let lines = LinesOf(method)
        where lines > MaxMethodLines
        select file.At(method, $"a method of {lines} lines, more than {MaxMethodLines}: name its steps and make methods of them");

    public static IEnumerable<Finding> FileSize(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        let lines = file.Lines.Count - (file.Text.EndsWith('\n') ? 1 : 0)
        where lines > MaxFileLines
        select new Finding(file.Path, 1, $"{lines} lines, more than {MaxFileLines}: move a type, or a topic of a public type, to a file of its own");

    /// <summary>Partial types are for source generators, and for public types that are split by topic.</summary>
    public static IEnumerable<Finding> Partials(SourceTree tree)
    {
        var parts = tree.CSharp(Areas).SelectMany(Types).Where(part => part.Type.Modifiers.Any(SyntaxKind.PartialKeyword));
        foreach (var type in parts.GroupBy(part => (part.File.Path.Split('/')[1], QualifiedName(part.Type))))
        {
            var (file, first) = type.First();
            var files = type.Select(part => part.File).Distinct().ToList();
            if (files.Count == 1)
            {
                if (!type.Any(part => IsCompletedByGenerator(part.Type)))
                {
                    yield return file.At(first, $"{first.Identifier.Text} is partial and nothing generates its rest: drop the word");
                }
            }
            else if (!type.Any(part => part.Type.Modifiers.Any(SyntaxKind.PublicKeyword)))
            {
                yield return file.At(first, $"{first.Identifier.Text} is split over {files.Count} files and not public: make types of the parts");
            }
            else
            {
                foreach (var odd in files.Where(other => !IsTopicFile(other.Name, first.Identifier.Text)))
                {
                    yield return new Finding(odd.Path, 1, $"holds a part of {first.Identifier.Text}: call the file {first.Identifier.Text}.Topic.cs");
                }
            }
        }
    }

    public static IEnumerable<Finding> Names(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        from node in file.Syntax.DescendantNodes()
        let name = node switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.Text,
            DelegateDeclarationSyntax type => type.Identifier.Text,
            BaseNamespaceDeclarationSyntax space => space.Name.ToString(),
            _ => null,
        }
        where name is not null && EmptyEnding().IsMatch(name)
        select file.At(node, $"'{name}' ends in a word that says nothing: take the noun of the paper, or what it keeps or does");

    /// <summary>
    /// An interface is a seam with two sides that exist. Public ones at the edge of a package may be implemented by its users;
    /// those stand in <see cref="PackageBoundaries"/>.
    /// </summary>
    public static IEnumerable<Finding> Interfaces(SourceTree tree)
    {
        var types = tree.CSharp("src", "apps").SelectMany(Types).ToList();
        var bases = types.ToLookup(part => part.Type.Identifier.Text, part => BaseNames(part.Type));
        var concrete = types
            .Where(part => part.Type is not InterfaceDeclarationSyntax && !part.Type.Modifiers.Any(SyntaxKind.AbstractKeyword))
            .Select(part => part.Type.Identifier.Text).Distinct().ToList();
        var ancestors = concrete.Select(name => Ancestors(name, bases)).ToList();
        return from part in types
               where part.Type is InterfaceDeclarationSyntax && !PackageBoundaries.Contains(part.Type.Identifier.Text)
               let count = ancestors.Count(set => set.Contains(part.Type.Identifier.Text))
               where count < 2
               select part.File.At(part.Type, $"{part.Type.Identifier.Text} has {count} implementations in src/ and apps/: write the class, until there are two");
    }

    /// <summary>A bool that is itself the datum is named <c>value</c> or <c>condition</c>; every other one chooses, and an enum chooses in words.</summary>
    public static IEnumerable<Finding> BoolParameters(SourceTree tree) =>
        from part in tree.CSharp("src").SelectMany(Types)
        where IsPublic(part.Type)
        from method in part.Type.Members.OfType<BaseMethodDeclarationSyntax>()
        where method is MethodDeclarationSyntax or ConstructorDeclarationSyntax && !method.Modifiers.Any(SyntaxKind.OverrideKeyword)
        where method.Modifiers.Any(SyntaxKind.PublicKeyword) || part.Type is InterfaceDeclarationSyntax
        from parameter in method.ParameterList.Parameters
        where parameter.Type?.ToString() is "bool" or "bool?" && !parameter.Modifiers.Any(SyntaxKind.OutKeyword)
        where parameter.Identifier.Text is not ("value" or "condition")
        select part.File.At(parameter, $"a caller reads 'true' and not '{parameter.Identifier.Text}': take an enum");

    /// <summary>Interfaces that users of a package implement.</summary>
    public static readonly HashSet<string> PackageBoundaries = [];

    private static IEnumerable<(SourceFile File, TypeDeclarationSyntax Type)> Types(SourceFile file) =>
        file.Syntax.DescendantNodes().OfType<TypeDeclarationSyntax>().Select(type => (file, type));

    private static int LinesOf(SyntaxNode node)
    {
        var span = node.GetLocation().GetLineSpan();
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    private static string QualifiedName(TypeDeclarationSyntax type)
    {
        var names = type.Ancestors().Select(ancestor => ancestor switch
        {
            TypeDeclarationSyntax outer => outer.Identifier.Text,
            BaseNamespaceDeclarationSyntax space => space.Name.ToString(),
            _ => null,
        });
        return string.Join('.', names.Where(name => name is not null).Reverse().Append($"{type.Identifier.Text}`{type.TypeParameterList?.Parameters.Count ?? 0}"));
    }

    private static bool IsPublic(TypeDeclarationSyntax type) =>
        type.AncestorsAndSelf().OfType<TypeDeclarationSyntax>().All(outer => outer.Modifiers.Any(SyntaxKind.PublicKeyword));

    private static bool IsTopicFile(string fileName, string typeName) =>
        fileName == typeName + ".cs" || Regex.IsMatch(fileName, $@"^{Regex.Escape(typeName)}\.[A-Z]\w*\.cs$");

    // A generator completes a partial member, or a type that an attribute marks.
    private static bool IsCompletedByGenerator(TypeDeclarationSyntax type) =>
        type.AttributeLists.Count > 0
        || type.DescendantNodes().OfType<MemberDeclarationSyntax>().Any(member =>
            member.Modifiers.Any(SyntaxKind.PartialKeyword) && (member is not TypeDeclarationSyntax nested || IsCompletedByGenerator(nested)));

    private static IEnumerable<string> BaseNames(TypeDeclarationSyntax type) =>
        type.BaseList?.Types.Select(entry => entry.Type switch
        {
            QualifiedNameSyntax qualified => qualified.Right.Identifier.Text,
            SimpleNameSyntax simple => simple.Identifier.Text,
            _ => entry.Type.ToString(),
        }) ?? [];

    private static HashSet<string> Ancestors(string name, ILookup<string, IEnumerable<string>> bases)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>([name]);
        while (open.TryPop(out var next))
        {
            foreach (var parent in bases[next].SelectMany(parents => parents).Where(found.Add))
            {
                open.Push(parent);
            }
        }

        return found;
    }

    [GeneratedRegex(@"(Manager|Helpers?|Utils?|Utility|Utilities|Common|Misc|Processor|Data|Info|Wrapper|Impl)$")]
    private static partial Regex EmptyEnding();
}
