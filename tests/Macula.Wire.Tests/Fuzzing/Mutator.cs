namespace Macula.Wire.Tests.Fuzzing;

/// <summary>Changes good bytes into bytes that are almost good, in a buffer of its own.</summary>
internal sealed class Mutator(RandomSource random)
{
    private const int MaxBytes = 16 * 1024;

    // The edges of every width and the codes that announce most.
    private static readonly byte[] Interesting = [0x00, 0x01, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0x90, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xcf, 0xd3, 0xd4, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff];

    private readonly byte[] _buffer = new byte[MaxBytes];
    private int _length;

    public ReadOnlyMemory<byte> Mutate(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> other)
    {
        _length = Math.Min(seed.Length, MaxBytes / 2);
        seed[.._length].CopyTo(_buffer);
        var changes = 1 + random.Next(4);
        for (var change = 0; change < changes; change++)
        {
            Change(other);
        }

        return _buffer.AsMemory(0, _length);
    }

    private void Change(ReadOnlySpan<byte> other)
    {
        var position = random.Next(_length + 1);
        switch (random.Next(8))
        {
            case 0 when position < _length:
                _buffer[position] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when position < _length:
                _buffer[position] = Interesting[random.Next(Interesting.Length)];
                break;
            case 2 when position < _length:
                _buffer[position] += (byte)(random.Next(2) == 0 ? 1 : 255);
                break;
            case 3:
                Insert(position, [Interesting[random.Next(Interesting.Length)]]);
                break;
            case 4:
                Remove(position, 1 + random.Next(8));
                break;
            case 5:
                _length = position;
                break;
            case 6:
                Insert(position, _buffer.AsSpan(position, Math.Min(_length - position, 1 + random.Next(16))).ToArray());
                break;
            default:
                var start = random.Next(other.Length + 1);
                Insert(position, other.Slice(start, Math.Min(other.Length - start, 1 + random.Next(32))));
                break;
        }
    }

    private void Insert(int position, ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length <= MaxBytes)
        {
            _buffer.AsSpan(position, _length - position).CopyTo(_buffer.AsSpan(position + bytes.Length));
            bytes.CopyTo(_buffer.AsSpan(position));
            _length += bytes.Length;
        }
    }

    private void Remove(int position, int count)
    {
        var removed = Math.Min(count, _length - position);
        _buffer.AsSpan(position + removed, _length - position - removed).CopyTo(_buffer.AsSpan(position));
        _length -= removed;
    }
}
