namespace Macula.Protocols.PubSub;

/// <summary>Values in one array, named by their index, so that tables of many small things cost neither an object nor a dictionary entry for each.</summary>
internal sealed class Slab<T>
    where T : struct
{
    // What is kept of an emptied slab: enough for a steady trickle, nothing worth counting.
    private const int KeptItems = 16;

    private readonly List<int> _free = [];
    private T[] _items = [];
    private int _used;

    public ref T this[int index] => ref _items[index];

    /// <summary>Whether there is such a place, free or not.</summary>
    public bool Holds(int index) => (uint)index < (uint)_items.Length;

    /// <summary>Puts a value in a place that is free, and says which. References to items end here.</summary>
    public int Add(T item)
    {
        int index;
        if (_free.Count > 0)
        {
            index = _free[^1];
            _free.RemoveAt(_free.Count - 1);
        }
        else
        {
            index = _used++;
            if (index == _items.Length)
            {
                Array.Resize(ref _items, Math.Max(KeptItems, 2 * _items.Length));
            }
        }

        _items[index] = item;
        return index;
    }

    public void Remove(int index)
    {
        // Nothing that was taken out is kept alive by its place.
        _items[index] = default;
        _free.Add(index);
        if (_free.Count < _used)
        {
            return;
        }

        // A burst does not hold its memory for ever.
        _used = 0;
        _free.Clear();
        if (_items.Length > KeptItems)
        {
            _items = [];
            _free.TrimExcess();
        }
    }
}
