using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>What comments and documentation say.</summary>
internal static partial class CommentChecks
{
    private static readonly string[] Areas = ["src", "apps", "tests"];

    // Words that add nothing to a name: "Gets or sets the value of the X".
    private static readonly HashSet<string> Filler =
    [
        "a", "an", "the", "of", "to", "for", "this", "that", "is", "be", "get", "set", "or", "and", "return", "represent", "value",
        "specified", "given", "new", "instance", "class", "struct", "type",
    ];

    /// <summary>Comments tell why; what was, what will be and who asked for it is the business of git.</summary>
    public static IEnumerable<Finding> History(SourceTree tree) =>
        CSharpComments(tree).Concat(OtherComments(tree))
            .Where(comment => Telling().IsMatch(comment.Text))
            .Select(comment => comment.File.At(
                comment.Offset, $"'{Telling().Match(comment.Text).Value}' tells history, plans or tickets: say why the code is as it is, or nothing"));

    /// <summary>Documentation whose words are those of the name that it documents.</summary>
    public static IEnumerable<Finding> Echoes(SourceTree tree)
    {
        foreach (var file in tree.CSharp(Areas))
        {
            foreach (var documentation in file.Syntax.DescendantNodes(descendIntoTrivia: true).OfType<DocumentationCommentTriviaSyntax>())
            {
                var member = documentation.ParentTrivia.Token.Parent?.AncestorsAndSelf()
                    .FirstOrDefault(node => node is MemberDeclarationSyntax and not BaseNamespaceDeclarationSyntax);
                if (member is null)
                {
                    continue;
                }

                foreach (var element in documentation.Content.OfType<XmlElementSyntax>())
                {
                    var name = NameDocumentedBy(element, member);
                    if (name is not null && IsEcho(TextOf(element), name))
                    {
                        yield return file.At(element, $"says no more than the name '{name}': say units, range, default, errors, or leave it out");
                    }
                }
            }
        }
    }

    private static IEnumerable<(SourceFile File, int Offset, string Text)> CSharpComments(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        from trivia in file.Syntax.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia)
            || trivia.IsKind(SyntaxKind.SingleLineDocumentationCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineDocumentationCommentTrivia)
        select (file, trivia.SpanStart, trivia.ToFullString());

    private static IEnumerable<(SourceFile File, int Offset, string Text)> OtherComments(SourceTree tree)
    {
        foreach (var file in ShellChecks.Scripts(tree))
        {
            foreach (Match comment in ShellComment().Matches(file.Text))
            {
                yield return (file, comment.Index, comment.Value);
            }
        }

        foreach (var file in tree.Named("proj").Concat(tree.Named(".props")).Concat(tree.Named(".targets")))
        {
            foreach (Match comment in XmlComment().Matches(file.Text))
            {
                yield return (file, comment.Index, comment.Value);
            }
        }
    }

    private static string? NameDocumentedBy(XmlElementSyntax element, SyntaxNode member) => element.StartTag.Name.ToString() switch
    {
        "summary" or "returns" => member switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.Text,
            MethodDeclarationSyntax method => method.Identifier.Text,
            ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
            PropertyDeclarationSyntax property => property.Identifier.Text,
            EventDeclarationSyntax @event => @event.Identifier.Text,
            DelegateDeclarationSyntax @delegate => @delegate.Identifier.Text,
            EnumMemberDeclarationSyntax value => value.Identifier.Text,
            BaseFieldDeclarationSyntax field => field.Declaration.Variables[0].Identifier.Text,
            _ => null,
        },
        "param" or "typeparam" => element.StartTag.Attributes.OfType<XmlNameAttributeSyntax>().FirstOrDefault()?.Identifier.Identifier.ValueText,
        _ => null,
    };

    // The words that a reader sees: markup is dropped, a reference counts as the name that it refers to.
    private static string TextOf(XmlElementSyntax element)
    {
        var text = DocumentationPrefix().Replace(element.Content.ToFullString(), " ");
        text = Reference().Replace(text, match => " " + match.Groups["name"].Value.Split('.')[^1] + " ");
        return Markup().Replace(text, " ");
    }

    private static bool IsEcho(string text, string name)
    {
        var words = WordsOf(text).Where(word => !Filler.Contains(word)).ToHashSet();
        var known = WordsOf(name).ToHashSet();
        var isSilent = !WordsOf(text).Any();
        return isSilent || words.IsSubsetOf(known);
    }

    // 'Handlers' and 'handler', 'Closes' and 'close' are the same word here.
    private static IEnumerable<string> WordsOf(string text) =>
        Word().Matches(text).Select(match => match.Value.ToLowerInvariant()).Select(word => word.Length > 2 ? word.TrimEnd('s') : word);

    [GeneratedRegex(
        @"(?i:\b(previously|formerly|refactored|(it|this|which|that|we) used to|was (changed|renamed|moved|added) (to|from|in|for|because)"
        + @"|(moved|extracted|renamed|ported|copied) from|replaces the old|as requested|per review|new implementation|legacy approach"
        + @"|phase \d|landing [a-d]|milestone|for now|not yet implemented|in a (later|future) (version|landing|release)"
        + @"|will be (added|implemented|supported) later|(issue|ticket|task|bug|pr|pull request) ?#? ?\d+)\b)"
        + @"|\b(TODO|FIXME|HACK|XXX)\b|(?<=^|[\s(])(?<!PKCS )#\d{1,6}\b")]
    private static partial Regex Telling();

    [GeneratedRegex(@"(?<=^|\s)#(?![!]).*", RegexOptions.Multiline)]
    private static partial Regex ShellComment();

    [GeneratedRegex(@"<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex XmlComment();

    [GeneratedRegex(@"^\s*///", RegexOptions.Multiline)]
    private static partial Regex DocumentationPrefix();

    [GeneratedRegex(@"<\w+\s+(cref|name|langword)=""(?<name>[^""(]*)[^""]*""\s*/>")]
    private static partial Regex Reference();

    [GeneratedRegex(@"</?\w+[^>]*>|&\w+;")]
    private static partial Regex Markup();

    [GeneratedRegex(@"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")]
    private static partial Regex Word();
}
