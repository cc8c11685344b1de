using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>Answers packets that belong to no connection: version negotiation, stateless reset, retry. Keeps nothing of them.</summary>
internal sealed unsafe class ConnectionlessReplies : IDisposable
{
    /// <summary>Length of the key that resets and retry tokens are derived from.</summary>
    public const int KeyBytes = 32;

    // RFC 9000 §14.1: a client's first packet fills 1,200 bytes. Less gets no answer, or the answer would amplify.
    private const int LeastInitialBytes = 1_200;

    // RFC 9000 §10.3: shorter packets are indistinguishable from resets themselves.
    private const int LeastResetTrigger = 43;

    // Enough for peers that come back after a restart; too few to be worth asking for.
    private const int RepliesPerSecond = 500;

    private const ulong RetryTokenLifetimeNanoseconds = 10_000_000_000;

    private readonly byte* _key = (byte*)NativeMemory.Alloc(KeyBytes);
    private readonly byte* _reply = (byte*)NativeMemory.Alloc(PacketBatch.MaxPacketBytes);
    private readonly RateLimit _resets = new(RepliesPerSecond);
    private readonly RateLimit _negotiations = new(RepliesPerSecond);

    public ConnectionlessReplies(ReadOnlySpan<byte> key) => key.CopyTo(new Span<byte>(_key, KeyBytes));

    /// <summary>Computes the token that resets the connection with this id.</summary>
    public void ResetTokenFor(NativeCid* cid, byte* token) => _ = Ngtcp2Crypto.GenerateResetToken(token, _key, KeyBytes, cid);

    /// <summary>Names the versions that we speak to a client that speaks another (RFC 9000 §6).</summary>
    public void NegotiateVersion(InvariantHeader* header, int length, in NativeAddress source, ulong now, PacketBatch batch)
    {
        if (length < LeastInitialBytes || !_negotiations.TryTake(now))
        {
            return;
        }

        var version = Ngtcp2.QuicVersion1;
        byte unusedRandom;
        RandomNumberGenerator.Fill(new Span<byte>(&unusedRandom, 1));
        var written = Ngtcp2.WriteVersionNegotiation(
            _reply, LeastInitialBytes, unusedRandom, header->Source, header->SourceLength, header->Destination, header->DestinationLength, &version, 1);
        SendReply(written, in source, batch);
    }

    /// <summary>Tells the other side of a connection that we no longer know that it is over (RFC 9000 §10.3).</summary>
    public void Reset(byte* packet, int length, in NativeAddress source, ulong now, PacketBatch batch)
    {
        if (length < LeastResetTrigger || !_resets.TryTake(now))
        {
            return;
        }

        // Bytes 1 to 8 of a short header are the id that we once chose.
        var cid = new NativeCid { Length = ConnectionTable.OwnIdBytes };
        new ReadOnlySpan<byte>(packet + 1, ConnectionTable.OwnIdBytes).CopyTo(new Span<byte>(cid.Bytes, ConnectionTable.OwnIdBytes));
        var token = stackalloc byte[ResetToken.ByteCount];
        ResetTokenFor(&cid, token);

        // A reset is shorter than what it answers, so that two endpoints cannot reset each other for ever.
        const int MostRandomBytes = 30;
        var randomBytes = Math.Min(MostRandomBytes, length - 1 - ResetToken.ByteCount);
        var random = stackalloc byte[MostRandomBytes];
        RandomNumberGenerator.Fill(new Span<byte>(random, randomBytes));
        SendReply(Ngtcp2.WriteStatelessReset(_reply, (nuint)(length - 1), token, random, (nuint)randomBytes), in source, batch);
    }

    /// <summary>Asks a client to prove its address before anything is kept for it (RFC 9000 §8.1.2).</summary>
    public void Retry(PacketHeader* header, NativeAddress source, ulong now, PacketBatch batch)
    {
        var cid = new NativeCid { Length = ConnectionTable.OwnIdBytes };
        RandomNumberGenerator.Fill(new Span<byte>(cid.Bytes, ConnectionTable.OwnIdBytes));
        var token = stackalloc byte[Ngtcp2Crypto.MaxRetryTokenBytes];
        var tokenLength = Ngtcp2Crypto.GenerateRetryToken(token, _key, KeyBytes, header->Version, &source, source.Length, &cid, &header->Destination, now);
        if (tokenLength > 0)
        {
            var written = Ngtcp2Crypto.WriteRetry(
                _reply, LeastInitialBytes, header->Version, &header->Source, &cid, &header->Destination, token, (nuint)tokenLength);
            SendReply(written, in source, batch);
        }
    }

    /// <summary>Checks the token of a client that was asked for one.</summary>
    /// <returns>False when it is forged, too old, or another address's.</returns>
    public bool TryVerifyRetry(PacketHeader* header, NativeAddress source, NativeCid* originalDestination, ulong now) =>
        Ngtcp2Crypto.VerifyRetryToken(
            originalDestination, header->Token, header->TokenLength, _key, KeyBytes, header->Version,
            &source, source.Length, &header->Destination, RetryTokenLifetimeNanoseconds, now) == 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(new Span<byte>(_key, KeyBytes));
        NativeMemory.Free(_key);
        NativeMemory.Free(_reply);
    }

    private void SendReply(nint written, in NativeAddress destination, PacketBatch batch)
    {
        if (written > 0)
        {
            batch.SendAlone(new ReadOnlySpan<byte>(_reply, (int)written), in destination);
        }
    }
}
