using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Macula.Repository.Tests.Checks;

/// <summary>How tests wait.</summary>
internal static partial class WaitChecks
{
    /// <summary>A test that sleeps is slow when it passes and fails when the machine is slow; virtual time neither.</summary>
    public static IEnumerable<Finding> Sleeps(SourceTree tree) =>
        from file in tree.CSharp("tests")
        from call in file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>()
        where call.Expression.ToString() is "Thread.Sleep" or "Task.Delay" or "System.Threading.Thread.Sleep" or "System.Threading.Tasks.Task.Delay"
        where !call.ArgumentList.Arguments.Skip(1).Any(argument => Clock().IsMatch(argument.ToString()))
        select file.At(call, "tests do not sleep: await what is to happen, or move a clock of your own");

    [GeneratedRegex(@"(clock|timeProvider|\btime)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Clock();
}
