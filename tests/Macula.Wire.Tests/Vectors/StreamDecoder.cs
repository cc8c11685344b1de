using System.Buffers;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Wire.Tests.Vectors;

/// <summary>Reads a whole stream with everything that this library knows, as a shell would.</summary>
internal static class StreamDecoder
{
    /// <summary>The frames of a stream, decoded, up to the first error.</summary>
    public static List<object> Decode(ReadOnlySpan<byte> stream, out ProtocolError? error)
    {
        var decoded = new List<object>();
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        var rest = stream;
        while (reader.TryRead(rest, out var consumed, out var frame))
        {
            rest = rest[consumed..];
            if (DecodeBody(frame, out var bodyError) is not { } value)
            {
                error = bodyError;
                return decoded;
            }

            decoded.Add(value);
        }

        error = reader.TryEnd() ? null : reader.Error;
        return decoded;
    }

    /// <summary>The decoded frame; the frame itself when its type is unknown; null with an error.</summary>
    public static object? DecodeBody(Frame frame, out ProtocolError error)
    {
        error = default;
        switch (frame.Type)
        {
            case FrameType.Hello:
                HelloFrame.TryRead(frame.Body, out var hello, out error);
                return hello;
            case FrameType.Call:
                CallFrame.TryRead(frame.Body, out var call, out error);
                return call;
            case FrameType.Result:
                ResultFrame.TryRead(frame.Body, out var result, out error);
                return result;
            case FrameType.Error:
                ErrorFrame.TryRead(frame.Body, out var failure, out error);
                return failure;
            default:
                return frame;
        }
    }

    public static byte[] Encode(object frame)
    {
        var output = new ArrayBufferWriter<byte>();
        switch (frame)
        {
            case HelloFrame hello:
                hello.Write(output);
                break;
            case CallFrame call:
                call.Write(output);
                break;
            case ResultFrame result:
                result.Write(output);
                break;
            case ErrorFrame error:
                error.Write(output);
                break;
            case Frame unknown:
                new FrameHeader(unknown.Type, (ulong)unknown.Body.Length).Write(output);
                output.Write(unknown.Body.Span);
                break;
            default:
                throw new ArgumentException($"{frame} is no frame.", nameof(frame));
        }

        return output.WrittenSpan.ToArray();
    }
}
