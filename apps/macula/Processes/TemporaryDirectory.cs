using Macula.Cli.Output;

namespace Macula.Cli.Processes;

/// <summary>A directory that only this account may enter, and that is gone with this object.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private TemporaryDirectory(string path) => Path = path;

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes one where the system keeps temporary files.</summary>
    /// <param name="prefix">What its name begins with.</param>
    /// <exception cref="CommandFailure">Nothing can be made there.</exception>
    public static TemporaryDirectory Create(string prefix)
    {
        try
        {
            return new TemporaryDirectory(Directory.CreateTempSubdirectory(prefix).FullName);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(
                ExitCode.Failure, $"No temporary directory can be made in {System.IO.Path.GetTempPath()}. Set TMPDIR to a directory that exists, has room and may be written by this account.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What was done is done; whoever looks after the machine should know of the keys in it.
            Terminal.WriteError($"The temporary directory {Path} could not be removed: {exception.Message}");
        }
    }
}
