using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using Macula.Tests.Hostile;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;

namespace Macula.Tests.Dht;

/// <summary>Questions of the DHT that a raw member asks.</summary>
internal static class RawDht
{
    /// <summary>Asks on a connection; returns the answering frame.</summary>
    public static async Task<Frame> AskAsync(TransportConnection connection, Action<IBufferWriter<byte>> write)
    {
        await using var stream = await RawMember.SendAsync(connection, RawMember.Bytes(write));
        return await RawMember.ReadAnswerAsync(stream);
    }

    /// <summary>Asks on a connection; returns the code of the error that comes, <see cref="ErrorCode.NoError"/> for another answer.</summary>
    public static async Task<ErrorCode> AskForErrorAsync(TransportConnection connection, Action<IBufferWriter<byte>> write)
    {
        var answer = await AskAsync(connection, write);
        return answer.Type != FrameType.Error ? ErrorCode.NoError
            : ErrorFrame.TryRead(answer.Body, out var error, out _) ? error.Code
            : throw new InvalidOperationException("The error cannot be read.");
    }

    /// <summary>The first page of the records that a node holds under a key; empty when it refuses.</summary>
    public static async Task<ImmutableArray<ReadOnlyMemory<byte>>> ReadRecordsAsync(this RawMember member, IPEndPoint node, DhtKey key)
    {
        var (connection, control) = await member.EstablishAsync(node);
        await using (control)
        {
            var answer = await AskAsync(connection, new FindValueFrame(key, null).Write);
            connection.Close(0, "");
            return answer.Type == FrameType.Records && RecordsFrame.TryRead(answer.Body, out var records, out _) ? records.Records : [];
        }
    }

    /// <summary>What a node in server mode that knows nobody and holds nothing answers; null for what is no question of the DHT.</summary>
    public static ReadOnlyMemory<byte>? AnswerAsGood(Frame request) => request.Type switch
    {
        FrameType.Ping or FrameType.Push => RawMember.Bytes(new DoneFrame().Write),
        FrameType.FindNode => RawMember.Bytes(new NodesFrame([]).Write),
        FrameType.FindValue => RawMember.Bytes(new RecordsFrame([], null, []).Write),
        FrameType.Store => RawMember.Bytes(new StoredFrame(null).Write),
        _ => null,
    };
}
