using System.Text;
using Macula.Wire.Identifiers;

namespace Macula.Wire.Tests.Identifiers;

/// <summary>[NAM-1] to [NAM-3].</summary>
public sealed class ProcedureNameTests
{
    private static readonly string SixteenSegments = string.Join('.', Enumerable.Repeat("s", 16));

    public static TheoryData<string> Names => ["a", "math.add", "A-b_9.Z", "0", "-", "_._", SixteenSegments, new string('n', 255)];

    public static TheoryData<string> NotNames =>
    [
        "", ".", "a.", ".a", "a..b", " ", "a b", "a\0", "a/b", "a*", "größe", "\u0660", "\uff41", "\ud800", "a\n", SixteenSegments + ".s", new string('n', 256),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void NameIsTakenEveryWay(string text)
    {
        var name = ProcedureName.Parse(text);
        Assert.Equal(text, name.Value);
        Assert.True(ProcedureName.TryParse(text, out var parsed));
        Assert.True(ProcedureName.TryRead(Encoding.ASCII.GetBytes(text), out var read));
        Assert.Equal(name, parsed);
        Assert.Equal(name, read);
        Assert.True(name == read);
        Assert.Equal(name.GetHashCode(), read.GetHashCode());
    }

    [Theory]
    [MemberData(nameof(NotNames))]
    public void WhatIsNoNameIsTakenNoWay(string text)
    {
        Assert.Throws<ArgumentException>(() => ProcedureName.Parse(text));
        Assert.False(ProcedureName.TryParse(text, out _));
        Assert.False(ProcedureName.TryRead(Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void OnlyTheNamedCharactersPass()
    {
        const string Allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        for (var character = 0; character <= char.MaxValue; character++)
        {
            Assert.Equal(Allowed.Contains((char)character), ProcedureName.TryParse(((char)character).ToString(), out _));
        }

        for (var value = 0; value <= byte.MaxValue; value++)
        {
            Assert.Equal(Allowed.Contains((char)value), ProcedureName.TryRead([(byte)value], out _));
        }
    }

    [Fact]
    public void CaseAndOrderAreOrdinal()
    {
        Assert.NotEqual(ProcedureName.Parse("a"), ProcedureName.Parse("A"));
        Assert.True(ProcedureName.Parse("A") < ProcedureName.Parse("a"));
        Assert.True(ProcedureName.Parse("a") > null);
    }

    [Fact]
    public void MessageSaysTheRuleAndShowsTheTextOnOneSafeLine()
    {
        var message = Assert.Throws<ArgumentException>(() => ProcedureName.Parse("a\u001b[31m\n" + new string('x', 200))).Message;
        Assert.Contains("\"a\\u001b[31m\\u000axxx", message, StringComparison.Ordinal);
        Assert.Contains("...\"", message, StringComparison.Ordinal);
        Assert.Contains("'\\u001b' is none of", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', message);
        Assert.Contains("17 segments", Assert.Throws<ArgumentException>(() => ProcedureName.Parse(SixteenSegments + ".s")).Message, StringComparison.Ordinal);
        Assert.Contains("more than 255", Assert.Throws<ArgumentException>(() => ProcedureName.Parse(new string('n', 256))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BytesThatAreNoNameCostNoMemory()
    {
        var bytes = Encoding.UTF8.GetBytes("a..b");
        ProcedureName.TryRead(bytes, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        ProcedureName.TryRead(bytes, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
