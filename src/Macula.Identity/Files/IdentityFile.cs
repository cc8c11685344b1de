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

    /// <summary>Writes a file that does not exist yet, under its final mode. Of several writers one makes it; the others change nothing.</summary>
    /// <exception cref="IdentityFileException">It exists, or cannot be written; what this call made of it is gone again.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy)
    {
        try
        {
            // [ID-24] The final name is made at once (O_EXCL), since the platform's move looks for the target first and then renames over whatever
            // was made in between. The price: a machine that dies in these lines leaves a part of a file, which its reader refuses as damaged.
            WriteNewOrDelete(path, content, secrecy);
        }
        catch (IOException exception) when (Path.Exists(path))
        {
            throw new IdentityFileException(
                FileFault.AlreadyExists, path, "exists already and is not overwritten.", "Move it away, or choose another name.", exception);
        }
        catch (Exception exception) when (IsRefusalToWrite(exception))
        {
            throw Unwritable(path, exception);
        }
    }

    /// <summary>Writes a file in place of the one that may be there. Whoever reads meanwhile sees the old one or the new one, whole.</summary>
    /// <exception cref="IdentityFileException">It cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy)
    {
        var draft = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            WriteNewOrDelete(draft, content, secrecy);
            try
            {
                File.Move(draft, path, overwrite: true);
            }
            finally
            {
                // After the move there is no draft, and nothing happens.
                File.Delete(draft);
            }
        }
        catch (Exception exception) when (IsRefusalToWrite(exception))
        {
            throw Unwritable(path, exception);
        }
    }

    private static void WriteNewOrDelete(string path, ReadOnlySpan<byte> content, FileSecrecy secrecy)
    {
        // Sharing with readers: the platform takes its advisory lock after it has made the file, and an exclusive one could fail there, against
        // a reader that was quicker, with the empty file left behind. Without a buffer, closing has nothing left to write.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            // The mode stands from the moment at which the file exists: there is no window in which others could open it.
            options.UnixCreateMode = secrecy == FileSecrecy.Secret ? SecretMode : SharedMode;
        }

        var file = new FileStream(path, options);
        var isWhole = false;
        try
        {
            using (file)
            {
                file.Write(content);
                // What is named must be on the disk: a rename must not get there first, nor a certificate before its key.
                file.Flush(flushToDisk: true);
            }

            isWhole = true;
        }
        finally
        {
            // Only here is the file surely this call's own: had it been there before, opening would have failed.
            if (!isWhole)
            {
                File.Delete(path);
            }
        }
    }

    // The platform reports a file beyond the account's size limit (EFBIG) as an argument out of range.
    private static bool IsRefusalToWrite(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    private static IdentityFileException Unwritable(string path, Exception exception) => new(
        FileFault.Unwritable, path, "cannot be written.", $"Make room, or choose a directory that this account may write to ({exception.Message}).", exception);

    private static void RefuseOpenToOthers(string path, FileStream file)
    {
        // On Windows access control lists decide, and the directories of a user are closed to other users.
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & OthersMode) != 0)
        {
            throw new IdentityFileException(
                FileFault.PermissionsTooOpen, path, "holds a secret and is open to others than its owner.", $"Run: chmod 600 '{path}', and consider whether somebody has read it.");
        }
    }
}
