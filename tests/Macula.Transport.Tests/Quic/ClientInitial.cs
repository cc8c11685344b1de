using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Macula.Transport.Tests.Quic;

/// <summary>Builds first packets that no well-behaved client sends first (RFC 9000 §17.2.2, RFC 9001 §5).</summary>
internal static class ClientInitial
{
    private const int PacketBytes = 1_200;
    private const int TagBytes = 16;

    /// <summary>A first packet with a piece of the ClientHello from its middle, as if an earlier packet were late.</summary>
    public static byte[] FromTheMiddle(byte[] destinationId, byte[] sourceId)
    {
        // CRYPTO frame: u8 type 6 | varint offset 100 | varint length 2 | bytes; then padding.
        byte[] frames = [6, 0x40, 100, 2, 1, 1];

        // u8 first byte (packet number of 4 bytes) | u32 version | ids with lengths | varint token length | varint length | u32 packet number
        byte[] head = [0xC3, 0, 0, 0, 1, (byte)destinationId.Length, .. destinationId, (byte)sourceId.Length, .. sourceId, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(head.Length - 6), (ushort)(0x4000 | (PacketBytes - head.Length + 4)));
        var plain = new byte[PacketBytes - head.Length - TagBytes];
        frames.CopyTo(plain, 0);
        return Protect(head, plain, destinationId);
    }

    private static byte[] Protect(byte[] head, byte[] plain, byte[] destinationId)
    {
        // RFC 9001 §5.2: the salt of QUIC version 1.
        var salt = Convert.FromHexString("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
        var secret = Expand(HKDF.Extract(HashAlgorithmName.SHA256, destinationId, salt), "client in", 32);
        var packet = new byte[PacketBytes];
        head.CopyTo(packet, 0);
        using var aead = new AesGcm(Expand(secret, "quic key", 16), TagBytes);
        aead.Encrypt(Expand(secret, "quic iv", 12), plain, packet.AsSpan(head.Length, plain.Length), packet.AsSpan(head.Length + plain.Length), head);

        // RFC 9001 §5.4: the sample begins where the protected bytes do when the packet number has four bytes.
        using var aes = Aes.Create();
        aes.Key = Expand(secret, "quic hp", 16);
        var mask = aes.EncryptEcb(packet.AsSpan(head.Length, 16), PaddingMode.None);
        packet[0] ^= (byte)(mask[0] & 0x0F);
        for (var i = 0; i < 4; i++)
        {
            packet[head.Length - 4 + i] ^= mask[1 + i];
        }

        return packet;
    }

    // RFC 8446 §7.1: u16 length | u8 label length | label | u8 context length 0
    private static byte[] Expand(byte[] secret, string label, int length)
    {
        var name = Encoding.ASCII.GetBytes("tls13 " + label);
        return HKDF.Expand(HashAlgorithmName.SHA256, secret, length, [0, (byte)length, (byte)name.Length, .. name, 0]);
    }
}
