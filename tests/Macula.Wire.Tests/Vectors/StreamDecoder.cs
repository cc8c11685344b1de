using System.Buffers;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;

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
            case FrameType.Drain:
                DrainFrame.TryRead(frame.Body, out var drain, out error);
                return drain;
            case FrameType.Call:
                CallFrame.TryRead(frame.Body, out var call, out error);
                return call;
            case FrameType.Result:
                ResultFrame.TryRead(frame.Body, out var result, out error);
                return result;
            case FrameType.Error:
                ErrorFrame.TryRead(frame.Body, out var failure, out error);
                return failure;
            case FrameType.Event:
                EventFrame.TryRead(frame.Body, out var happened, out error);
                return happened;
            default:
                return DecodeDhtBody(frame, out error);
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
            case DrainFrame drain:
                drain.Write(output);
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
            case EventFrame happened:
                happened.Write(output);
                break;
            case Frame unknown:
                new FrameHeader(unknown.Type, (ulong)unknown.Body.Length).Write(output);
                output.Write(unknown.Body.Span);
                break;
            default:
                EncodeDht(frame, output);
                break;
        }

        return output.WrittenSpan.ToArray();
    }

    private static object? DecodeDhtBody(Frame frame, out ProtocolError error)
    {
        error = default;
        return frame.Type switch
        {
            FrameType.Ping => PingFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.FindNode => FindNodeFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.FindValue => FindValueFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Store => StoreFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Watch => WatchFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Push => PushFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.GetCertificate => GetCertificateFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Done => DoneFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Nodes => NodesFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Records => RecordsFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Stored => StoredFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Watching => WatchingFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            FrameType.Certificate => CertificateFrame.TryRead(frame.Body, out var decoded, out error) ? decoded : null,
            _ => frame,
        };
    }

    private static void EncodeDht(object frame, ArrayBufferWriter<byte> output)
    {
        switch (frame)
        {
            case PingFrame ping:
                ping.Write(output);
                break;
            case FindNodeFrame findNode:
                findNode.Write(output);
                break;
            case FindValueFrame findValue:
                findValue.Write(output);
                break;
            case StoreFrame store:
                store.Write(output);
                break;
            case WatchFrame watch:
                watch.Write(output);
                break;
            case PushFrame push:
                push.Write(output);
                break;
            case GetCertificateFrame getCertificate:
                getCertificate.Write(output);
                break;
            case DoneFrame done:
                done.Write(output);
                break;
            case NodesFrame nodes:
                nodes.Write(output);
                break;
            case RecordsFrame records:
                records.Write(output);
                break;
            case StoredFrame stored:
                stored.Write(output);
                break;
            case WatchingFrame watching:
                watching.Write(output);
                break;
            case CertificateFrame certificate:
                certificate.Write(output);
                break;
            default:
                throw new ArgumentException($"{frame} is no frame.", nameof(frame));
        }
    }
}
