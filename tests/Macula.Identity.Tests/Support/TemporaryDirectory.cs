namespace Macula.Identity.Tests.Support;

/// <summary>A directory of one test, gone afterwards.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("macula-identity-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
