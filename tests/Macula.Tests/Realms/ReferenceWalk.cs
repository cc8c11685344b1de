using System.Collections;
using System.Reflection;
using System.Text;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Tests.Realms;

/// <summary>Follows every reference from an object and from the static fields of this project's types, through fields of any visibility, arrays and closures, as far as the shared ground.</summary>
/// <remarks>
/// Shared ground, which is not entered, is what the nodes of one process have in common by design: the transport below its seam, the scheduler, clock and
/// log, and the endpoint's routing table unless the walk is told to enter it.
/// </remarks>
internal sealed class ReferenceWalk
{
    private const string RoutingTable = "Macula.Nodes.NodeEndpoint";

    private static readonly Type[] SharedGround =
    [
        typeof(TransportEndpoint), typeof(TransportConnection), typeof(TransportStream), typeof(ITransport), typeof(MeshScheduler), typeof(SynchronizationContext),
        typeof(ExecutionContext), typeof(ILogger), typeof(ILoggerFactory), typeof(TimeProvider), typeof(ITimer), typeof(MemberInfo), typeof(Module), typeof(Assembly),
        typeof(Thread),
    ];

    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Type> _staticsSeen = [];
    private readonly Queue<(object Object, string Path)> _pending = new();
    private readonly bool _entersRoutingTable;

    private ReferenceWalk(bool entersRoutingTable) => _entersRoutingTable = entersRoutingTable;

    /// <summary>Where a realm was found, as paths of fields.</summary>
    public List<string> Found { get; } = [];

    /// <summary>The full names of the types that were met.</summary>
    public HashSet<string> Types { get; } = [];

    public static ReferenceWalk From(object root, RealmId wanted, bool entersRoutingTable = false)
    {
        var walk = new ReferenceWalk(entersRoutingTable);
        walk.Enter(root, root.GetType().Name);
        walk.EnterStatics();
        while (walk._pending.TryDequeue(out var next))
        {
            walk.Visit(next.Object, next.Path, wanted);
        }

        return walk;
    }

    // What a type keeps for everybody is at hand for every realm, whether or not an instance of the type is met; a static class has none.
    private void EnterStatics()
    {
        var own = AppDomain.CurrentDomain.GetAssemblies().Where(IsOwn).SelectMany(assembly => assembly.GetTypes()).Where(type => !type.ContainsGenericParameters);
        foreach (var field in own.SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)).Where(HoldsSomething))
        {
            Enter(field.GetValue(null), $"{field.DeclaringType!.Name}.{field.Name}");
        }
    }

    private void Enter(object? value, string path)
    {
        if (value is null || value is Pointer || SharedGround.Any(type => type.IsInstanceOfType(value)) || (!_entersRoutingTable && value.GetType().FullName == RoutingTable))
        {
            return;
        }

        if (value.GetType().IsValueType || _seen.Add(value))
        {
            _pending.Enqueue((value, path));
        }
    }

    private void Visit(object value, string path, RealmId wanted)
    {
        var type = value.GetType();
        Types.Add(type.FullName ?? type.Name);
        if (Names(value, wanted))
        {
            Found.Add(path);
        }

        if (type.IsPrimitive || type.IsEnum || value is string or byte[] or RealmId)
        {
            return;
        }

        if (value is Array array && !type.GetElementType()!.IsPrimitive)
        {
            foreach (var element in (IEnumerable)array)
            {
                Enter(element, $"{path}[]");
            }
        }
        else if (value is Delegate handler)
        {
            foreach (var single in handler.GetInvocationList())
            {
                Enter(single.Target, $"{path}()");
            }
        }
        else
        {
            EnterFields(value, type, path);
        }
    }

    private void EnterFields(object value, Type type, string path)
    {
        for (var level = type; level is not null && level != typeof(object); level = level.BaseType)
        {
            // Those of closed generic types are met here only. Once for each type: a value type may hold itself there, as Instant.Never does.
            var entersStatics = level.IsGenericType && IsOwn(level.Assembly) && _staticsSeen.Add(level);
            var flags = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly | (entersStatics ? BindingFlags.Static : 0);
            foreach (var field in level.GetFields(flags))
            {
                if (HoldsSomething(field))
                {
                    Enter(field.GetValue(field.IsStatic ? null : value), $"{path}.{field.Name}");
                }
            }
        }
    }

    // What the runtime keeps for itself is of no interest; what this project's types keep for all of them is.
    private static bool IsOwn(Assembly assembly) => assembly.GetName().Name!.StartsWith("Macula", StringComparison.Ordinal);

    private static bool HoldsSomething(FieldInfo field) => !field.IsLiteral && !field.FieldType.IsPointer && !field.FieldType.IsByRefLike && !field.FieldType.IsPrimitive;

    private static bool Names(object value, RealmId wanted) => value switch
    {
        RealmId id => id == wanted,
        string text => text.Contains(wanted.ToString(), StringComparison.OrdinalIgnoreCase),
        byte[] bytes => bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(wanted.ToString())) >= 0,
        _ => false,
    };
}
