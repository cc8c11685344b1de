using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class CatchTests
{
    [Fact]
    public void NoCatchIsEmpty() => Expect.Obeyed(CatchChecks.Empty);

    [Fact]
    public void WhoCatchesEverythingSaysWhy() => Expect.Obeyed(CatchChecks.Everything);

    [Theory]
    [InlineData("catch { }")]
    [InlineData("catch (Exception) { }")]
    [InlineData("catch (Exception) { /* nobody cares */ }")]
    [InlineData("catch (IOException) { }")]
    public void EmptyCatchIsFound(string clause) => Expect.Found(CatchChecks.Empty, ["src/A/T.cs:2"], Planted("try { }\n" + clause));

    [Theory]
    [InlineData("catch (IOException)\n{\n// The file is gone, which is what was wanted.\n}")]
    [InlineData("catch (IOException) { return; }")]
    [InlineData("catch (Exception e) when (e is IOException) { return; }")]
    public void NamedAndHandledIsAccepted(string clause)
    {
        Expect.Accepted(CatchChecks.Empty, Planted("try { }\n" + clause));
        Expect.Accepted(CatchChecks.Everything, Planted("try { }\n" + clause));
    }

    [Theory]
    [InlineData("catch { return; }")]
    [InlineData("catch (Exception e) { Log(e); }")]
    [InlineData("catch (System.Exception) { Log(); } // far away")]
    public void SilentCatchAllIsFound(string clause) => Expect.Found(CatchChecks.Everything, ["src/A/T.cs:2"], Planted("try { }\n" + clause));

    [Theory]
    [InlineData("try { }\n// The root of the receive loop: the node ends.\ncatch (Exception e) { End(e); }")]
    [InlineData("try { }\ncatch (Exception e)\n{\n// The root of the receive loop: the node ends.\nEnd(e); }")]
    public void CatchAllWithAWordIsAccepted(string body) => Expect.Accepted(CatchChecks.Everything, Planted(body));

    [Fact]
    public void CommentAboveTheMethodExplainsItsCatchAll() =>
        Expect.Accepted(CatchChecks.Everything, ("src/A/T.cs", "class T {\n// A task root.\nvoid M() { try { } catch (Exception e) { End(e); } } }"));

    [Fact]
    public void CommentAboveTheTypeExplainsItsCatchAlls() =>
        Expect.Accepted(CatchChecks.Everything, ("src/A/T.cs", "// Native frames are below: nothing leaves.\nclass T { void M() { try { } catch { return; } } }"));

    [Fact]
    public void CatchAllThatCleansUpAndRethrowsIsAccepted() => Expect.Accepted(CatchChecks.Everything, Planted("try { } catch { End(); throw; }"));

    private static (string Path, string Text) Planted(string body) => ("src/A/T.cs", "class T { void M() { " + body + " } }");
}
