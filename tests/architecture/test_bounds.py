"""Whatever can grow is named here with what bounds it: a queue, cache or set that somebody adds without a bound fails a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.test_conventions import tracked_files

_ROOMS = ("transport/", "gateway/http/", "gateway/persisted/", "gateway/endpoints.py")

_GROWING = {
    "Counter", "OrderedDict", "PriorityQueue", "Queue", "WeakKeyDictionary", "WeakSet", "WeakValueDictionary",
    "bytearray", "defaultdict", "deque", "dict", "list", "set",
}  # fmt: skip

# path:Class.attribute, what bounds it. Where a law in the tests tries the bound, it is named.
_BOUNDS: dict[str, str] = {
    "gateway/http/credentials.py:CredentialWatch._holders": "one entry a connection or stream; ConnectionTable bounds these",
    "gateway/http/credentials.py:CredentialWatch._listeners": "one entry a session stream that has holders",
    "gateway/http/credentials.py:_SessionListener.holders": "the holders of one stream, a part of CredentialWatch._holders",
    "gateway/http/origins.py:RefusedOrigins._reported_at": "a fixed number of origins; the oldest makes room",
    "gateway/http/streaming.py:StreamingResponses._open": "one entry a connection; ConnectionTable bounds these",
    "transport/connection_table.py:ConnectionTable._members": "max_connections, with the strangers: test_http_bounds",
    "transport/connection_table.py:ConnectionTable._strangers": "max_connections, with the members: test_http_bounds",
    "transport/connection_table.py:ConnectionTable._unread": "one entry a connection, and MAX_UNREAD_BYTES: test_http_bounds",
    "transport/fair_scheduler.py:FairScheduler._queues": "max_waiting jobs and _MAX_IDLE_OWNERS: test_fair_scheduler",
    "transport/fair_semaphore.py:FairSemaphore._turns": "one entry a job of its scheduler, which bounds them",
    "transport/fair_turns.py:FairTurns._queues": "each connection once: test_direct_websocket",
    "transport/http_reader.py:HttpReader._held": "what arrives in one read of the socket; then reading stops: test_http_bounds",
    "transport/http_reader.py:HttpReader.headers": "MAX_HEAD_BYTES and MAX_HEADERS: test_http_bounds",
    "transport/message_budget.py:MessageBudgets._clients": "one entry a client with connections; ConnectionTable bounds these",
    "transport/message_stream.py:MessageStream._inbox": "_MAX_UNREAD_MESSAGES and _MAX_UNREAD_BYTES: test_direct_websocket",
    "transport/rfc6455.py:FrameReader._buffer": "max_message_bytes, and one read of the socket: test_rfc6455",
    "transport/rfc6455.py:FrameReader._parts": "max_message_bytes and _MAX_MESSAGE_PARTS: test_rfc6455",
    "transport/timeout_queue.py:TimeoutQueue._queue": "one entry a connection, open or ended less than its seconds ago",
    "transport/write_batch.py:WriteBatch._writers": "each connection once, and emptied before the loop goes on",
    "transport/write_scheduler.py:WriteScheduler._queue": "each connection once",
}


def test_whatever_can_grow_has_a_bound_that_is_named() -> None:
    found = {place for path in tracked_files() if path.as_posix().startswith(_ROOMS) for place in _growing_values(path)}
    assert found - set(_BOUNDS) == set(), "name what bounds it, and try the bound in a test"
    assert set(_BOUNDS) - found == set(), "these are gone"


def test_caches_of_functions_have_a_size() -> None:
    for path in tracked_files():
        if path.suffix != ".py" or path.parts[0] in ("tests", "benchmarks"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(node, "decorator_list", []):
                call = decorator if isinstance(decorator, ast.Call) else None
                name = ast.unparse(call.func if call else decorator)
                if name.endswith("lru_cache"):
                    sizes = [each.value for each in (call.keywords if call else []) if each.arg == "maxsize"]
                    assert sizes, f"{path}: {name} without maxsize"
                    assert ast.unparse(sizes[0]) != "None", f"{path}: {name} is not bounded"


def _growing_values(path: Path) -> Iterator[str]:
    """Attributes and globals that begin as a container which can be added to."""
    if path.suffix != ".py":
        return
    tree = ast.parse(path.read_text())
    yield from _growing_among(path, "", tree.body)
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef):
            inner = [node for function in owner.body for node in ast.walk(function)]
            yield from _growing_among(path, f"{owner.name}.", inner)


def _growing_among(path: Path, prefix: str, nodes: list[ast.stmt] | list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for target, value in _assignments(node):
            if not _can_grow(value):
                continue
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                yield f"{path}:{prefix}{target.attr}"
            elif isinstance(target, ast.Name) and not prefix and not target.id.strip("_").isupper():
                yield f"{path}:{target.id}"


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned to what; nothing that is final."""
    if isinstance(node, ast.AnnAssign):
        if node.value is not None and "Final" not in ast.unparse(node.annotation):
            yield node.target, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(target.elts, node.value.elts, strict=True)
            else:
                yield target, node.value


def _can_grow(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set):
        return True
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2].partition("[")[0] in _GROWING
