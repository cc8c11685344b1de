namespace Macula.Cli.Tests.Support;

/// <summary>A folder of one test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("macula-cli-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
