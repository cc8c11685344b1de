using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Connections;

/// <summary>Takes the streams that the other side opens: one control stream, and calls, which wait until the connection is up.</summary>
/// <remarks>Runs on the connection's queue.</remarks>
internal sealed class IncomingStreams(TransportConnection transport)
{
    private readonly List<TransportStream> _early = [];
    private Action<TransportStream>? _serve;

    /// <summary>Takes streams until the connection ends.</summary>
    /// <param name="controlStreamOpened">Called once, with the control stream.</param>
    public async Task RunAsync(Action<TransportStream> controlStreamOpened)
    {
        var hasControlStream = false;
        try
        {
            while (await transport.AcceptStreamAsync() is { } stream)
            {
                if (stream.CanWrite)
                {
                    Take(stream);
                }
                else if (hasControlStream)
                {
                    // [CON-11]: one control stream, and nothing else that is unidirectional.
                    stream.StopReading((ulong)ErrorCode.UnexpectedFrame);
                }
                else
                {
                    hasControlStream = true;
                    controlStreamOpened(stream);
                }
            }
        }
        catch (ConnectionClosedException)
        {
            // Whoever waits for the connection's end learns of it there.
        }
        finally
        {
            foreach (var stream in _early)
            {
                await stream.DisposeAsync();
            }

            _early.Clear();
        }
    }

    /// <summary>The connection is up: hands over the calls that waited, and from now on each that comes.</summary>
    public void ServeWith(Action<TransportStream> serve)
    {
        _serve = serve;
        foreach (var stream in _early)
        {
            serve(stream);
        }

        _early.Clear();
    }

    private void Take(TransportStream stream)
    {
        if (_serve is { } serve)
        {
            serve(stream);
        }
        else
        {
            // [CON-3]: it waits unread. The transport's limit of incoming streams bounds the list.
            _early.Add(stream);
        }
    }
}
