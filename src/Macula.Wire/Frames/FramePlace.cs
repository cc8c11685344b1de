using Macula.Wire.Errors;

namespace Macula.Wire.Frames;

/// <summary>Where on a connection a frame stands (docs/protocol/03-frames.md, "Places").</summary>
public enum FramePlace
{
    /// <summary>First on a side's control stream, its first unidirectional one.</summary>
    ControlFirst,

    /// <summary>Later on a control stream.</summary>
    ControlLater,

    /// <summary>First on a bidirectional stream, from the side that opened it.</summary>
    Request,

    /// <summary>Later on a bidirectional stream that an EVENT opened, from the side that opened it.</summary>
    EventLater,

    /// <summary>Behind the last frame that a side may send on a bidirectional stream.</summary>
    AfterLast,
}

/// <summary>What is to be done with a frame where it stands.</summary>
public enum FrameVerdict
{
    /// <summary>It belongs here: read it.</summary>
    Take,

    /// <summary>It comes from a newer node and may be passed over.</summary>
    Skip,

    /// <summary>It may not stand here: end the stream, on a control stream the connection.</summary>
    Refuse,
}

/// <summary>Which frames may stand where.</summary>
public static class FramePlaces
{
    /// <summary>Judges a frame by its type and its place [FRM-7] to [FRM-9], [FRM-65]; for answers see <see cref="JudgeAnswer"/>.</summary>
    /// <param name="type">What the frame is.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="error">Why it is refused; default unless it is.</param>
    public static FrameVerdict Judge(FrameType type, FramePlace place, out ProtocolError error)
    {
        var verdict = place switch
        {
            FramePlace.ControlFirst => type == FrameType.Hello ? FrameVerdict.Take : FrameVerdict.Refuse,
            // [FRM-8]: unknown frames pass; a known one here shows that the two sides disagree on where they are.
            FramePlace.ControlLater when type == FrameType.Drain => FrameVerdict.Take,
            FramePlace.ControlLater => Enum.IsDefined(type) ? FrameVerdict.Refuse : FrameVerdict.Skip,
            FramePlace.Request => AnswerTo(type) is not null ? FrameVerdict.Take : FrameVerdict.Refuse,
            // [FRM-65]: a lane carries events alone, as many as its publisher likes.
            FramePlace.EventLater => type == FrameType.Event ? FrameVerdict.Take : FrameVerdict.Refuse,
            _ => FrameVerdict.Refuse,
        };
        error = verdict == FrameVerdict.Refuse ? Misplaced(type, RequirementOf(place), place.ToString()) : default;
        return verdict;
    }

    /// <summary>Judges the first frame of a bidirectional stream from the side that did not open it, by what was asked [FRM-9].</summary>
    /// <param name="request">The request that opened the stream.</param>
    /// <param name="type">What the answering frame is.</param>
    /// <param name="error">Why it is refused; default unless it is.</param>
    public static FrameVerdict JudgeAnswer(FrameType request, FrameType type, out ProtocolError error)
    {
        var fits = type == FrameType.Error || type == AnswerTo(request);
        error = fits ? default : Misplaced(type, "FRM-9", "Answer");
        return fits ? FrameVerdict.Take : FrameVerdict.Refuse;
    }

    // What a request is answered with, unless with an ERROR; null for what is no request.
    private static FrameType? AnswerTo(FrameType request) => request switch
    {
        FrameType.Call => FrameType.Result,
        FrameType.Ping or FrameType.Push or FrameType.Event => FrameType.Done,
        FrameType.FindNode => FrameType.Nodes,
        FrameType.FindValue => FrameType.Records,
        FrameType.Store => FrameType.Stored,
        FrameType.Watch => FrameType.Watching,
        FrameType.GetCertificate => FrameType.Certificate,
        _ => null,
    };

    private static ProtocolError Misplaced(FrameType type, string requirement, string place) =>
        new(ErrorCode.UnexpectedFrame, requirement, $"a frame of type 0x{(ulong)type:x} stands at {place}");

    private static string RequirementOf(FramePlace place) => place switch
    {
        FramePlace.ControlFirst => "FRM-7",
        FramePlace.ControlLater => "FRM-8",
        FramePlace.EventLater => "FRM-65",
        _ => "FRM-9",
    };
}
