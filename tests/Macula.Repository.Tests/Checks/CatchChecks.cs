using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>What happens to exceptions.</summary>
internal static class CatchChecks
{
    private static readonly string[] Areas = ["src", "apps", "tests"];

    public static IEnumerable<Finding> Empty(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        from clause in Clauses(file)
        where clause.Block.Statements.Count == 0 && (IsCatchAll(clause) || !HasComment(clause.Block.DescendantTrivia()))
        select file.At(clause, "a catch that does nothing: name the exception and say in the block why nothing is to be done, or handle it");

    /// <summary>Whoever catches everything stands at the root of a task and says what ends there and who learns of it.</summary>
    public static IEnumerable<Finding> Everything(SourceTree tree) =>
        from file in tree.CSharp(Areas)
        from clause in Clauses(file)
        where IsCatchAll(clause) && !IsRethrown(clause) && !IsExplained(clause)
        select file.At(clause, "catches everything without a word: name the exceptions, or say above it what ends here and who learns of it");

    private static IEnumerable<CatchClauseSyntax> Clauses(SourceFile file) => file.Syntax.DescendantNodes().OfType<CatchClauseSyntax>();

    private static bool IsCatchAll(CatchClauseSyntax clause) =>
        clause.Filter is null && (clause.Declaration is null || clause.Declaration.Type.ToString() is "Exception" or "System.Exception");

    private static bool IsRethrown(CatchClauseSyntax clause) => clause.Block.Statements.LastOrDefault() is ThrowStatementSyntax { Expression: null };

    // Beside the catch, at the top of its block, above its method, or above a type whose methods are all such roots.
    private static bool IsExplained(CatchClauseSyntax clause) =>
        HasComment(clause.GetLeadingTrivia())
        || HasComment(clause.CatchKeyword.GetPreviousToken().TrailingTrivia)
        || HasComment(clause.Block.OpenBraceToken.LeadingTrivia)
        || HasComment(clause.Block.OpenBraceToken.TrailingTrivia)
        || HasComment(clause.Block.OpenBraceToken.GetNextToken().LeadingTrivia)
        || (clause.Ancestors().OfType<BaseMethodDeclarationSyntax>().FirstOrDefault() is { } method && HasComment(method.GetLeadingTrivia()))
        || (clause.Ancestors().OfType<TypeDeclarationSyntax>().FirstOrDefault() is { } type && HasComment(type.GetLeadingTrivia()));

    private static bool HasComment(IEnumerable<SyntaxTrivia> trivia) =>
        trivia.Any(part => part.IsKind(SyntaxKind.SingleLineCommentTrivia) || part.IsKind(SyntaxKind.MultiLineCommentTrivia));
}
