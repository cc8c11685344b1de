namespace Macula.Identity.Keys;

/// <summary>A private key with its public half. Safe to use from several threads at once, except for disposal.</summary>
public abstract class SigningKey : IDisposable
{
    /// <summary>The public key as DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).</summary>
    public abstract ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>Signs a message, which is hashed inside.</summary>
    /// <param name="message">What to sign.</param>
    /// <param name="signature">Receives the signature; exactly <see cref="SignatureScheme.SignatureBytes"/> long.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public abstract void Sign(ReadOnlySpan<byte> message, Span<byte> signature);

    /// <summary>Signs a message into a new array of 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[SignatureScheme.SignatureBytes];
        Sign(message, signature);
        return signature;
    }

    /// <summary>The private key as unencrypted DER PKCS#8. The caller clears it after use.</summary>
    public abstract byte[] ExportPkcs8();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the private key.</summary>
    /// <param name="disposing">True when called from <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
