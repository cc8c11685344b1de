using System.Runtime.InteropServices;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.PubSub;

/// <summary>Patterns as paths of segments from one root. Nodes are named by number; each holds one number of its user's, which begins as <see cref="None"/>.</summary>
internal sealed class PatternTrie
{
    public const int None = -1;

    // What stands in place of a segment's number in a node below a wildcard.
    private const int OneSegment = -1;
    private const int AnySegments = -2;

    private readonly Slab<Node> _nodes = new();
    private readonly Slab<Segment> _segments = new();
    private readonly Dictionary<string, int> _segmentNumbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _segmentNumbersBySpan;
    private readonly Dictionary<Edge, int> _literalChildren = [];
    private readonly int _root;
    private List<int> _active = [];
    private List<int> _next = [];
    private long _lastStep;

    public PatternTrie()
    {
        _segmentNumbersBySpan = _segmentNumbers.GetAlternateLookup<ReadOnlySpan<char>>();
        _root = _nodes.Add(new Node(None, None));
    }

    /// <summary>The number that the user keeps at a node. The reference ends when a pattern is added.</summary>
    public ref int EntryOf(int node) => ref _nodes[node].Entry;

    /// <summary>The node of a pattern, which is made if it is not there.</summary>
    public int Add(TopicPattern pattern)
    {
        var node = _root;
        var text = pattern.Value.AsSpan();
        foreach (var range in text.Split('.'))
        {
            var segment = text[range];
            node = segment switch
            {
                "*" => AddWildcard(node, OneSegment),
                "**" => AddWildcard(node, AnySegments),
                _ => AddLiteral(node, segment),
            };
        }

        return node;
    }

    /// <summary>Takes away a node that nobody uses any more, and those above it that led to it alone.</summary>
    public void Prune(int node)
    {
        while (node != _root && _nodes[node].Entry == None && _nodes[node].Children == 0)
        {
            var removed = _nodes[node];
            ref var parent = ref _nodes[removed.Parent];
            parent.Children--;
            switch (removed.Segment)
            {
                case OneSegment:
                    parent.OneSegment = None;
                    break;
                case AnySegments:
                    parent.AnySegments = None;
                    break;
                default:
                    parent.Literals--;
                    _literalChildren.Remove(new Edge(removed.Parent, removed.Segment));
                    Release(removed.Segment);
                    break;
            }

            _nodes.Remove(node);
            node = removed.Parent;
        }
    }

    /// <summary>Appends the nodes of the patterns that a topic matches, each once; nodes that belong to no pattern are among them.</summary>
    public void Match(TopicName topic, List<int> found)
    {
        _active.Clear();
        _lastStep++;
        Enter(_root, _active);
        var text = topic.Value.AsSpan();
        foreach (var range in text.Split('.'))
        {
            var segment = _segmentNumbersBySpan.TryGetValue(text[range], out var number) ? number : None;
            _next.Clear();
            _lastStep++;
            foreach (var node in _active)
            {
                Step(node, segment);
            }

            (_active, _next) = (_next, _active);
            if (_active.Count == 0)
            {
                return;
            }
        }

        found.AddRange(_active);
    }

    private void Step(int number, int segment)
    {
        var node = _nodes[number];
        if (node.Segment == AnySegments)
        {
            Enter(number, _next);
        }

        if (node.OneSegment != None)
        {
            Enter(node.OneSegment, _next);
        }

        if (segment != None && node.Literals > 0 && _literalChildren.TryGetValue(new Edge(number, segment), out var child))
        {
            Enter(child, _next);
        }
    }

    // A node is entered at most once in a step; below it, a '**' that stands for nothing is entered with it.
    private void Enter(int number, List<int> entered)
    {
        while (number != None)
        {
            ref var node = ref _nodes[number];
            if (node.EnteredInStep == _lastStep)
            {
                return;
            }

            node.EnteredInStep = _lastStep;
            entered.Add(number);
            number = node.AnySegments;
        }
    }

    private int AddWildcard(int parent, int wildcard)
    {
        var child = wildcard == OneSegment ? _nodes[parent].OneSegment : _nodes[parent].AnySegments;
        if (child != None)
        {
            return child;
        }

        child = _nodes.Add(new Node(parent, wildcard));
        ref var node = ref _nodes[parent];
        node.Children++;
        (wildcard == OneSegment ? ref node.OneSegment : ref node.AnySegments) = child;
        return child;
    }

    private int AddLiteral(int parent, ReadOnlySpan<char> text)
    {
        if (!_segmentNumbersBySpan.TryGetValue(text, out var segment))
        {
            var own = text.ToString();
            segment = _segments.Add(new Segment { Text = own });
            _segmentNumbers.Add(own, segment);
        }

        ref var child = ref CollectionsMarshal.GetValueRefOrAddDefault(_literalChildren, new Edge(parent, segment), out var exists);
        if (!exists)
        {
            child = _nodes.Add(new Node(parent, segment));
            _segments[segment].Uses++;
            _nodes[parent].Children++;
            _nodes[parent].Literals++;
        }

        return child;
    }

    private void Release(int segment)
    {
        if (--_segments[segment].Uses == 0)
        {
            _segmentNumbers.Remove(_segments[segment].Text!);
            _segments.Remove(segment);
        }
    }

    private readonly record struct Edge(int Parent, int Segment)
    {
        // Numbers of nodes and segments grow together; multiplying (by 2^64 over the golden ratio) keeps them from falling into the same buckets.
        public override int GetHashCode() => (int)((((ulong)(uint)Parent << 32 | (uint)Segment) * 0x9e3779b97f4a7c15) >> 32);
    }

    private struct Segment
    {
        public string? Text;
        public int Uses;
    }

    private struct Node(int parent, int segment)
    {
        public readonly int Parent = parent;
        public readonly int Segment = segment;
        public int Entry = None;
        public int OneSegment = None;
        public int AnySegments = None;
        public int Children;
        public int Literals;
        public long EnteredInStep;
    }
}
