using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>What a node says of itself before anything else: the versions and features that it has (docs/protocol/03-frames.md [FRM-10] to [FRM-14]).</summary>
// map: 1 -> array of uint versions | 2 -> array of str features | 3 -> str agent | 4 -> uint instance | keys of newer nodes
public sealed class HelloFrame
{
    /// <summary>The version of the protocol that this code speaks.</summary>
    public const uint CurrentVersion = 1;

    /// <summary>Most versions that a hello names; it names at least one.</summary>
    public const int MaxVersions = 8;

    /// <summary>Most features that a hello names.</summary>
    public const int MaxFeatures = 64;

    /// <summary>Most bytes of a feature's name; it has at least one.</summary>
    public const int MaxFeatureBytes = 64;

    /// <summary>Most bytes of the agent.</summary>
    public const int MaxAgentBytes = 128;

    private const ulong VersionsKey = 1;
    private const ulong FeaturesKey = 2;
    private const ulong AgentKey = 3;
    private const ulong InstanceKey = 4;

    /// <summary>Describes a node.</summary>
    /// <param name="versions">Versions of the protocol that it speaks, 1 to <see cref="MaxVersions"/> of them, in any order.</param>
    /// <param name="instance">The number that the node drew when it started.</param>
    /// <param name="features">What it can do beyond its versions, at most <see cref="MaxFeatures"/> names.</param>
    /// <param name="agent">The program and its version, such as <c>macula-dotnet/0.1.0</c>, for people; possibly empty.</param>
    /// <exception cref="ArgumentException">A limit is exceeded, or a text holds half of a surrogate pair.</exception>
    public HelloFrame(ImmutableArray<uint> versions, ulong instance, ImmutableArray<string> features, string agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        if (versions.IsDefaultOrEmpty || versions.Length > MaxVersions)
        {
            throw new ArgumentException($"A hello names 1 to {MaxVersions} versions.", nameof(versions));
        }

        if (features.IsDefault || features.Length > MaxFeatures || features.Any(feature => StrictUtf8.Encoding.GetByteCount(feature) is 0 or > MaxFeatureBytes))
        {
            throw new ArgumentException($"A hello names at most {MaxFeatures} features of 1 to {MaxFeatureBytes} bytes each.", nameof(features));
        }

        if (StrictUtf8.Encoding.GetByteCount(agent) > MaxAgentBytes)
        {
            throw new ArgumentException($"An agent has at most {MaxAgentBytes} bytes.", nameof(agent));
        }

        Versions = versions;
        Instance = instance;
        Features = features;
        Agent = agent;
    }

    /// <summary>Versions of the protocol that the node speaks; never empty.</summary>
    public ImmutableArray<uint> Versions { get; }

    /// <summary>The number that the node drew at random when it started; another one from the same node means that it was restarted. 0 when it names none.</summary>
    public ulong Instance { get; }

    /// <summary>What the node can do beyond its versions; possibly empty. Names that are not known are to be ignored.</summary>
    public ImmutableArray<string> Features { get; }

    /// <summary>The program and its version, for people; possibly empty. Nothing may be decided by it.</summary>
    public string Agent { get; }

    /// <summary>The version that two nodes speak with each other: the highest that both name; null when there is none.</summary>
    /// <param name="other">The versions of the node that this hello comes to.</param>
    // [FRM-12]: both sides compute the same, so nobody has to announce a choice.
    public uint? ChooseVersion(ImmutableArray<uint> other)
    {
        uint? best = null;
        foreach (var version in Versions)
        {
            if (other.Contains(version) && !(best >= version))
            {
                best = version;
            }
        }

        return best;
    }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        new FrameHeader(FrameType.Hello, (ulong)BodyBytes()).Write(output);
        var writer = new MessagePackWriter(output);
        writer.WriteMapHeader(4);
        writer.WriteInteger(VersionsKey);
        writer.WriteArrayHeader(Versions.Length);
        foreach (var version in Versions)
        {
            writer.WriteInteger((ulong)version);
        }

        writer.WriteInteger(FeaturesKey);
        writer.WriteArrayHeader(Features.Length);
        foreach (var feature in Features)
        {
            writer.WriteString(feature);
        }

        writer.WriteInteger(AgentKey);
        writer.WriteString(Agent);
        writer.WriteInteger(InstanceKey);
        writer.WriteInteger(Instance);
    }

    /// <summary>Reads the body of a hello.</summary>
    /// <param name="body">The frame's body; the hello shares none of its memory.</param>
    /// <param name="frame">The hello; null when the answer is false.</param>
    /// <param name="error">What is wrong; the connection ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out HelloFrame? frame, out ProtocolError error)
    {
        var reader = new MessagePackReader(body.Span, new MessagePackLimits { MaxBytes = FrameLimits.MaxHelloBodyBytes });
        frame = TryReadFields(ref reader, out var versions, out var instance, out var features, out var agent) ? new HelloFrame(versions, instance, features, agent) : null;
        error = reader.Error.GetValueOrDefault();
        return frame is not null;
    }

    private static bool TryReadFields(
        ref MessagePackReader reader, out ImmutableArray<uint> versions, out ulong instance, out ImmutableArray<string> features, out string agent)
    {
        versions = default;
        instance = 0;
        features = [];
        agent = "";
        var seenKeys = 0;
        if (!reader.TryEnterMap(out var count))
        {
            return false;
        }

        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadUInt64(out var key))
            {
                return false;
            }

            // [FRM-11]: one meaning for each key, so a known one stands once.
            var keyBit = key is VersionsKey or FeaturesKey or AgentKey or InstanceKey ? 1 << (int)key : 0;
            if ((seenKeys & keyBit) != 0)
            {
                return reader.Fail(FrameFault.Malformed("FRM-11", "a hello holds a key twice"));
            }

            seenKeys |= keyBit;
            var read = key switch
            {
                VersionsKey => TryReadVersions(ref reader, out versions),
                FeaturesKey => TryReadFeatures(ref reader, out features),
                AgentKey => TryReadAgent(ref reader, out agent),
                InstanceKey => reader.TryReadUInt64(out instance),
                // [FRM-11]: what a newer node adds is passed over; that is how old and new nodes talk.
                _ => reader.TrySkip(),
            };
            if (!read)
            {
                return false;
            }
        }

        reader.Leave();
        return reader.TryEnd() && (!versions.IsDefault || reader.Fail(FrameFault.Malformed("FRM-12", "a hello names no versions")));
    }

    private static bool TryReadVersions(ref MessagePackReader reader, out ImmutableArray<uint> versions)
    {
        versions = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        if (count is 0 or > MaxVersions)
        {
            return reader.Fail(FrameFault.Malformed("FRM-12", $"a hello names {count} versions, not 1 to {MaxVersions}"));
        }

        var builder = ImmutableArray.CreateBuilder<uint>(count);
        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadUInt32(out var version))
            {
                return false;
            }

            builder.Add(version);
        }

        reader.Leave();
        versions = builder.MoveToImmutable();
        return true;
    }

    private static bool TryReadFeatures(ref MessagePackReader reader, out ImmutableArray<string> features)
    {
        features = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        if (count > MaxFeatures)
        {
            return reader.Fail(FrameFault.Malformed("FRM-13", $"a hello names {count} features, more than {MaxFeatures}"));
        }

        var builder = ImmutableArray.CreateBuilder<string>(count);
        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadString(MaxFeatureBytes, out var feature))
            {
                return false;
            }

            if (feature.Length == 0)
            {
                return reader.Fail(FrameFault.Malformed("FRM-13", "a feature has no name"));
            }

            builder.Add(feature);
        }

        reader.Leave();
        features = builder.MoveToImmutable();
        return true;
    }

    private static bool TryReadAgent(ref MessagePackReader reader, out string agent)
    {
        var read = reader.TryReadString(MaxAgentBytes, out var text);
        agent = text ?? "";
        return read;
    }

    private int BodyBytes() =>
        // The map's header and its four keys take a byte each.
        5
        + EncodedBytes.OfContainerHeader(Versions.Length) + Versions.Sum(version => EncodedBytes.OfInteger(version))
        + EncodedBytes.OfContainerHeader(Features.Length) + Features.Sum(EncodedBytes.OfString)
        + EncodedBytes.OfString(Agent)
        + EncodedBytes.OfInteger(Instance);
}
