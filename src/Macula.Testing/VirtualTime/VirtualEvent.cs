namespace Macula.Testing.VirtualTime;

/// <summary>Something that happens in a world at a moment: armed for one moment at a time, and as often as needed.</summary>
internal abstract class VirtualEvent
{
    internal const long NotArmed = -1;

    /// <summary>The number under which the event waits in the queue; <see cref="NotArmed"/> when it does not.</summary>
    internal long Arming { get; set; } = NotArmed;

    internal bool IsArmed => Arming != NotArmed;

    /// <summary>Whose timer it is; null for what happens in the world itself, such as a packet that arrives.</summary>
    internal virtual VirtualScheduler? Owner => null;

    /// <summary>Called once the moment has come; the event is no longer armed.</summary>
    protected internal abstract void Fire();
}

/// <summary>An event that calls back.</summary>
internal sealed class CallbackEvent(Action callback) : VirtualEvent
{
    protected internal override void Fire() => callback();
}
