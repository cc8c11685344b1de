using System.Text;

namespace Macula.Transport.Quic;

/// <summary>The ranges that <see cref="EndpointOptions"/> documents, checked before anything is bound.</summary>
internal static class OptionRanges
{
    private const int LeastStreamBytes = 16 << 10;
    private const int MostStreamBytes = 64 << 20;
    private const int MostStreams = 65_536;

    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public static void Check(EndpointOptions options)
    {
        Between(options.IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), nameof(options.IdleTimeout));
        Between(options.KeepAliveInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), nameof(options.KeepAliveInterval));
        Between(options.HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), nameof(options.HandshakeTimeout));
        Between(options.MaxConnections, 1, int.MaxValue, nameof(options.MaxConnections));
        Between(options.AcceptBacklog, 1, int.MaxValue, nameof(options.AcceptBacklog));
        Between(options.MaxIncomingStreams, 1, MostStreams, nameof(options.MaxIncomingStreams));
        Between(options.StreamReceiveWindowBytes, LeastStreamBytes, MostStreamBytes, nameof(options.StreamReceiveWindowBytes));
        Between(options.ConnectionReceiveWindowBytes, options.StreamReceiveWindowBytes, int.MaxValue, nameof(options.ConnectionReceiveWindowBytes));
        Between(options.StreamSendBufferBytes, LeastStreamBytes, MostStreamBytes, nameof(options.StreamSendBufferBytes));
        Between(options.DatagramQueueLength, 1, int.MaxValue, nameof(options.DatagramQueueLength));

        // RFC 7301 §3.1: a protocol name has 1 to 255 bytes.
        if (options.ApplicationProtocol.Length is 0 or > byte.MaxValue || !Ascii.IsValid(options.ApplicationProtocol))
        {
            throw new ArgumentException($"{nameof(options.ApplicationProtocol)} has 1 to 255 ASCII characters.", nameof(options));
        }
    }

    private static void Between<T>(T value, T least, T most, string name)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            throw new ArgumentOutOfRangeException(name, $"{name} is {value}; it ranges from {least} to {most}.");
        }
    }
}
