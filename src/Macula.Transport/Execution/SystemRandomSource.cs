using System.Security.Cryptography;
using Macula.Wire;

namespace Macula.Transport.Execution;

/// <summary>Randomness from the operating system, fit for secrets. May be called from any thread.</summary>
public sealed class SystemRandomSource : RandomSource
{
    /// <inheritdoc/>
#pragma warning disable RS0030 // The one place where production takes its randomness; everything else is handed this object.
    public override void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
#pragma warning restore RS0030
}
