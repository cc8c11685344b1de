using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Tls;

namespace Macula.Transport.Quic.Connections;

/// <summary>What ngtcp2 calls while it reads or writes a packet. No exception leaves; none of the application's code runs; the library is not re-entered.</summary>
// A native frame is below each of these: whatever goes wrong ends the connection that the call was for, is logged, and goes no further.
#pragma warning disable CA1031
internal static unsafe class ConnectionCallbacks
{
    /// <summary>The callbacks of connections that we dial.</summary>
    public static readonly CallbackTable* ClientTable = MakeTable(ConnectionRole.Dialler);

    /// <summary>The callbacks of connections that we accept.</summary>
    public static readonly CallbackTable* ServerTable = MakeTable(ConnectionRole.Acceptor);

    // The connection whose packet this thread feeds to ngtcp2: its decryption callback is not told.
    [ThreadStatic]
    private static ConnectionCore? ThreadReading;

    private static delegate* unmanaged[Cdecl]<byte*, void*, void*, byte*, nuint, byte*, nuint, byte*, nuint, int> CryptoDecrypt;

    /// <summary>The connection whose packet this thread feeds to ngtcp2.</summary>
    public static ConnectionCore? Reading
    {
        set => ThreadReading = value;
    }

    private static CallbackTable* MakeTable(ConnectionRole role)
    {
        var crypto = NativeLibrary.Load(Ngtcp2Crypto.Library, typeof(ConnectionCallbacks).Assembly, DllImportSearchPath.SafeDirectories);
        nint Crypto(string name) => NativeLibrary.GetExport(crypto, name);
        var table = (CallbackTable*)NativeMemory.AllocZeroed((nuint)sizeof(CallbackTable));
        if (role == ConnectionRole.Acceptor)
        {
            table->ReceiveClientInitial = Crypto("ngtcp2_crypto_recv_client_initial_cb");
        }
        else
        {
            table->ClientInitial = Crypto("ngtcp2_crypto_client_initial_cb");
            table->ReceiveRetry = Crypto("ngtcp2_crypto_recv_retry_cb");
        }

        table->ReceiveCryptoData = Crypto("ngtcp2_crypto_recv_crypto_data_cb");
        table->Encrypt = Crypto("ngtcp2_crypto_encrypt_cb");
        CryptoDecrypt = (delegate* unmanaged[Cdecl]<byte*, void*, void*, byte*, nuint, byte*, nuint, byte*, nuint, int>)Crypto("ngtcp2_crypto_decrypt_cb");
        table->Decrypt = (nint)(delegate* unmanaged[Cdecl]<byte*, void*, void*, byte*, nuint, byte*, nuint, byte*, nuint, int>)&Decrypt;
        table->HeaderProtectionMask = Crypto("ngtcp2_crypto_hp_mask_cb");
        table->UpdateKey = Crypto("ngtcp2_crypto_update_key_cb");
        table->DeleteAeadContext = Crypto("ngtcp2_crypto_delete_crypto_aead_ctx_cb");
        table->DeleteCipherContext = Crypto("ngtcp2_crypto_delete_crypto_cipher_ctx_cb");
        table->GetPathChallengeData = Crypto("ngtcp2_crypto_get_path_challenge_data_cb");
        table->VersionNegotiation = Crypto("ngtcp2_crypto_version_negotiation_cb");
        AddOwn(table);
        return table;
    }

    private static void AddOwn(CallbackTable* table)
    {
        table->Random = (nint)(delegate* unmanaged[Cdecl]<byte*, nuint, void*, void>)&FillRandom;
        table->HandshakeCompleted = (nint)(delegate* unmanaged[Cdecl]<nint, nint, int>)&HandshakeCompleted;
        table->GetNewConnectionId = (nint)(delegate* unmanaged[Cdecl]<nint, NativeCid*, byte*, nuint, nint, int>)&GetNewConnectionId;
        table->RemoveConnectionId = (nint)(delegate* unmanaged[Cdecl]<nint, NativeCid*, nint, int>)&RemoveConnectionId;
        table->DestinationIdStatus = (nint)(delegate* unmanaged[Cdecl]<nint, int, ulong, NativeCid*, byte*, nint, int>)&DestinationIdStatus;
        table->ReceiveStatelessReset = (nint)(delegate* unmanaged[Cdecl]<nint, void*, nint, int>)&ReceiveStatelessReset;
        table->StreamOpen = (nint)(delegate* unmanaged[Cdecl]<nint, long, nint, int>)&StreamOpen;
        table->ReceiveStreamData = (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, byte*, nuint, nint, nint, int>)&ReceiveStreamData;
        table->AckedStreamDataOffset = (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, nint, nint, int>)&AckedStreamData;
        table->StreamReset = (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, nint, nint, int>)&StreamReset;
        table->StreamClose = (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, nint, nint, int>)&StreamClose;
        table->ExtendMaxStreamData = (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, nint, nint, int>)&ExtendMaxStreamData;
        table->ExtendMaxLocalStreamsBidi = (nint)(delegate* unmanaged[Cdecl]<nint, ulong, nint, int>)&ExtendBidiStreams;
        table->ExtendMaxLocalStreamsUni = (nint)(delegate* unmanaged[Cdecl]<nint, ulong, nint, int>)&ExtendUniStreams;
        table->ReceiveDatagram = (nint)(delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, nint, int>)&ReceiveDatagram;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FillRandom(byte* target, nuint length, void* context) => RandomNumberGenerator.Fill(new Span<byte>(target, (int)length));

    /// <summary>Decrypts, and looks for what the library does not report: see <see cref="StopSendingScanner"/>.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Decrypt(
        byte* target, void* aead, void* context, byte* ciphertext, nuint length, byte* nonce, nuint nonceLength, byte* header, nuint headerLength)
    {
        const byte LongHeaderBit = 0x80;
        const nuint TagBytes = 16;
        var result = CryptoDecrypt(target, aead, context, ciphertext, length, nonce, nonceLength, header, headerLength);
        if (result != 0 || (header[0] & LongHeaderBit) != 0 || length < TagBytes || ThreadReading is not { } core)
        {
            return result;
        }

        try
        {
            var scanner = new StopSendingScanner(new ReadOnlySpan<byte>(target, (int)(length - TagBytes)));
            while (scanner.TryFindNext(out var streamId, out var code))
            {
                core.HandleStopSending(streamId, code);
            }

            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HandshakeCompleted(nint handle, nint user) => Guard(user, static core => core.Handshake.IsCompleted = true);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetNewConnectionId(nint handle, NativeCid* cid, byte* token, nuint length, nint user)
    {
        var core = ConnectionReference.Resolve(user);
        try
        {
            core.ChooseId(cid, token);
            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RemoveConnectionId(nint handle, NativeCid* cid, nint user)
    {
        var core = ConnectionReference.Resolve(user);
        try
        {
            core.RetireId(cid);
            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int DestinationIdStatus(nint handle, int type, ulong sequence, NativeCid* cid, byte* token, nint user)
    {
        const int Activated = 0;
        var core = ConnectionReference.Resolve(user);
        try
        {
            if (token is not null)
            {
                core.HandleResetToken(ResetToken.Read(token), type == Activated ? ResetTokenState.Active : ResetTokenState.Retired);
            }

            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveStatelessReset(nint handle, void* reset, nint user) => Guard(user, static core => core.HandleStatelessReset());

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamOpen(nint handle, long id, nint user) => Guard(user, id, static (core, id) => core.Streams.HandleOpen(id));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveStreamData(nint handle, uint flags, long id, ulong offset, byte* bytes, nuint length, nint user, nint streamUser)
    {
        var core = ConnectionReference.Resolve(user);
        try
        {
            var end = (flags & Ngtcp2.StreamDataFin) != 0 ? WriteEnd.Finish : WriteEnd.KeepOpen;
            core.Streams.HandleBytes(id, new ReadOnlySpan<byte>(bytes, (int)length), end);
            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AckedStreamData(nint handle, long id, ulong offset, ulong length, nint user, nint streamUser) =>
        Guard(
            user,
            (Id: id, End: (long)(offset + length), Length: (long)length),
            static (core, acked) => core.Streams.HandleAcknowledged(acked.Id, acked.End, acked.Length));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamReset(nint handle, long id, ulong finalSize, ulong code, nint user, nint streamUser) =>
        Guard(user, (id, code), static (core, reset) => core.Streams.HandleReset(reset.id, reset.code));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamClose(nint handle, uint flags, long id, ulong code, nint user, nint streamUser) =>
        Guard(user, id, static (core, id) => core.Streams.HandleClose(id));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ExtendMaxStreamData(nint handle, long id, ulong maximum, nint user, nint streamUser) =>
        Guard(user, id, static (core, id) => core.Streams.HandleCredit(id));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ExtendBidiStreams(nint handle, ulong total, nint user) =>
        Guard(user, total, static (core, total) => core.Connection.AllowStreams(StreamDirection.Bidirectional, total));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ExtendUniStreams(nint handle, ulong total, nint user) =>
        Guard(user, total, static (core, total) => core.Connection.AllowStreams(StreamDirection.Unidirectional, total));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveDatagram(nint handle, uint flags, byte* bytes, nuint length, nint user)
    {
        var core = ConnectionReference.Resolve(user);
        try
        {
            core.Connection.HandleDatagram(new ReadOnlySpan<byte>(bytes, (int)length));
            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    private static int Guard(nint user, Action<ConnectionCore> handle) => Guard(user, handle, static (core, handle) => handle(core));

    private static int Guard<T>(nint user, T argument, Action<ConnectionCore, T> handle)
    {
        var core = ConnectionReference.Resolve(user);
        try
        {
            handle(core, argument);
            return 0;
        }
        catch (Exception exception)
        {
            return Failed(core, exception);
        }
    }

    private static int Failed(ConnectionCore core, Exception exception)
    {
        core.NoteCallbackFailure(exception);
        return Ngtcp2Error.CallbackFailure;
    }
}
#pragma warning restore CA1031
