using Macula.Wire.Errors;

namespace Macula.Identity.Files;

/// <summary>A realm file, certificate, key or authority file cannot be used. The message names the file, what was found and what to do.</summary>
/// <remarks>Nothing is made in place of what is missing or damaged: a node never takes a new identity by itself
/// (docs/protocol/01-identity.md [ID-25]).</remarks>
public sealed class IdentityFileException : MaculaException
{
    /// <summary>Describes what is wrong with a file.</summary>
    /// <param name="fault">What kind of fault.</param>
    /// <param name="path">The file.</param>
    /// <param name="found">What was found, as the rest of a sentence that begins with the path.</param>
    /// <param name="cure">What to do, as a whole sentence.</param>
    /// <param name="innerException">What caused it; null when nothing else did.</param>
    public IdentityFileException(FileFault fault, string path, string found, string cure, Exception? innerException = null)
        : base(CodeOf(fault), $"{path} {found} {cure}", innerException)
    {
        Fault = fault;
        Path = path;
    }

    /// <summary>What kind of fault.</summary>
    public FileFault Fault { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    private static ErrorCode CodeOf(FileFault fault) => fault switch
    {
        FileFault.Malformed or FileFault.KeyMismatch => ErrorCode.CertificateMalformed,
        FileFault.WrongRealm => ErrorCode.CertificateWrongRealm,
        FileFault.Untrusted => ErrorCode.CertificateUntrusted,
        FileFault.Expired => ErrorCode.CertificateExpired,
        FileFault.NotYetValid => ErrorCode.CertificateNotYetValid,
        FileFault.Revoked => ErrorCode.CertificateRevoked,
        // The node has nothing that it could show.
        _ => ErrorCode.CertificateMissing,
    };
}
