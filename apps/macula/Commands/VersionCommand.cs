using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Macula.Cli.Output;
using Macula.Protocols.Establishment;

namespace Macula.Cli.Commands;

/// <summary><c>macula version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>Which program this is, with the commit that it was built from.</summary>
    public static string ProgramVersion { get; } = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new ProgramCommand("version", "Show the versions of the program, the protocol and the runtime.");
        command.SetAction(parse =>
        {
            var program = ProgramVersion;
            var protocol = string.Join(", ", ConnectionEstablishment.SupportedVersions);
            if (CommonOptions.FormOf(parse) == OutputForm.Json)
            {
                JsonLine.Write(("version", program), ("protocol", protocol), ("runtime", RuntimeInformation.FrameworkDescription), ("platform", RuntimeInformation.RuntimeIdentifier));
            }
            else
            {
                Terminal.WriteFields(("macula", program), ("protocol", protocol), ("runtime", RuntimeInformation.FrameworkDescription), ("platform", RuntimeInformation.RuntimeIdentifier));
            }
        });
        return command;
    }
}
