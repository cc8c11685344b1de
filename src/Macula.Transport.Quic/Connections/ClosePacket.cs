using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Connections;

/// <summary>Writes the packet that ends a connection (RFC 9000 §19.19), and reads the one that ended it.</summary>
internal static unsafe class ClosePacket
{
    /// <summary>Writes a close with the application's code.</summary>
    /// <returns>How many bytes of the packet are to be sent; 0 for none.</returns>
    public static int WriteApplication(nint handle, ulong code, ReadOnlySpan<byte> reason, Span<byte> packet, ulong now)
    {
        CloseError error;
        Ngtcp2.CloseErrorDefault(&error);
        fixed (byte* bytes = reason)
        {
            Ngtcp2.CloseErrorSetApplication(&error, code, bytes, (nuint)reason.Length);
            return Write(handle, &error, packet, now);
        }
    }

    /// <summary>Writes a close for an error of the library, which may stand for a TLS alert.</summary>
    /// <param name="handle">The connection.</param>
    /// <param name="libraryError">What a function of ngtcp2 returned.</param>
    /// <param name="packet">Receives the packet.</param>
    /// <param name="now">Nanoseconds.</param>
    /// <param name="code">The transport's code for it (RFC 9000 §20.1).</param>
    /// <returns>How many bytes of the packet are to be sent; 0 for none.</returns>
    public static int WriteError(nint handle, int libraryError, Span<byte> packet, ulong now, out ulong code)
    {
        CloseError error;
        Ngtcp2.CloseErrorDefault(&error);
        if (libraryError == Ngtcp2Error.Crypto)
        {
            Ngtcp2.CloseErrorSetAlert(&error, Ngtcp2.GetTlsAlert(handle), null, 0);
        }
        else
        {
            Ngtcp2.CloseErrorSetLibrary(&error, libraryError, null, 0);
        }

        code = error.Code;
        return Write(handle, &error, packet, now);
    }

    /// <summary>Says how the other side closed.</summary>
    public static ConnectionEnd Read(nint handle)
    {
        var error = Ngtcp2.GetCloseError(handle);
        var reason = CloseReason.Decode(new ReadOnlySpan<byte>(error->Reason, (int)error->ReasonLength));
        return error->Type == CloseErrorType.Application
            ? new ConnectionEnd(ConnectionEndOrigin.Remote, error->Code, reason)
            : ConnectionEnds.Transport(error->Code, reason);
    }

    private static int Write(nint handle, CloseError* error, Span<byte> packet, ulong now)
    {
        fixed (byte* target = packet)
        {
            var written = Ngtcp2.WriteConnectionClose(handle, null, Ngtcp2.PacketMarkVersion, null, target, (nuint)packet.Length, error, now);
            return (int)Math.Max(0, written);
        }
    }
}
