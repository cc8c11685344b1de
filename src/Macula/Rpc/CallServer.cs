namespace Macula.Rpc;

/// <summary>What the calls that arrive on the connections of one realm are served with.</summary>
internal sealed class CallServer(ProcedureTable procedures)
{
    private volatile bool _stopping;

    /// <summary>What this node advertises.</summary>
    public ProcedureTable Procedures => procedures;

    /// <summary>True once the node takes no new calls: [RPC-11].</summary>
    public bool IsStopping => _stopping;

    /// <summary>Takes no new calls from now on.</summary>
    public void Stop() => _stopping = true;
}
