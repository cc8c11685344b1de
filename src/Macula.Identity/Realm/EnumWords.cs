using System.Text.Json;

namespace Macula.Identity.Realm;

/// <summary>How the members of an enumeration stand in JSON: lower-case words joined by '-'.</summary>
internal static class EnumWords<T>
    where T : struct, Enum
{
    private static readonly Dictionary<string, T> ByWord = Enum.GetValues<T>().ToDictionary(WordOf, value => value, StringComparer.Ordinal);

    public static string WordOf(T value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    public static bool TryParse(string? word, out T value)
    {
        value = default;
        return word is not null && ByWord.TryGetValue(word, out value);
    }
}
