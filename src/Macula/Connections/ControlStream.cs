using System.Buffers;
using System.Reflection;
using Macula.Protocols.Establishment;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Connections;

/// <summary>The other side's control stream: its hello, and what newer nodes may say after it.</summary>
internal sealed class ControlStream(TransportStream stream)
{
    private static readonly string Agent = "macula-dotnet/" + typeof(ControlStream).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];

    private readonly FrameStream _frames = new(stream, FrameLimits.MaxControlBodyBytes);

    /// <summary>Opens this side's control stream and sends its hello.</summary>
    /// <returns>The stream, for what follows.</returns>
    public static async ValueTask<TransportStream> SendHelloAsync(TransportConnection transport, ulong instance)
    {
        // [CON-11]: the control stream stays open as long as the connection, so nobody disposes it.
        var control = await transport.OpenStreamAsync(StreamDirection.Unidirectional);
        await SendAsync(control, new HelloFrame([.. ConnectionEstablishment.SupportedVersions], instance, [], Agent).Write);
        return control;
    }

    /// <summary>Sends a frame on this side's control stream; one at a time.</summary>
    public static ValueTask SendAsync(TransportStream control, Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return control.WriteAsync(output.WrittenMemory);
    }

    /// <summary>Reads the first frame, which must be a hello ([CON-11]).</summary>
    /// <returns>The hello, or what is wrong; neither when the stream or connection ended.</returns>
    public async ValueTask<(HelloFrame? Hello, ProtocolError? Error)> ReadHelloAsync()
    {
        try
        {
            var read = await _frames.ReadAsync();
            if (read.Frame is not { } frame)
            {
                return (null, read.Error ?? Ended);
            }

            if (FramePlaces.Judge(frame.Type, FramePlace.ControlFirst, out var misplaced) == FrameVerdict.Refuse)
            {
                return (null, misplaced);
            }

            return HelloFrame.TryRead(frame.Body, out var hello, out var error) ? (hello, null) : (null, error);
        }
        catch (StreamAbortedException)
        {
            return (null, Ended);
        }
        catch (ConnectionClosedException)
        {
            return (null, null);
        }
    }

    /// <summary>Reads on until the connection ends.</summary>
    /// <param name="handleDrain">Called for each DRAIN.</param>
    /// <returns>What the other side did wrong; null when the connection ended.</returns>
    public async ValueTask<ProtocolError?> ReadToEndAsync(Action<DrainFrame> handleDrain)
    {
        try
        {
            while (true)
            {
                var read = await _frames.ReadAsync();
                if (read.Frame is not { } frame)
                {
                    return read.Error ?? Ended;
                }

                switch (FramePlaces.Judge(frame.Type, FramePlace.ControlLater, out var misplaced))
                {
                    case FrameVerdict.Refuse:
                        return misplaced;
                    case FrameVerdict.Take:
                        if (!DrainFrame.TryRead(frame.Body, out var drain, out var malformed))
                        {
                            return malformed;
                        }

                        handleDrain(drain);
                        break;
                    default:
                        break;
                }
            }
        }
        catch (StreamAbortedException)
        {
            return Ended;
        }
        catch (ConnectionClosedException)
        {
            return null;
        }
    }

    private static ProtocolError Ended => new(ErrorCode.UnexpectedFrame, "CON-11", "the control stream ended");
}
