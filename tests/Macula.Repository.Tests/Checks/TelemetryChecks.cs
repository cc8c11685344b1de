using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>Log events and metrics: names and numbers that operators build on.</summary>
internal static partial class TelemetryChecks
{
    private const int EventsPerArea = 100;

    private static readonly HashSet<string> InstrumentFactories =
    [
        "CreateCounter", "CreateUpDownCounter", "CreateHistogram", "CreateGauge",
        "CreateObservableCounter", "CreateObservableUpDownCounter", "CreateObservableGauge",
    ];

    public static IEnumerable<Finding> EventIds(SourceTree tree)
    {
        var seen = new Dictionary<int, string>();
        var areas = new Dictionary<int, string>();
        foreach (var file in tree.CSharp("src", "apps"))
        {
            foreach (var attribute in file.Syntax.DescendantNodes().OfType<AttributeSyntax>().Where(attribute => attribute.Name.ToString() == "LoggerMessage"))
            {
                if (EventIdOf(attribute) is not { } id)
                {
                    yield return file.At(attribute, "a log event has a number of its own, written as a literal");
                    continue;
                }

                var method = attribute.FirstAncestorOrSelf<MethodDeclarationSyntax>()?.Identifier.Text ?? "?";
                var area = attribute.FirstAncestorOrSelf<TypeDeclarationSyntax>()?.Identifier.Text ?? "?";
                if (!seen.TryAdd(id, method))
                {
                    yield return file.At(attribute, $"event id {id} belongs to {seen[id]} already");
                }
                else if (!areas.TryAdd(id / EventsPerArea, area) && areas[id / EventsPerArea] != area)
                {
                    yield return file.At(attribute, $"event id {id} is of the hundred that {areas[id / EventsPerArea]} numbers from");
                }
            }
        }
    }

    public static IEnumerable<Finding> InstrumentNames(SourceTree tree) =>
        from file in tree.CSharp("src", "apps")
        from call in file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>()
        where call.Expression is MemberAccessExpressionSyntax { Name: SimpleNameSyntax name } && InstrumentFactories.Contains(name.Identifier.Text)
        let argument = call.ArgumentList.Arguments.FirstOrDefault()?.Expression
        where argument is not LiteralExpressionSyntax literal || !InstrumentName().IsMatch(literal.Token.ValueText)
        select file.At(call, $"an instrument's name is a literal such as \"macula.lookup.duration\", and not {argument}");

    private static int? EventIdOf(AttributeSyntax attribute)
    {
        var arguments = attribute.ArgumentList?.Arguments ?? [];
        var argument = arguments.FirstOrDefault(candidate => candidate.NameEquals?.Name.Identifier.Text == "EventId"
            || candidate.NameColon?.Name.Identifier.Text == "eventId")
            ?? arguments.FirstOrDefault(candidate => candidate.NameEquals is null && candidate.NameColon is null);
        return int.TryParse(argument?.Expression.ToString().Replace("_", "", StringComparison.Ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    [GeneratedRegex(@"^macula(\.[a-z][a-z0-9_]*)+$")]
    private static partial Regex InstrumentName();
}
