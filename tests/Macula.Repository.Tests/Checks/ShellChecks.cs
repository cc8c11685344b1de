using System.Diagnostics;

namespace Macula.Repository.Tests.Checks;

/// <summary>The shell scripts.</summary>
internal static class ShellChecks
{
    private const string FirstStatement = "set -euo pipefail";

    // A parse of a few hundred lines takes milliseconds; a shell that hangs must not hang the tests.
    private static readonly TimeSpan ParseTime = TimeSpan.FromSeconds(20);

    public static IEnumerable<SourceFile> Scripts(SourceTree tree) =>
        tree.Files.Where(file => file.Path.EndsWith(".sh", StringComparison.Ordinal) || (file.Lines[0].StartsWith("#!", StringComparison.Ordinal) && file.Lines[0].Contains("sh", StringComparison.Ordinal)));

    public static IEnumerable<Finding> Strict(SourceTree tree) =>
        from script in Scripts(tree)
        let first = script.Lines.Index().FirstOrDefault(line => line.Item.Trim().Length > 0 && !line.Item.StartsWith('#'))
        where first.Item != FirstStatement
        select new Finding(script.Path, first.Index + 1, $"the first statement of a script is '{FirstStatement}'");

    public static IEnumerable<Finding> Parse(SourceTree tree) =>
        from script in Scripts(tree)
        let complaint = Complaint(script.Text)
        where complaint.Length > 0
        select new Finding(script.Path, 1, $"bash does not parse it: {complaint}");

    private static string Complaint(string script)
    {
        var start = new ProcessStartInfo("bash", ["-n"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using var bash = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        var complaint = bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        bash.StandardInput.Write(script);
        bash.StandardInput.Close();
        if (!bash.WaitForExit(ParseTime))
        {
            bash.Kill();
        }

        return bash.ExitCode == 0 ? "" : complaint.GetAwaiter().GetResult().Trim();
    }
}
