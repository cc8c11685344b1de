using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Quic;

/// <summary>What many tests do with streams.</summary>
internal static class StreamTransfers
{
    /// <summary>Bytes that differ from stream to stream and from place to place.</summary>
    public static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static bool Same(byte[] left, byte[] right) => left.AsSpan().SequenceEqual(right);

    public static async Task<byte[]> ReadToEndAsync(this TransportStream stream, CancellationToken cancellationToken)
    {
        var all = new MemoryStream();
        var buffer = new byte[32_768];
        while (await stream.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    /// <summary>Sends back what comes on every stream, until the connection ends.</summary>
    public static async Task EchoAsync(this TransportConnection connection, CancellationToken cancellationToken)
    {
        var echoes = new List<Task>();
        try
        {
            while (await connection.AcceptStreamAsync(cancellationToken) is { } stream)
            {
                echoes.Add(EchoAsync(stream, cancellationToken));
            }

            await Task.WhenAll(echoes);
        }
        catch (MaculaException)
        {
            // The connection ended, which the other side asserts on.
        }
    }

    /// <summary>Opens a stream, sends, and reads what comes back.</summary>
    public static async Task<byte[]> AskAsync(this TransportConnection connection, byte[] request, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(StreamDirection.Bidirectional, cancellationToken);
        var writing = stream.WriteAsync(request, WriteEnd.Finish, cancellationToken).AsTask();
        var answer = await stream.ReadToEndAsync(cancellationToken);
        await writing;
        return answer;
    }

    private static async Task EchoAsync(TransportStream stream, CancellationToken cancellationToken)
    {
        await using (stream)
        {
            var buffer = new byte[32_768];
            while (await stream.ReadAsync(buffer, cancellationToken) is var count and > 0)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count), WriteEnd.KeepOpen, cancellationToken);
            }

            await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish, cancellationToken);
        }
    }
}
