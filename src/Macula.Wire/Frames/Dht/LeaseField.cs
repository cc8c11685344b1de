using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>The lease of a watch as a field: an integer of milliseconds, 0 to 600,000.</summary>
internal static class LeaseField
{
    public static TimeSpan Check(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, WatchFrame.MaxLease);
        return TimeSpan.FromMilliseconds(Math.Floor(lease.TotalMilliseconds));
    }

    public static int EncodedBytes(TimeSpan lease) => MessagePack.EncodedBytes.OfInteger((ulong)lease.TotalMilliseconds);

    public static bool TryRead(ref MessagePackReader reader, out TimeSpan lease)
    {
        lease = default;
        if (!reader.TryReadUInt32(out var milliseconds))
        {
            return false;
        }

        if (milliseconds > WatchFrame.MaxLease.TotalMilliseconds)
        {
            return reader.Fail(FrameFault.Malformed("FRM-52", "a lease is longer than ten minutes"));
        }

        lease = TimeSpan.FromMilliseconds(milliseconds);
        return true;
    }

    public static void Write(MessagePackWriter writer, TimeSpan lease) => writer.WriteInteger((ulong)lease.TotalMilliseconds);
}
