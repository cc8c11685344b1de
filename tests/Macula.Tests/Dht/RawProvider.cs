using Macula.Identity.Records;
using Macula.Tests.Hostile;
using Macula.Wire.Errors;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Tests.Dht;

/// <summary>Has a raw member stand in the DHT as a provider of "echo".</summary>
internal static class RawProvider
{
    /// <summary>Stores its provider record and its node record at a holder.</summary>
    public static async Task PublishAsync(RawMember member, MaculaPeer holder, WallTime now)
    {
        var (connection, control) = await member.EstablishAsync(holder.LocalEndPoint);
        foreach (var content in new RecordContent[] { new RecordContent.Provider(ProcedureName.Parse("echo"), 0, 0), new RecordContent.Node([NodeAddress.From(member.LocalEndPoint)], []) })
        {
            var record = new RecordSigner(member.Credentials).Sign(content, RecordState.Live, now.UnixMilliseconds, now, TimeSpan.FromMinutes(30));
            Assert.Equal(ErrorCode.NoError, await RawDht.AskForErrorAsync(connection, new StoreFrame(record.Record.Bytes).Write));
        }

        await control.DisposeAsync();
        connection.Close(0, "");
    }
}
