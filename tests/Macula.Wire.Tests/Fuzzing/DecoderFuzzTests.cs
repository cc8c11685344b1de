using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.Fuzzing;

/// <summary>
/// Mutated bytes through every decoder: an error or a value, never an exception, and what is accepted is written and read back as the same.
/// MACULA_FUZZ_ITERATIONS sets how many (1,000,000), MACULA_FUZZ_SEED where to begin (1).
/// </summary>
public sealed class DecoderFuzzTests
{
    // A megabyte would pass, were it announced and believed; no seed is longer than 16 KiB.
    private const long MaxAllocatedBytes = 1024 * 1024;

    // A frame takes two bytes at least, and this test judges each at every place, writes it and reads it again.
    private const long MaxAllocatedBytesPerFrame = 4 * 1024;

    // JSON is refused by an exception inside the library, which is dear; one input in eight keeps a million below the time for it.
    private const int JsonEvery = 8;

    private static readonly FrameType[] Types = Enum.GetValues<FrameType>();

    private static readonly FramePlace[] Places = Enum.GetValues<FramePlace>();

    private static readonly byte[][] Streams = [.. VectorFile.AcceptedFrames.Select(vector => vector.Bytes), .. VectorFile.RefusedFrames.Select(vector => vector.Bytes)];

    private static readonly byte[][] Values = [.. VectorFile.AcceptedValues.Select(vector => vector.Bytes), .. VectorFile.RefusedValues.Select(vector => vector.Bytes)];

    private static readonly byte[][] Texts = [.. VectorFile.AcceptedValues.Select(vector => Encoding.UTF8.GetBytes(vector.Json)), "math.add"u8.ToArray(), "a.b-c_D.9"u8.ToArray(), "a.*.**.b"u8.ToArray()];

    private int _accepted;

    private int _frames;

    [Fact]
    public void MutatedBytesAreRefusedOrUnderstood()
    {
        var iterations = FromEnvironment("MACULA_FUZZ_ITERATIONS", 1_000_000);
        var seed = FromEnvironment("MACULA_FUZZ_SEED", 1);
        var random = new SeededRandom(seed);
        var mutator = new Mutator(random);
        var watch = Stopwatch.StartNew();
        for (ulong iteration = 0; iteration < iterations; iteration++)
        {
            var seeds = (iteration % JsonEvery) == 0 ? Texts : (iteration & 1) == 0 ? Streams : Values;
            var input = mutator.Mutate(seeds[random.Next(seeds.Length)], seeds[random.Next(seeds.Length)]);
            try
            {
                _frames = 0;
                var before = GC.GetAllocatedBytesForCurrentThread();
                Decode(seeds, input, random);
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated <= MaxAllocatedBytes + (_frames * MaxAllocatedBytesPerFrame), $"{allocated} bytes were allocated.");
            }
            catch (Exception exception)
            {
                // Nothing is swallowed: the input and its seed go with the failure.
                throw new InvalidOperationException(
                    $"Iteration {iteration}, input {Convert.ToHexStringLower(input.Span)}. Replay: MACULA_FUZZ_SEED={seed} MACULA_FUZZ_ITERATIONS={iteration + 1}.", exception);
            }
        }

        var line = string.Create(CultureInfo.InvariantCulture, $"fuzz: {iterations} mutations, seed {seed}, {_accepted} understood, {watch.Elapsed.TotalSeconds:F1} s");
        Console.WriteLine(line);
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        // Mutations that are all refused at their first byte would prove little.
        Assert.True((ulong)_accepted > iterations / 20, line);
    }

    private static ulong FromEnvironment(string name, ulong otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private void Decode(byte[][] seeds, ReadOnlyMemory<byte> input, SeededRandom random)
    {
        if (seeds == Streams)
        {
            DecodeStream(input.Span, random);
            DecodeBody(new Frame(Types[random.Next(Types.Length)], input[Math.Min(3, input.Length)..]));
        }
        else if (seeds == Values)
        {
            DecodeValue(input.Span);
        }
        else
        {
            DecodeText(input.Span);
        }
    }

    private void DecodeStream(ReadOnlySpan<byte> stream, SeededRandom random)
    {
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        while (!stream.IsEmpty && reader.Error is null)
        {
            var chunk = stream[..(1 + random.Next(stream.Length))];
            stream = stream[chunk.Length..];
            while (reader.TryRead(chunk, out var consumed, out var frame))
            {
                chunk = chunk[consumed..];
                _frames++;
                foreach (var place in Places)
                {
                    FramePlaces.Judge(frame.Type, place, out _);
                }

                DecodeBody(frame);
            }
        }

        reader.TryEnd();
    }

    private void DecodeBody(Frame frame)
    {
        if (StreamDecoder.DecodeBody(frame, out var error) is not { } decoded)
        {
            Assert.NotEmpty(error.Requirement);
            return;
        }

        _accepted++;
        var written = StreamDecoder.Encode(decoded);
        var again = Assert.Single(StreamDecoder.Decode(written, out var againError));
        Assert.Null(againError);
        Assert.Equal(written, StreamDecoder.Encode(again));
        if (decoded is CallFrame call)
        {
            call.Argument.TryToValue(out _, out _);
        }
    }

    private void DecodeValue(ReadOnlySpan<byte> bytes)
    {
        if (!MeshValue.TryDecode(bytes, null, out var value, out var error))
        {
            Assert.NotEmpty(error.Requirement);
            return;
        }

        _accepted++;
        var skipper = new MessagePackReader(bytes);
        Assert.True(skipper.TrySkip() && skipper.TryEnd());
        AssertSame(value);
    }

    private void DecodeText(ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(ProcedureName.TryRead(bytes, out var name), ProcedureName.TryParse(Encoding.Latin1.GetString(bytes), out _));
        Assert.Equal(TopicPattern.TryRead(bytes, out var pattern), TopicPattern.TryParse(Encoding.Latin1.GetString(bytes), out _));
        Assert.Equal(name is not null, pattern is not null && !pattern.Value.Contains('*', StringComparison.Ordinal));
        if (MeshValue.TryParseJson(bytes, out var value, out _))
        {
            _accepted++;
            AssertSame(value);
            Assert.Equal(value, MeshValue.ParseJson(value.ToJson()));
        }
        else if (name is not null)
        {
            _accepted++;
        }
    }

    private static void AssertSame(MeshValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        value.Encode(output);
        Assert.True(MeshValue.TryDecode(output.WrittenSpan, null, out var again, out _));
        Assert.True(value.Equals(again));
    }
}
