using Macula.Wire.Errors;

namespace Macula.Identity.Realm;

/// <summary>A realm's authority refuses to certify or to revoke. The message says why and what to do instead.</summary>
public sealed class AuthorityException : MaculaException
{
    /// <summary>Describes a refusal.</summary>
    /// <param name="code"><see cref="ErrorCode.NotPermitted"/>, <see cref="ErrorCode.LimitExceeded"/>, <see cref="ErrorCode.InvalidArgument"/> or <see cref="ErrorCode.CertificateExpired"/>.</param>
    /// <param name="message">Why, and what to do.</param>
    public AuthorityException(ErrorCode code, string message)
        : base(code, message)
    {
    }
}
