using System.Diagnostics;

namespace Macula.Cli.Tests.Support;

/// <summary>Ends a process, and what that has started, with the test that started it; one that has ended already is left alone.</summary>
internal sealed class ProcessLife(Process process) : IDisposable
{
    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
