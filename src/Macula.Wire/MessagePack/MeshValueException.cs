using Macula.Wire.Errors;

namespace Macula.Wire.MessagePack;

/// <summary>A value is not of the shape that its reader expects: the other side sent something else than was agreed.</summary>
/// <remarks>Thrown out of a procedure's handler it reaches the caller as <see cref="ErrorCode.InvalidArgument"/> with its message.</remarks>
public sealed class MeshValueException : MaculaException
{
    /// <summary>Says what was found and what was expected.</summary>
    public MeshValueException(string message)
        : base(ErrorCode.InvalidArgument, message)
    {
    }
}
