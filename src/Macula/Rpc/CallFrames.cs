using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>Writes the frames of a call to a stream, each as the last thing that its side sends: [RPC-1].</summary>
internal static class CallFrames
{
    /// <summary>Sends the request.</summary>
    public static ValueTask WriteAsync(TransportStream stream, CallFrame call, CancellationToken cancellationToken)
    {
        var output = new ArrayBufferWriter<byte>();
        call.Write(output);
        return stream.WriteAsync(output.WrittenMemory, WriteEnd.Finish, cancellationToken);
    }

    /// <summary>Sends a result.</summary>
    public static ValueTask WriteAsync(TransportStream stream, ResultFrame result)
    {
        var output = new ArrayBufferWriter<byte>();
        result.Write(output);
        return stream.WriteAsync(output.WrittenMemory, WriteEnd.Finish);
    }

    /// <summary>Sends an error.</summary>
    public static ValueTask WriteAsync(TransportStream stream, ErrorFrame error)
    {
        var output = new ArrayBufferWriter<byte>();
        error.Write(output);
        return stream.WriteAsync(output.WrittenMemory, WriteEnd.Finish);
    }

    /// <summary>Reads the answer to a call.</summary>
    /// <param name="frame">A frame whose place was judged: a result or an error.</param>
    /// <param name="result">The result; null for an error.</param>
    /// <param name="error">The error; null for a result.</param>
    /// <param name="violation">What is wrong with the frame.</param>
    public static bool TryReadAnswer(Frame frame, out ResultFrame? result, out ErrorFrame? error, [NotNullWhen(false)] out ProtocolError? violation)
    {
        result = null;
        error = null;
        ProtocolError fault;
        var read = frame.Type == FrameType.Result
            ? ResultFrame.TryRead(frame.Body, out result, out fault)
            : ErrorFrame.TryRead(frame.Body, out error, out fault);
        violation = read ? null : fault;
        return read;
    }
}
