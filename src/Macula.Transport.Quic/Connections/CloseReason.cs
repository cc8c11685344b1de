using System.Text;

namespace Macula.Transport.Quic.Connections;

/// <summary>The words that a close carries: cut, and free of what could disturb a terminal or a log.</summary>
internal static class CloseReason
{
    /// <summary>Cuts a reason of ours to what goes on the wire, between characters.</summary>
    public static byte[] Encode(string reason)
    {
        Span<byte> bytes = stackalloc byte[TransportConnection.MaxCloseReasonBytes];
        var length = 0;
        foreach (var rune in reason.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) ? new Rune(' ') : rune;
            if (!shown.TryEncodeToUtf8(bytes[length..], out var written))
            {
                break;
            }

            length += written;
        }

        return bytes[..length].ToArray();
    }

    /// <summary>Takes a reason from the wire: not necessarily UTF-8, nor short, nor harmless.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, TransportConnection.MaxCloseReasonBytes)]);
        return Encoding.UTF8.GetString(Encode(text));
    }
}
