using System.Buffers;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>A connection on which a member speaks with its own bytes: below the peer, above the transport.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private const int ChunkBytes = 4096;

    private readonly TransportConnection _connection;

    private RawConnection(TransportConnection connection) => _connection = connection;

    /// <summary>Dials, says hello, and waits for the other side's.</summary>
    /// <returns>The connection; null when the other side said nothing before it ended the connection.</returns>
    /// <exception cref="MaculaException">There is nobody, or the connection ended.</exception>
    public static async Task<RawConnection?> EstablishAsync(
        TransportEndpoint from, System.Net.IPEndPoint to, TlsIdentity identity, string agent, CancellationToken cancellationToken)
    {
        var connection = await from.DialAsync(to, identity, cancellationToken);
        try
        {
            var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional, cancellationToken);
            await control.WriteAsync(Bytes(new HelloFrame([HelloFrame.CurrentVersion], instance: 1, [], agent).Write), WriteEnd.KeepOpen, cancellationToken);
            if (await connection.AcceptStreamAsync(cancellationToken) is { } theirs && await theirs.ReadAsync(new byte[ChunkBytes], cancellationToken) > 0)
            {
                return new RawConnection(connection);
            }
        }
        catch (Exception)
        {
            // Whatever it was, the caller learns of it; the connection must not stay.
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Sends a request on a stream of its own, and reads the one frame that answers it; null when the stream ends before.</summary>
    public async Task<Frame?> AskAsync(Action<IBufferWriter<byte>> request, CancellationToken cancellationToken)
    {
        await using var stream = await _connection.OpenStreamAsync(StreamDirection.Bidirectional, cancellationToken);
        await stream.WriteAsync(Bytes(request), WriteEnd.Finish, cancellationToken);
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        var chunk = new byte[ChunkBytes];
        while (await stream.ReadAsync(chunk, cancellationToken) is > 0 and var count)
        {
            if (reader.TryRead(chunk.AsSpan(0, count), out _, out var frame))
            {
                return frame;
            }
        }

        return null;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static ReadOnlyMemory<byte> Bytes(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenMemory;
    }
}
