namespace Macula.Transport.Quic.Connections;

/// <summary>Finds the STOP_SENDING frames (RFC 9000 §19.5) of a decrypted packet.</summary>
/// <remarks>
/// ngtcp2 1.11 answers such a frame with a reset of the stream and tells nobody: neither that it came nor its code. A writer that waits
/// for credit would wait for ever. So the payload is looked through when it has been decrypted, by the length of its frames alone. What is not
/// well-formed ends the search; the library, which reads the same bytes, then ends the connection.
/// </remarks>
internal ref struct StopSendingScanner(ReadOnlySpan<byte> payload)
{
    private const ulong StopSending = 0x05;

    private ReadOnlySpan<byte> _rest = payload;

    /// <summary>Finds the next frame.</summary>
    public bool TryFindNext(out long streamId, out ulong code)
    {
        streamId = 0;
        code = 0;
        while (TryReadNumber(out var type))
        {
            if (type == StopSending)
            {
                var complete = TryReadNumber(out var id) & TryReadNumber(out code);
                streamId = (long)id;
                return complete;
            }

            if (!TrySkipFrame(type))
            {
                break;
            }
        }

        _rest = default;
        return false;
    }

    // RFC 9000 §19 and RFC 9221 §4: what follows the type of each frame.
    private bool TrySkipFrame(ulong type) => type switch
    {
        0x00 or 0x01 or 0x1e => true, // PADDING, PING, HANDSHAKE_DONE
        0x02 or 0x03 => TrySkipAcknowledgement(type),
        0x04 => TrySkipNumbers(3), // RESET_STREAM: stream, code, final size
        0x06 => TrySkipNumbers(1) && TrySkipCounted(), // CRYPTO: offset, bytes
        0x07 => TrySkipCounted(), // NEW_TOKEN
        >= 0x08 and <= 0x0f => TrySkipStream(type),
        0x10 or 0x12 or 0x13 or 0x14 or 0x16 or 0x17 or 0x19 => TrySkipNumbers(1), // limits, RETIRE_CONNECTION_ID
        0x11 or 0x15 => TrySkipNumbers(2), // limits of one stream
        0x18 => TrySkipNumbers(2) && TrySkipNewId(), // NEW_CONNECTION_ID
        0x1a or 0x1b => TrySkip(8), // PATH_CHALLENGE, PATH_RESPONSE
        0x1c => TrySkipNumbers(2) && TrySkipCounted(), // CONNECTION_CLOSE of the transport: code, frame type, reason
        0x1d => TrySkipNumbers(1) && TrySkipCounted(), // CONNECTION_CLOSE of the application: code, reason
        0x31 => TrySkipCounted(), // DATAGRAM with length
        _ => false, // DATAGRAM without length takes the rest; anything else is unknown
    };

    // largest | delay | count of ranges | first range | (gap | range)* | for type 3: three ECN counts
    private bool TrySkipAcknowledgement(ulong type)
    {
        if (!TrySkipNumbers(2) || !TryReadNumber(out var ranges) || !TrySkipNumbers(1))
        {
            return false;
        }

        for (ulong i = 0; i < ranges; i++)
        {
            if (!TrySkipNumbers(2))
            {
                return false;
            }
        }

        return type == 0x02 || TrySkipNumbers(3);
    }

    // stream | offset if bit 2 | length if bit 1 | bytes; without length, the rest of the packet
    private bool TrySkipStream(ulong type) =>
        TrySkipNumbers((type & 0x04) != 0 ? 2 : 1) && (type & 0x02) != 0 && TrySkipCounted();

    private bool TrySkipNewId()
    {
        const int TokenBytes = 16;
        return !_rest.IsEmpty && TrySkip(1 + _rest[0] + TokenBytes);
    }

    private bool TrySkipCounted() => TryReadNumber(out var length) && length <= int.MaxValue && TrySkip((int)length);

    private bool TrySkipNumbers(int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (!TryReadNumber(out _))
            {
                return false;
            }
        }

        return true;
    }

    private bool TrySkip(int bytes)
    {
        if (bytes > _rest.Length)
        {
            return false;
        }

        _rest = _rest[bytes..];
        return true;
    }

    // RFC 9000 §16: the first two bits say how many bytes the number has, 1, 2, 4 or 8.
    private bool TryReadNumber(out ulong value)
    {
        value = 0;
        if (_rest.IsEmpty)
        {
            return false;
        }

        var length = 1 << (_rest[0] >> 6);
        if (length > _rest.Length)
        {
            return false;
        }

        value = (ulong)(_rest[0] & 0x3F);
        for (var i = 1; i < length; i++)
        {
            value = (value << 8) | _rest[i];
        }

        _rest = _rest[length..];
        return true;
    }
}
