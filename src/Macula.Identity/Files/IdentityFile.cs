namespace Macula.Identity.Files;

/// <summary>Whether a file may be read by others than its owner.</summary>
internal enum FileSecrecy
{
    Shared,
    Secret,
}

/// <summary>Reads and writes the files of an identity: whole, limited in size, secret ones under a mode that lets only the owner in.</summary>
/// <remarks>docs/protocol/01-identity.md [ID-24].</remarks>
internal static class IdentityFile
{
    private const UnixFileMode SecretMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode SharedMode = SecretMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode OthersMode =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">Largest file that is read.</param>
    /// <param name="secrecy">A secret file that others may read is refused before a byte of it is read.</param>
    /// <param name="cureWhenMissing">What to do when there is no such file, as a whole sentence.</param>
    /// <exception cref="IdentityFileException">The file cannot be read, is too large, or is open to others.</exception>
    public static byte[] Read(string path, int maxBytes, FileSecrecy secrecy, string cureWhenMissing)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (secrecy == FileSecrecy.Secret)
            {
                RefuseOpenToOthers(path, file);
            }

            if (file.Length > maxBytes)
            {
                throw new IdentityFileException(
                    FileFault.Malformed, path, $"has {file.Length} bytes, where at most {maxBytes} make sense.", "Look whether it is the right file.");
            }

            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IdentityFileException(FileFault.Missing, path, "does not exist.", cureWhenMissing, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new IdentityFileException(
                FileFault.Unreadable, path, "cannot be read.", $"Let the account that runs the node read it ({exception.Message}).", exception);
        }
    }

    /// <summary>Writes a file that does not exist yet. It appears whole and under its final mode, or not at all.</summary>
    /// <exception cref="IdentityFileException">It exists, or cannot be written.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy) => Write(path, content, secrecy, Existing.Keep);

    /// <summary>Writes a file in place of the one that may be there. Whoever reads meanwhile sees the old one or the new one, whole.</summary>
    /// <exception cref="IdentityFileException">It cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy) => Write(path, content, secrecy, Existing.Replace);

    private static void Write(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy, Existing existing)
    {
        var draft = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            try
            {
                WriteDraft(draft, content, secrecy);
                File.Move(draft, path, overwrite: existing == Existing.Replace);
            }
            finally
            {
                // After the move there is no draft, and nothing happens.
                File.Delete(draft);
            }
        }
        catch (IOException exception) when (existing == Existing.Keep && File.Exists(path))
        {
            throw new IdentityFileException(
                FileFault.AlreadyExists, path, "exists already and is not overwritten.", "Move it away, or choose another name.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IdentityFileException(
                FileFault.Unwritable, path, "cannot be written.", $"Make room, or choose a directory that this account may write to ({exception.Message}).", exception);
        }
    }

    private static void WriteDraft(string draft, ReadOnlySpan<byte> content, FileSecrecy secrecy)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            // The mode stands from the moment at which the file exists: there is no window in which others could open it.
            options.UnixCreateMode = secrecy == FileSecrecy.Secret ? SecretMode : SharedMode;
        }

        using var file = new FileStream(draft, options);
        file.Write(content);
        // The rename must not reach the disk before the content does.
        file.Flush(flushToDisk: true);
    }

    private static void RefuseOpenToOthers(string path, FileStream file)
    {
        // On Windows access control lists decide, and the directories of a user are closed to other users.
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & OthersMode) != 0)
        {
            throw new IdentityFileException(
                FileFault.PermissionsTooOpen, path, "holds a secret and is open to others than its owner.", $"Run: chmod 600 '{path}', and consider whether somebody has read it.");
        }
    }

    private enum Existing
    {
        Keep,
        Replace,
    }
}
