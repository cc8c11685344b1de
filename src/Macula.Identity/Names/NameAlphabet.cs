using System.Buffers;

namespace Macula.Identity.Names;

/// <summary>The characters that names may hold.</summary>
internal static class NameAlphabet
{
    private const string LowerCaseAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";

    public static readonly SearchValues<char> NodeName = SearchValues.Create(LowerCaseAndDigits + "-_.");

    public static readonly SearchValues<char> DomainLabel = SearchValues.Create(LowerCaseAndDigits + "-");

    public static readonly SearchValues<char> NodeGlob = SearchValues.Create(LowerCaseAndDigits + "-_.*");
}
