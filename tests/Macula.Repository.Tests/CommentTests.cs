using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class CommentTests
{
    [Fact]
    public void CommentsTellNoHistory() => Expect.Obeyed(CommentChecks.History);

    [Fact]
    public void DocumentationSaysMoreThanTheName() => Expect.Obeyed(CommentChecks.Echoes);

    [Theory]
    [InlineData("// TODO: bound this")]
    [InlineData("// FIXME")]
    [InlineData("// see issue #12")]
    [InlineData("// closes #345")]
    [InlineData("// was renamed from Dialler")]
    [InlineData("// This used to be a list.")]
    [InlineData("/// <summary>Comes in phase 2.</summary>")]
    [InlineData("/* for now one is enough */")]
    [InlineData("// previously a timer")]
    public void CommentThatTellsHistoryIsFound(string comment) =>
        Expect.Found(CommentChecks.History, ["src/A/T.cs:2"], ("src/A/T.cs", $"class T {{\n{comment}\nint x; }}"));

    [Theory]
    [InlineData("// RFC 9000 §10.1: the smaller advertised timeout wins.")]
    [InlineData("// A stalled lookup may ask k peers at once, no longer alpha.")]
    [InlineData("// The nonce is used to tell probes apart.")]
    [InlineData("// The key is written as PKCS #8.")]
    [InlineData("// docs/protocol/05-kademlia.md §4.2 [KAD-12]")]
    public void CommentThatTellsWhyIsAccepted(string comment) =>
        Expect.Accepted(CommentChecks.History, ("src/A/T.cs", $"class T {{\n{comment}\nstring x = \"TODO\"; }}"));

    [Fact]
    public void HistoryInScriptsAndProjectsIsFound() =>
        Expect.Found(
            CommentChecks.History,
            ["run.sh:2", "src/A/A.csproj:1"],
            ("run.sh", "#!/bin/sh\ntrue # TODO: more\nx=${y#1}\n"),
            ("src/A/A.csproj", "<Project><!-- was added for issue 4 --></Project>"));

    [Theory]
    [InlineData("/// <summary>Gets or sets the idle timeout.</summary>", "public TimeSpan IdleTimeout { get; set; }")]
    [InlineData("/// <summary>The <see cref=\"RoutingTable\"/>.</summary>", "public class RoutingTable { }")]
    [InlineData("/// <summary></summary>", "public void Close() { }")]
    [InlineData("/// <param name=\"key\">The key.</param>", "public void Find(int key) { }")]
    [InlineData("/// <param name=\"peerIds\">The peer ids.</param>", "public void Find(int peerIds) { }")]
    [InlineData("/// <returns>The find.</returns>", "public int Find() => 1;")]
    public void DocumentationThatEchoesIsFound(string documentation, string member) =>
        Expect.Found(CommentChecks.Echoes, ["src/A/T.cs:2"], ("src/A/T.cs", $"class T {{\n{documentation}\n{member} }}"));

    [Theory]
    [InlineData("/// <summary>Longest silence before a connection is closed. Default 30 s.</summary>", "public TimeSpan IdleTimeout { get; set; }")]
    [InlineData("/// <param name=\"key\">What is looked for, 20 bytes.</param>", "public void Find(int key) { }")]
    [InlineData("/// <inheritdoc/>", "public void Find(int key) { }")]
    public void DocumentationThatAddsIsAccepted(string documentation, string member) =>
        Expect.Accepted(CommentChecks.Echoes, ("src/A/T.cs", $"class T {{\n{documentation}\n{member} }}"));
}
