"""Everything that a live connection, a subscription or a stream makes grow is listed here with its bound.

The test finds every attribute of these rooms that begins as an empty container. A new one fails until its bound is stated; a
stale line fails too. Bounds that are no number are counted where they are tested.
"""

import ast
from pathlib import Path

from tests.architecture.test_conventions import tracked_files

_ROOT = Path(__file__).parents[2]
_ROOMS = ("gateway/http", "gateway/persisted", "gateway/websocket", "gateway/subscriptions", "realtime", "transport")
_CONTAINERS = {
    "bytearray",
    "dict",
    "list",
    "set",
    "deque",
    "Counter",
    "OrderedDict",
    "defaultdict",
    "Queue",
    "WeakValueDictionary",
}

_BOUNDS = {
    "gateway/http/anonymous_turns.py:AnonymousTurns._waiting": "500 requests; further ones are refused",
    "gateway/http/credentials.py:CredentialWatch._holders": "one for each open connection",
    "gateway/http/credentials.py:CredentialWatch._listeners": "one for each user with an open connection",
    "gateway/http/credentials.py:_SessionListener.holders": "one for each open connection of a user",
    "gateway/http/origins.py:RefusedOrigins._reported_at": "100 origins of 200 bytes",
    "gateway/http/streaming.py:StreamingResponses._open": "one for each open connection",
    "gateway/websocket/endpoint.py:WebSocketEndpoint.close_counts": "one for each close code",
    "gateway/websocket/connection_registry.py:ConnectionRegistry.connections": "one for each open connection",
    "gateway/websocket/endpoint.py:AsgiWebSocketTransport._outgoing": "one write: 64 KiB and a message",
    "gateway/websocket/handshake.py:Handshake._early_operations": "20 messages of 64 KiB, until the client is acknowledged",
    "gateway/websocket/operations.py:Operations._open": "20 operations",
    "gateway/websocket/send_queue.py:SendQueue._items": "1 MiB, then nothing is read or begun; 256 shared events a subscription",
    "gateway/subscriptions/group_executor.py:EncodedPayloads._by_positions": "64 events, 4 MiB",
    "gateway/subscriptions/groups.py:SubscriptionGroup.members": "one for each subscription",
    "gateway/subscriptions/groups.py:GroupWorker._queue": "256 entries, which the buffer of the feeds holds anyway",
    "gateway/subscriptions/groups.py:GroupWorker.groups": "one for each subscription at most",
    "gateway/subscriptions/groups.py:GroupRegistry._groups": "one for each subscription at most",
    "gateway/subscriptions/groups.py:GroupRegistry._workers": "one for each subscription at most",
    "gateway/subscriptions/manager.py:SubscriptionManager.execution_counts": "two names",
    "gateway/subscriptions/payload_queue.py:PayloadQueue._queue": "256 payloads, 1 MiB",
    "realtime/announcements.py:PubSub._queue": "1,024 messages, 16 MiB",
    "realtime/background_tasks.py:BackgroundTasks._running": "the tasks that their owners have started",
    "realtime/background_tasks.py:BackgroundTasks._supervised": "the tasks that their owners have started",
    "realtime/feed.py:StreamFeed.followers": "one for each listener and membership",
    "realtime/feed.py:StreamFeed._out_of_order": "256 entries, 1 MiB",
    "realtime/hub.py:StreamHub._feeds": "one for each stream that is followed, and 10 s longer",
    "realtime/hub.py:StreamHub._opening": "one for each stream that is followed",
    "realtime/hub.py:StreamHub._closing": "one for each stream that was followed",
    "realtime/hub.py:StreamHub._listeners": "one for each worker, and each subscription that is alone",
    "realtime/hub.py:StreamHub.ephemeral_handlers": "one for each open room",
    "realtime/listener.py:StreamListener._cursors": "one for each stream that a viewer may follow",
    "realtime/listener.py:StreamListener._queue": "256 live entries or 1 MiB, and a page of 128 that was read",
    "realtime/memory_backend.py:MemoryBackend._channels": "one for each feed",
    "realtime/memory_backend.py:MemoryBackend._queue": "4,096 messages, 32 MiB",
    "realtime/recent_entries.py:RecentEntries._append_order": "one for each buffered entry, and as many stale ones",
    "realtime/recent_entries.py:StreamBuffer._entries": "32 MiB for all buffers together",
    "realtime/redis_backend.py:RedisBackend._channels": "one for each feed",
    "realtime/redis_backend.py:RedisBackend._confirmations": "one for each feed that is being opened",
    "transport/connection_table.py:ConnectionTable._addresses": "each stranger's connection once",
    "transport/connection_table.py:ConnectionTable._members": "max_connections, with the strangers",
    "transport/connection_table.py:ConnectionTable._strangers": "max_connections, with the members",
    "transport/connection_table.py:ConnectionTable._unread": "one for each open connection; 128 MiB of unread answers",
    "transport/fair_scheduler.py:FairScheduler._queues": "max_waiting jobs, and 1,024 idle owners",
    "transport/fair_semaphore.py:FairSemaphore._turns": "one for each job of its scheduler",
    "transport/fair_turns.py:FairTurns._queues": "each open connection once",
    "transport/http_reader.py:HttpReader._held": "one read of the socket, then reading stops",
    "transport/http_reader.py:HttpReader.headers": "64 KiB, 200 headers",
    "transport/message_budget.py:MessageBudgets._clients": "one for each client with open connections",
    "transport/message_gate.py:MessageGate._waiting": "each open connection once",
    "transport/message_stream.py:MessageStream._inbox": "32 messages, 256 KiB and one message",
    "transport/rfc6455.py:FrameReader._buffer": "one message, and one read of the socket",
    "transport/timeout_queue.py:TimeoutQueue._queue": "one for each connection, open or ended less than its seconds ago",
    "transport/write_batch.py:WriteBatch._writers": "each open connection once",
    "transport/write_scheduler.py:WriteScheduler._queue": "each open connection once",
    "transport/write_turns.py:WriteTurns._waiting": "each open connection once",
}


def test_every_container_has_a_bound() -> None:
    found = {name for room in _ROOMS for path in _modules(room) for name in _growing_attributes(path)}
    assert found - _BOUNDS.keys() == set(), "state what bounds it"
    assert _BOUNDS.keys() - found == set(), "these are gone"


def test_caches_of_functions_have_a_size() -> None:
    paths = [path for path in tracked_files() if path.suffix == ".py" and path.parts[0] not in ("tests", "benchmarks")]
    for path in paths:
        text = (_ROOT / path).read_text()
        for node in ast.walk(ast.parse(text)) if "lru_cache" in text else ():
            for decorator in getattr(node, "decorator_list", []):
                call = decorator if isinstance(decorator, ast.Call) else None
                if ast.unparse(call.func if call else decorator).endswith("lru_cache"):
                    sizes = [ast.unparse(each.value) for each in (call.keywords if call else []) if each.arg == "maxsize"]
                    assert sizes not in ([], ["None"]), f"{path}: {ast.unparse(decorator)} has no bound"


def test_the_scan_finds_what_it_is_for(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text(
        "class A:\n"
        "    def __init__(self):\n"
        "        self.a = []\n"
        "        self.b: dict[str, int] = {}\n"
        "        self.c = asyncio.Queue()\n"
        "        self.d = 1\n"
        "        self.e = [1, 2]\n"
    )
    assert {name.rpartition(":")[2] for name in _growing_attributes(module)} == {"A.a", "A.b", "A.c"}


def _modules(room: str) -> list[Path]:
    path = _ROOT / room
    return [path] if path.suffix else sorted(path.glob("*.py"))


def _growing_attributes(path: Path) -> set[str]:
    label = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name
    found = set()
    for owner in ast.walk(ast.parse(path.read_text())):
        if not isinstance(owner, ast.ClassDef):
            continue
        for node in ast.walk(owner):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
            value = getattr(node, "value", None)
            if len(targets) != 1 or value is None:
                continue
            target: ast.expr = targets[0]
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and _is_empty_container(value):
                found.add(f"{label}:{owner.name}.{target.attr}")
    return found


def _is_empty_container(value: ast.expr) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in _CONTAINERS
    return False
