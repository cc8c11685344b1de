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
            await SayHelloAsync(connection, agent, cancellationToken);
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

    /// <summary>Takes a connection that another node has dialled, and says hello.</summary>
    public static async Task<RawConnection> AcceptAsync(TransportConnection connection, string agent)
    {
        try
        {
            await SayHelloAsync(connection, agent, CancellationToken.None);
        }
        catch (ConnectionClosedException)
        {
            // Whoever listens to it learns of that.
        }

        return new RawConnection(connection);
    }

    /// <summary>Reads the first frame of each stream that the other side opens, until the connection ends.</summary>
    public async Task ListenAsync(Action<Frame> heard)
    {
        try
        {
            while (await _connection.AcceptStreamAsync() is { } stream)
            {
                await using (stream)
                {
                    await ReadFirstAsync(stream, heard);
                }
            }
        }
        catch (ConnectionClosedException)
        {
            // The other side has ended it.
        }
    }

    /// <summary>Sends a request on a stream of its own, and reads the one frame that answers it; null when the stream ends before.</summary>
    public async Task<Frame?> AskAsync(Action<IBufferWriter<byte>> request, CancellationToken cancellationToken)
    {
        await using var stream = await _connection.OpenStreamAsync(StreamDirection.Bidirectional, cancellationToken);
        await stream.WriteAsync(Bytes(request), WriteEnd.Finish, cancellationToken);
        return await ReadFirstAsync(stream, cancellationToken);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static async Task SayHelloAsync(TransportConnection connection, string agent, CancellationToken cancellationToken)
    {
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional, cancellationToken);
        await control.WriteAsync(Bytes(new HelloFrame([HelloFrame.CurrentVersion], instance: 1, [], agent).Write), WriteEnd.KeepOpen, cancellationToken);
    }

    private static async Task ReadFirstAsync(TransportStream stream, Action<Frame> heard)
    {
        try
        {
            if (await ReadFirstAsync(stream, CancellationToken.None) is { } frame)
            {
                heard(frame);
            }
        }
        catch (StreamAbortedException)
        {
            // The other side took it back.
        }
    }

    private static async Task<Frame?> ReadFirstAsync(TransportStream stream, CancellationToken cancellationToken)
    {
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

    private static ReadOnlyMemory<byte> Bytes(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenMemory;
    }
}
