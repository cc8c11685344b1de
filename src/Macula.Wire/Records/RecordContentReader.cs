using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>Reads what a record says, by its kind.</summary>
internal static class RecordContentReader
{
    public static RecordContent? Read(ref MessagePackReader reader, uint kind)
    {
        if (!reader.TryEnterArray(out var count))
        {
            return null;
        }

        RecordContent? content = null;
        switch ((RecordKind)kind)
        {
            case RecordKind.Provider:
                content = ReadProvider(ref reader);
                break;
            case RecordKind.Node:
                content = ReadNode(ref reader);
                break;
            case RecordKind.Subscriber:
                content = ReadSubscriber(ref reader);
                break;
            default:
                reader.Fail(RecordFault.Kind);
                break;
        }

        if (content is null)
        {
            return null;
        }

        // [REC-3]: nothing is skipped, since what stands in a record is signed and passed on.
        if (count != content.FieldCount)
        {
            reader.Fail(RecordFault.NotCanonical);
            return null;
        }

        reader.Leave();
        return content;
    }

    private static RecordContent.Provider? ReadProvider(ref MessagePackReader reader)
    {
        if (!reader.TryReadUtf8(ProcedureName.MaxBytes, out var name) || !reader.TryReadUInt32(out var version) || !reader.TryReadUInt32(out var load))
        {
            return null;
        }

        if (!ProcedureName.TryRead(name, out var procedure) || load > RecordContent.Provider.FullLoad)
        {
            reader.Fail(RecordFault.Fields);
            return null;
        }

        return new RecordContent.Provider(procedure, version, (int)load);
    }

    private static RecordContent.Node? ReadNode(ref MessagePackReader reader)
    {
        if (!AddressList.TryRead(ref reader, RecordContent.Node.MaxAddresses, out var addresses) || !reader.TryEnterArray(out var count))
        {
            return null;
        }

        if (count > RecordContent.Node.MaxGateways)
        {
            reader.Fail(RecordFault.Fields);
            return null;
        }

        var gateways = ImmutableArray.CreateBuilder<NodeId>(count);
        for (var index = 0; index < count; index++)
        {
            if (!PointField.TryReadNode(ref reader, out var gateway))
            {
                return null;
            }

            gateways.Add(gateway);
        }

        reader.Leave();
        return new RecordContent.Node(addresses, gateways.MoveToImmutable());
    }

    private static RecordContent.Subscriber? ReadSubscriber(ref MessagePackReader reader)
    {
        if (!reader.TryEnterArray(out var count))
        {
            return null;
        }

        if (count > RecordContent.Subscriber.MaxPatterns)
        {
            reader.Fail(RecordFault.Fields);
            return null;
        }

        var patterns = new List<TopicPattern>(count);
        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadUtf8(TopicPattern.MaxBytes, out var text))
            {
                return null;
            }

            if (!TopicPattern.TryRead(text, out var pattern))
            {
                reader.Fail(RecordFault.Fields);
                return null;
            }

            patterns.Add(pattern);
        }

        reader.Leave();
        // [REC-3]: another order, or a pattern that stands twice, shows when the content is written again.
        if (!RecordContent.Subscriber.TryCreate(patterns, out var content))
        {
            reader.Fail(RecordFault.Fields);
        }

        return content;
    }
}
