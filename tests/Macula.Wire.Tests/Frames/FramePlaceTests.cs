using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Wire.Tests.Frames;

public sealed class FramePlaceTests
{
    private const FrameType Unknown = (FrameType)0x7777;

    [Theory]
    // [FRM-7]
    [InlineData(FramePlace.ControlFirst, FrameType.Hello, FrameVerdict.Take, null)]
    [InlineData(FramePlace.ControlFirst, FrameType.Call, FrameVerdict.Refuse, "FRM-7")]
    [InlineData(FramePlace.ControlFirst, Unknown, FrameVerdict.Refuse, "FRM-7")]
    // [FRM-8]
    [InlineData(FramePlace.ControlLater, FrameType.Hello, FrameVerdict.Refuse, "FRM-8")]
    [InlineData(FramePlace.ControlLater, FrameType.Result, FrameVerdict.Refuse, "FRM-8")]
    [InlineData(FramePlace.ControlLater, FrameType.Drain, FrameVerdict.Take, null)]
    [InlineData(FramePlace.ControlFirst, FrameType.Drain, FrameVerdict.Refuse, "FRM-7")]
    [InlineData(FramePlace.Request, FrameType.Drain, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.ControlLater, Unknown, FrameVerdict.Skip, null)]
    // [FRM-9]
    [InlineData(FramePlace.Request, FrameType.Call, FrameVerdict.Take, null)]
    [InlineData(FramePlace.Request, FrameType.Ping, FrameVerdict.Take, null)]
    [InlineData(FramePlace.Request, FrameType.Push, FrameVerdict.Take, null)]
    [InlineData(FramePlace.Request, FrameType.Nodes, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.Request, FrameType.Hello, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.Request, FrameType.Result, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.Request, Unknown, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.Request, FrameType.Event, FrameVerdict.Take, null)]
    // [FRM-65] [PUB-5]
    [InlineData(FramePlace.EventLater, FrameType.Event, FrameVerdict.Take, null)]
    [InlineData(FramePlace.EventLater, FrameType.Call, FrameVerdict.Refuse, "FRM-65")]
    [InlineData(FramePlace.EventLater, FrameType.Done, FrameVerdict.Refuse, "FRM-65")]
    [InlineData(FramePlace.EventLater, Unknown, FrameVerdict.Refuse, "FRM-65")]
    [InlineData(FramePlace.AfterLast, FrameType.Event, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.AfterLast, FrameType.Call, FrameVerdict.Refuse, "FRM-9")]
    [InlineData(FramePlace.AfterLast, Unknown, FrameVerdict.Refuse, "FRM-9")]
    public void FrameIsJudgedByWhereItStands(FramePlace place, FrameType type, FrameVerdict verdict, string? requirement)
    {
        Assert.Equal(verdict, FramePlaces.Judge(type, place, out var error));
        Assert.Equal(requirement, error.Requirement);
        Assert.Equal(requirement is null ? ErrorCode.NoError : ErrorCode.UnexpectedFrame, error.Code);
    }

    [Theory]
    // [FRM-9]
    [InlineData(FrameType.Call, FrameType.Result)]
    [InlineData(FrameType.Ping, FrameType.Done)]
    [InlineData(FrameType.Push, FrameType.Done)]
    // [PUB-7]
    [InlineData(FrameType.Event, FrameType.Done)]
    [InlineData(FrameType.FindNode, FrameType.Nodes)]
    [InlineData(FrameType.FindValue, FrameType.Records)]
    [InlineData(FrameType.Store, FrameType.Stored)]
    [InlineData(FrameType.Watch, FrameType.Watching)]
    [InlineData(FrameType.GetCertificate, FrameType.Certificate)]
    public void RequestHasOneAnswerOrAnError(FrameType request, FrameType answer)
    {
        foreach (var type in Enum.GetValues<FrameType>().Append(Unknown))
        {
            var fits = type == answer || type == FrameType.Error;
            Assert.Equal(fits ? FrameVerdict.Take : FrameVerdict.Refuse, FramePlaces.JudgeAnswer(request, type, out var error));
            Assert.Equal(fits ? null : "FRM-9", error.Requirement);
            Assert.Equal(fits ? ErrorCode.NoError : ErrorCode.UnexpectedFrame, error.Code);
        }
    }
}
