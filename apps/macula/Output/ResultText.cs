using Macula.Wire.MessagePack;

namespace Macula.Cli.Output;

/// <summary>Values of the mesh as JSON, which is how this program prints them.</summary>
internal static class ResultText
{
    /// <summary>A value as JSON on one line.</summary>
    /// <param name="value">What came.</param>
    /// <param name="what">What it is, to begin a sentence with.</param>
    /// <exception cref="CommandFailure">JSON has no form for it, such as a map whose keys are no strings.</exception>
    public static string Of(MeshValue value, string what)
    {
        try
        {
            return value.ToJson();
        }
        catch (FormatException exception)
        {
            throw new CommandFailure(ExitCode.Failure, $"{what} cannot be shown as JSON: {exception.Message}");
        }
    }
}
