using System.Diagnostics.CodeAnalysis;

namespace Macula.Wire;

/// <summary>Checks what must hold if this code is right; active in release builds.</summary>
public static class Invariant
{
    /// <summary>Ends the node, not the process, when the condition is false.</summary>
    /// <exception cref="InvariantViolatedException">The condition is false: a bug of ours.</exception>
    public static void Hold([DoesNotReturnIf(false)] bool condition, string claim)
    {
        if (!condition)
        {
            throw new InvariantViolatedException(claim);
        }
    }
}

/// <summary>Something that this code takes for certain is not so: a bug of ours, not of the caller, the peer or the network.</summary>
public sealed class InvariantViolatedException : Exception
{
    /// <summary>Names the claim that was found false.</summary>
    public InvariantViolatedException(string claim)
        : base($"Invariant violated: {claim} This is a bug in Macula; please report it.")
    {
    }
}
