using System.Buffers;
using System.IO.Pipelines;

namespace Macula.Cli.Sessions;

/// <summary>Reads lines of bytes, none longer than a limit.</summary>
internal sealed class BoundedLines
{
    private readonly PipeReader _input;
    private readonly int _maxBytes;
    private bool _isFirst = true;
    private ReadOnlySequence<byte> _rest;

    /// <summary>Reads from a stream, which stays open.</summary>
    /// <param name="input">Where the lines come from.</param>
    /// <param name="maxBytes">Longest line, without its end.</param>
    public BoundedLines(Stream input, int maxBytes)
    {
        _input = PipeReader.Create(input, new StreamPipeReaderOptions(leaveOpen: true));
        _maxBytes = maxBytes;
    }

    /// <summary>The next line without its end; null at the end of the input.</summary>
    /// <exception cref="CommandFailure">The line is longer than the limit.</exception>
    /// <exception cref="OperationCanceledException">The token fired; nothing more can be read then.</exception>
    public async ValueTask<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!_isFirst)
        {
            _input.AdvanceTo(_rest.Start);
        }

        _isFirst = false;
        while (true)
        {
            // The read of a pipe cannot be taken back: what is cancelled is the wait for it.
            var read = await _input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken);
            var end = read.Buffer.PositionOf((byte)'\n');
            var line = end is { } position ? read.Buffer.Slice(0, position) : read.Buffer;
            if (line.Length > _maxBytes)
            {
                throw new CommandFailure(ExitCode.Usage, $"A line of the input is longer than {_maxBytes} bytes.");
            }

            if (end is not null || read.IsCompleted)
            {
                _rest = end is { } after ? read.Buffer.Slice(read.Buffer.GetPosition(1, after)) : read.Buffer.Slice(read.Buffer.End);
                return end is null && line.IsEmpty ? null : line.ToArray();
            }

            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
