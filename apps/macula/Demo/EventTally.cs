using System.Text.Json;

namespace Macula.Cli.Demo;

/// <summary>Counts the events that a session writes, by topic; may be asked while they come.</summary>
internal sealed class EventTally
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, JsonElement> _latest = new(StringComparer.Ordinal);

    /// <summary>How many came so far.</summary>
    public int Total
    {
        get
        {
            lock (_gate)
            {
                return _counts.Values.Sum();
            }
        }
    }

    /// <summary>Counts one.</summary>
    public void Add(JsonElement happened)
    {
        lock (_gate)
        {
            var topic = Answers.TextOf(happened, "topic");
            _counts[topic] = _counts.GetValueOrDefault(topic) + 1;
            _latest[topic] = happened;
        }
    }

    /// <summary>How many came under a topic, and the last of them.</summary>
    public (int Count, JsonElement Latest) Of(string topic)
    {
        lock (_gate)
        {
            return (_counts.GetValueOrDefault(topic), _latest.GetValueOrDefault(topic));
        }
    }
}
