using Macula.Cli.Tests.Support;
using Macula.Identity.Policy;

namespace Macula.Cli.Tests;

/// <summary>What a node of another realm, a revoked node and one without permission get.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task NodeOfAnotherRealmIsRefusedOnBothSides()
    {
        await using var workspace = new Workspace();
        workspace.Found("tenant-a");
        workspace.Issue("tenant-a", "alice");
        workspace.Found("tenant-b");
        workspace.Issue("tenant-b", "mallory");
        var serving = await workspace.ServeAsync("alice");

        var refused = await workspace.RunAsync("call", "echo", "--as", "mallory", "--at", serving.Address);
        var asJson = await workspace.RunAsync("call", "echo", "--as", "mallory", "--at", serving.Address, "--json");
        var foreign = await workspace.RunAsync("call", "echo", "--as", "mallory", "--realm", "tenant-a", "--at", serving.Address);

        refused.ExpectOneLine(7, "RealmNotServed", serving.Address, "is not served");
        Assert.Equal("RealmNotServed", asJson.Expect(7).Json().GetProperty("error").GetString());
        Assert.Equal("NotStarted", asJson.Json().GetProperty("handler").GetString());
        await serving.WaitForLogAsync("warn", "Refused", "UnknownServerName");
        foreign.ExpectOneLine(4, "mallory/node.crt", "names realm");
    }

    [Fact]
    public async Task RevokedNodeIsRefusedOnceTheRealmFileIsThere()
    {
        await using var workspace = new Workspace();
        workspace.Found("tenant-a");
        workspace.Issue("tenant-a", "alice");
        workspace.Issue("tenant-a", "bob");
        var before = await workspace.ServeAsync("alice");
        (await workspace.RunAsync("call", "echo", "1", "--as", "bob", "--at", before.Address)).Expect(0);
        await before.TerminateAsync();

        (await workspace.RunAsync("cert", "revoke", "bob", "--authority", "tenant-a")).Expect(0);
        File.Copy(workspace["tenant-a/realm.json"], workspace["alice/realm.json"], overwrite: true);
        var after = await workspace.ServeAsync("alice");
        var refused = await workspace.RunAsync("call", "echo", "1", "--as", "bob", "--at", after.Address);
        var refusesItself = await workspace.RunAsync("call", "echo", "1", "--as", "bob", "--realm", "tenant-a", "--at", after.Address);

        refused.ExpectOneLine(7, "CertificateRevoked", "refused this node");
        await after.WaitForLogAsync("warn", "Refused a connection", "CertificateRevoked");
        refusesItself.ExpectOneLine(4, "bob/node.crt cannot be used", "Revocation list 2 names bob");
    }

    [Fact]
    public async Task ProviderObeysThePolicyThatItHas()
    {
        await using var workspace = new Workspace();
        workspace.Found("tenant-a");
        workspace.Issue("tenant-a", "bob");
        workspace.Administer("tenant-a", store => store.Authority.SignPolicy([new PolicyRule([PolicySubject.AnyMember], [MeshAction.Advertise], [NamePattern.Everything])]));
        workspace.Issue("tenant-a", "alice");
        var serving = await workspace.ServeAsync("alice");

        var refused = await workspace.RunAsync("call", "echo", "--as", "bob", "--at", serving.Address);
        var refusesItself = await workspace.RunAsync("call", "echo", "--as", "bob", "--realm", "alice", "--at", serving.Address);

        refused.ExpectOneLine(7, "NotPermitted");
        await serving.WaitForLogAsync("warn", "may not call echo");
        refusesItself.ExpectOneLine(7, "NotPermitted");
    }

    [Fact]
    public async Task NodeThatWasNotAskedForIsNotCalled()
    {
        await using var workspace = new Workspace();
        workspace.Found("tenant-a");
        workspace.Issue("tenant-a", "alice");
        workspace.Issue("tenant-a", "bob");
        var serving = await workspace.ServeAsync("alice");

        var other = await workspace.RunAsync("call", "echo", "--as", "bob", "--at", serving.Address, "--node", new string('0', 40));
        var right = await workspace.RunAsync("call", "echo", "--as", "bob", "--at", serving.Address, "--node", serving.Announcement.GetProperty("id").GetString()!);

        other.ExpectOneLine(7, "UnexpectedNode");
        right.Expect(0);
    }
}
