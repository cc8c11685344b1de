using System.Collections.Immutable;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>The contacts of an answer, nearest first (docs/protocol/03-frames.md [FRM-42]).</summary>
internal static class ContactList
{
    public static void ThrowIfTooLong(ImmutableArray<Contact> contacts)
    {
        if (contacts.IsDefault || contacts.Length > NodesFrame.MaxContacts)
        {
            throw new ArgumentException($"There are 0 to {NodesFrame.MaxContacts} contacts.", nameof(contacts));
        }
    }

    public static int EncodedBytes(ImmutableArray<Contact> contacts) =>
        MessagePack.EncodedBytes.OfContainerHeader(contacts.Length) + contacts.Sum(contact => contact.EncodedBytes);

    public static bool TryRead(ref MessagePackReader reader, out ImmutableArray<Contact> contacts)
    {
        contacts = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        if (count > NodesFrame.MaxContacts)
        {
            return reader.Fail(RecordFault.TooManyContacts);
        }

        var builder = ImmutableArray.CreateBuilder<Contact>(count);
        for (var index = 0; index < count; index++)
        {
            if (!Contact.TryRead(ref reader, out var contact))
            {
                return false;
            }

            builder.Add(contact!);
        }

        reader.Leave();
        contacts = builder.MoveToImmutable();
        return true;
    }

    public static void Write(MessagePackWriter writer, ImmutableArray<Contact> contacts)
    {
        writer.WriteArrayHeader(contacts.Length);
        foreach (var contact in contacts)
        {
            contact.Write(writer);
        }
    }
}
