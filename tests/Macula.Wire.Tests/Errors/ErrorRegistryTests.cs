using System.Globalization;
using Macula.Wire.Errors;

namespace Macula.Wire.Tests.Errors;

/// <summary>[ERR-1] to [ERR-4]: one registry, and a page that says the same.</summary>
public sealed class ErrorRegistryTests
{
    [Fact]
    public void EveryCodeHasOneEntry()
    {
        var codes = Enum.GetValues<ErrorCode>();
        Assert.Equal(codes.Length, codes.Distinct().Count());
        Assert.Equal(codes.Order(), ErrorCodes.All.Select(entry => entry.Code));
        Assert.All(ErrorCodes.All, entry => Assert.False(string.IsNullOrWhiteSpace(entry.Meaning)));
    }

    // [ERR-3]
    [Fact]
    public void PageListsExactlyTheRegistry()
    {
        var rows = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "protocol", "04-errors.md"))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length == 6 && int.TryParse(cells[1], CultureInfo.InvariantCulture, out _))
            .Select(cells => (Number: int.Parse(cells[1], CultureInfo.InvariantCulture), Name: cells[2], Advice: cells[3], Meaning: cells[4]));

        var registry = ErrorCodes.All.Select(entry => (Number: (int)entry.Code, Name: entry.Code.ToString(), Advice: Words(entry.Advice), entry.Meaning));

        Assert.Equal(registry, rows);
    }

    // [ERR-2]
    [Fact]
    public void NumberOfANewerNodeStaysAndAdvisesAgainstARetry()
    {
        var entry = ErrorCodes.Describe(ErrorCodes.FromWire(999));
        Assert.Equal(999, (int)entry.Code);
        Assert.Equal(RetryAdvice.DoNotRetry, entry.Advice);
        Assert.Contains("999", entry.Meaning, StringComparison.Ordinal);
    }

    // [ERR-2]
    [Fact]
    public void NumberBeyond16BitsIsAnInternalError() => Assert.Equal(ErrorCode.InternalError, ErrorCodes.FromWire(65536));

    private static string Words(RetryAdvice advice) => advice switch
    {
        RetryAdvice.DoNotRetry => "do not retry",
        RetryAdvice.RetrySameNode => "same node, later",
        _ => "other node",
    };
}
