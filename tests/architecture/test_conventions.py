"""The conventions that matter, checked by a machine: a rule that nobody checks is a wish.

Layers are checked by import-linter and bans by ruff (both in `make check`); here stands what those two cannot say.
All files count that git tracks or would track, so a file is checked before it is committed.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_MAX_LINES = 400

# path: why it may be longer
_LONGER_FILES: dict[str, str] = {}

# path:function where `except Exception` stands without raising again: why everything must be caught there
_CATCH_ALL_BOUNDARIES: dict[str, str] = {
    "gateway/execution/executor.py:Executor.compiled_program": "graphql-core meets the same error, words it and logs bugs",
    "gateway/execution/variables.py:_leaf_coercer.scalar": "whatever a scalar raises refuses the value, as in graphql-core, which says so",
    "app/admin.py:run_dead_letters": "the rim of a command: what one dead letter raises is reported, and the next is tried",
    "workers/consumer_runner.py:ConsumerRunner._handle_batch": "the rim of a consumer: its failure is recorded, and tried again",
    "workers/consumer_runner.py:ConsumerRunner._read_stream": "the rim of a stream: others go on, and the failure is logged",
    "workers/job_runner.py:JobRunner._do": "the rim of a job: its failure is recorded, and it is tried again",
    "workers/schedule_runner.py:run_schedule": "the rim of a schedule: undone, logged, and tried again",
    "workers/webhook_sender.py:WebhookSender._serve": "the rim of a webhook: others are sent for, and the failure is logged",
    "workers/upkeep.py:run_forever": "the rim of a job: it has its next turn, and the failure is logged",
    "persistence/documents/compaction.py:CompactionService.try_compact": "one broken document must not stop the others: counted, logged, retried",
    "persistence/documents/worker_main.py:_run_next_job": "the rim of a process: a bug is told to the parent, which masks and logs it",
    "persistence/events/retention.py:trim_events": "the boundary of a stream: the failure is counted, and the others are trimmed",
    "persistence/engine/connection_pool.py:LeasedPool._return_to_pool": "whatever a broken connection raises: it is closed",
    "persistence/engine/request_coalescing.py:Coalescer._send": "whatever a database can raise: it belongs to the callers",
    "persistence/engine/read_batcher.py:ReadBatcher._run_single": "whatever a database can raise: it belongs to the caller",
    "persistence/engine/read_batcher.py:ReadBatcher._run_batch": "whatever a database can raise: each run is tried alone",
    "persistence/stores/task_places.py:TaskPlaces._send": "a batch: the failure belongs to all who wait for it",
    "persistence/engine/write_batcher.py:WriteBatcher._run_batch": "whatever a database can raise: each update is tried alone, or fails",
    "gateway/subscriptions/groups.py:SubscriptionGroup.repartition": "the rim of a group: its members are told, and a bug is logged",
    "gateway/subscriptions/groups.py:SubscriptionGroup.execute": "the rim of a group: its members are told, and a bug is logged",
    "realtime/collaboration/commit.py:GroupCommitter._append": "whatever a database can raise: those who wait are told",
    "realtime/collaboration/connection.py:CollaborationConnection._read": "the rim of a socket: a bug closes it, and is logged",
    "realtime/collaboration/membership.py:Membership._recheck": "whatever a database can raise: rights must be looked up in the end",
    "realtime/collaboration/message_limits.py:_metered": "the coroutine's: handed on to it",
    "realtime/collaboration/room_host.py:RoomHost.run_large_update.run": "the caller's: handed on through a future",
    "realtime/collaboration/sweeper.py:RoomSweeper.run": "one broken room must not stop the others",
    "realtime/collaboration/sweeper.py:RoomSweeper.check_rights": "whatever a database can raise: the next check may succeed",
    "realtime/hub.py:StreamHub._consume_messages": "hearing goes on, whatever one announcement holds",
    "realtime/hub.py:StreamHub._open_feeds": "whatever a database can raise: those who wait are told",
    "realtime/retrying_log.py:RetryingLog._retry": "whatever a database can raise: to give up would lose entries",
    "gateway/execution/compiled/compiler.py:Compiler._call_resolver": "whatever is wrong with literal arguments: graphql-core words it",
    "gateway/subscriptions/manager.py:Subscription._follow_alone": "the rim of a subscription that is followed alone",
    "gateway/subscriptions/group_executor.py:EventExecution.execute_now": "the same where nothing is waited for",
    "gateway/subscriptions/group_executor.py:EventExecution.__call__": "whatever a program meets: graphql-core meets it again, words and logs it",
    "gateway/execution/executor.py:Executor._run_compiled": "whatever a program meets: graphql-core meets it again, words and logs it",
    "gateway/execution/executor.py:Executor._iterate_events": "the rim of a subscription: bugs are masked and logged",
    "gateway/execution/executor.py:Executor._with_timeout": "the rim of an operation or an event: bugs are masked and logged",
    "gateway/execution/executor.py:Executor.execute": "the rim of an operation: bugs are masked and logged",
    "gateway/execution/executor.py:Executor.subscribe": "the rim of a subscription's start: bugs are masked and logged",
    "gateway/websocket/connection.py:WebSocketConnection.on_message": "the rim of a socket: a bug closes it, and is logged",
    "content/picture.py:render_thumbnail": "decoders of hostile files raise whatever they meet: there is no thumbnail",
    "content/picture.py:_orientation": "damaged metadata raises whatever it meets, and does not make a picture unreadable",
    "mail/incoming.py:read_mail": "the rim of a message: the standard library's parser fails in many ways on what anybody may send",
    "gateway/http/endpoint.py:GraphQLEndpoint.__call__": "the rim of a request",
    "gateway/http/endpoint.py:GraphQLEndpoint.post": "the rim of a whole request",
    "gateway/http/endpoint.py:GraphQLEndpoint._execute_as": "the rim of an operation over HTTP",
    "gateway/http/streaming.py:_StreamingResponse._run_subscription": "the rim of a subscription over HTTP",
    "gateway/http/credentials.py:CredentialWatch._check_periodically": "the watch goes on, whatever a database can raise",
    "gateway/websocket/handshake.py:Handshake._authenticate": "the boundary of a handshake on a websocket",
    "gateway/websocket/operations.py:Operations._run": "the boundary of an operation on a websocket",
}

# Written in parts, so that this file doesn't contain what it looks for.
_REGISTRIES = re.compile(
    "|".join(
        r"\.".join(parts)
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("proxy", "golang", "org"),
            ("index", "crates", "io"),
        )
    )
)
_DOCSTRING = re.compile(r'(?:#.*\n|\s)*r?"""\s*[^\s"]')
_CATCHES = re.compile(r"\bexcept\b.*Exception\b|\bexcept\s*:")
_MACHINE_PATHS = re.compile(r"(?<![\w.:/-])/(?:root|work|home/[a-z]\w*|Users/\w+)/")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted({Path(name) for name in listed.stdout.split("\0") if name})
    return tuple(path for path in paths if (_ROOT / path).is_file())


@cache
def modules() -> dict[Path, str]:
    """The text of each; to parse them all would take five seconds."""
    return {path: (_ROOT / path).read_text() for path in tracked_files() if path.suffix == ".py"}


def test_every_module_begins_by_saying_what_it_is_for() -> None:
    silent = [str(path) for path, text in modules().items() if not _DOCSTRING.match(text)]
    assert silent == []


def test_a_module_has_fewer_than_400_lines() -> None:
    lengths = {str(path): len(text.splitlines()) for path, text in modules().items()}
    long = {path: length for path, length in lengths.items() if length >= _MAX_LINES}
    assert {path: length for path, length in long.items() if path not in _LONGER_FILES} == {}
    assert set(_LONGER_FILES) - set(long) == set(), "no longer long: take it off the list"


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    found = {
        f"{path}: {match.group()}"
        for path in tracked_files()
        for pattern in (_REGISTRIES, _MACHINE_PATHS)
        for match in pattern.finditer((_ROOT / path).read_text(errors="ignore"))
    }
    assert found == set()


def test_only_the_rims_catch_everything() -> None:
    product = {path: ast.parse(text) for path, text in modules().items() if path.parts[0] != "tests" and _CATCHES.search(text)}
    catching = {f"{path}:{function}" for path, tree in product.items() for function in _catching_all(tree, "")}
    assert catching - set(_CATCH_ALL_BOUNDARIES) == set(), "catch what you expect, or state the reason in _RIMS"
    assert set(_CATCH_ALL_BOUNDARIES) - catching == set(), "catches no longer: take it off the list"


def test_the_domain_imports_only_the_standard_library() -> None:
    foreign = {
        f"{path}: {name}"
        for path, text in modules().items()
        if path.parts[0] == "domain"
        for name in _imports(ast.parse(text))
        if name.split(".")[0] not in {*sys.stdlib_module_names, "domain"}
    }
    assert foreign == set()


def _catching_all(node: ast.AST, function: str) -> Iterator[str]:
    """The functions (by their qualified name) that catch everything and keep it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _catching_all(child, f"{function}.{child.name}".lstrip("."))
            continue
        if isinstance(child, ast.ExceptHandler) and _catches_everything(child.type) and not _reraises(child):
            yield function
        yield from _catching_all(child, function)


def _catches_everything(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches_everything(part) for part in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
