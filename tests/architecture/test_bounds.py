"""Everything in persistence, sign-in and mail that waits or is remembered has a bound, which stands here with its kind.

A collection that outlives a call must appear in the inventory; one that does not makes the test fail, so that nobody adds a
queue, a cache or a pool without saying what bounds it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ROOMS = ("persistence", "auth", "embedded", "mail", "outgoing", "push", "workers")
_COLLECTIONS = frozenset(
    {
        "dict",
        "list",
        "set",
        "deque",
        "OrderedDict",
        "defaultdict",
        "Counter",
        "Queue",
        "LruCache",
        "lru_cache",
        "cache",
        "WeakSet",
    }
    | {"Semaphore", "ThreadPoolExecutor"}
)
_PER_OPERATION = "belongs to one operation, whose size is limited"
_CALLERS = "one entry for each caller that waits, and requests are limited"
_SIZE = "bounded by the size of the pool"
_BYTES = "bounded in bytes"
_STATIC = "one entry for each statement or class in the code"
_REPORT = "the report of a command that an operator runs"
_BATCH = "the objects of one batch of events: 500"
_CONSUMERS = "one entry for each consumer in the code"
_NAMED_PEOPLE = "the people whom one export names"
_WORKERS = "the number of worker processes"

# path:Class.attribute (or path:function, path:name): what bounds it
_BOUNDS: dict[str, str] = {
    "auth/keys.py:SigningKeys._by_id": "MAX_KEYS keys",
    "auth/graph_tokens.py:GraphTokens._used_links": _BYTES,
    "auth/account_mail.py:BackgroundAccountMailer._waiting": "1,000 mails",
    "auth/oauth/client_documents.py:ClientDocuments._held": _BYTES,
    "auth/oauth/requests.py:_Payload._datalist": "the parameters of one request: 50",
    "auth/oauth/sign_in_pages.py:SignInPages._providers": "the providers of the settings",
    "auth/passwords.py:Argon2Passwords._slots": "one less than there are cores; 100 wait, for five seconds",
    "auth/passwords.py:Argon2Passwords._threads": "as many threads, behind the slots",
    "auth/passwords.py:_dummy_hash": "one hash",
    "auth/tokens.py:AccessTokens._api_tokens": _BYTES,
    "auth/tokens.py:AccessTokens._checked_sessions": _BYTES,
    "auth/tokens.py:AccessTokens._verified_tokens": _BYTES,
    "mail/sns_message.py:SnsVerifier._keys": "MAX_CERTIFICATES keys",
    "mail/smtp.py:SmtpMailer._slots": "four connections, each for 30 s at most",
    "outgoing/safe_http.py:_system_authorities": "one context",
    "persistence/blobs/document_objects.py:DocumentObjects._write_slots": "half the connections, and two seconds of waiting",
    "persistence/blobs/local.py:LocalBlobs._threads": "8 threads; calls that wait are cancelled after 5 s",
    "persistence/blobs/routes.py:_Endpoint.uploading": "256 uploads",
    "persistence/backup/blobs.py:BlobsWriter.lost": _REPORT,
    "persistence/documents/contents.py:ContentReader._rendered": _BYTES,
    "persistence/documents/document_reader.py:DocumentReader._contents": _BYTES,
    "persistence/documents/integrity.py:IntegrityReport.ahead": _REPORT,
    "persistence/documents/integrity.py:IntegrityReport.missing": _REPORT,
    "persistence/documents/integrity.py:IntegrityReport.orphans": _REPORT,
    "persistence/documents/reindex.py:ReindexReport.orphaned": _REPORT,
    "persistence/documents/worker_pool.py:WorkerPool._busy": _WORKERS,
    "persistence/documents/worker_pool.py:WorkerPool._idle": _WORKERS,
    "persistence/documents/worker_pool.py:WorkerPool._tasks": _WORKERS,
    "persistence/engine/batch_scheduler.py:BatchScheduler._running": "max_total batches",
    "persistence/engine/connection_pool.py:LeasedPool._idle": _SIZE,
    "persistence/engine/connection_pool.py:LeasedPool._returning": _SIZE,
    "persistence/engine/connection_pool.py:LeasedPool._waiters": _CALLERS + "; two seconds of waiting",
    "persistence/engine/filter.py:FilterCompiler._kinds": "one entry for each field and operator of a list",
    "persistence/engine/lookup.py:_Selection.columns": "those of one statement",
    "persistence/engine/lookup.py:_statements": _BYTES,
    "persistence/engine/loaders.py:BatchLoader._parents": _PER_OPERATION,
    "persistence/engine/lru_cache.py:LruCache._entries": _BYTES,
    "persistence/engine/lru_cache.py:_caches": "one entry for each cache in the code",
    "persistence/engine/index_ranges.py:Ranges.columns": _STATIC,
    "persistence/engine/pages.py:ListQuery.covered": _STATIC,
    "persistence/engine/pages.py:ListQuery.fields": _STATIC,
    "persistence/engine/pages.py:ListQuery.ties": _STATIC,
    "persistence/engine/pages.py:_count_statements": _BYTES,
    "persistence/engine/pages.py:_count_templates": _BYTES,
    "persistence/engine/pages.py:_statements": _BYTES,
    "persistence/engine/pages.py:_templates": _BYTES,
    "persistence/engine/read_batcher.py:ReadBatcher._pending": _CALLERS,
    "persistence/engine/read_batcher.py:_PendingRuns.runs": _CALLERS,
    "persistence/engine/request_coalescing.py:Coalescer._pending": _CALLERS,
    "persistence/engine/row_turns.py:RowTurns._rows": _CALLERS,
    "persistence/engine/rows.py:_NOTHING_JOINED": "empty",
    "persistence/engine/rows.py:_conversions": _STATIC,
    "persistence/engine/rows.py:_row_classes": _BYTES,
    "persistence/engine/rows.py:_stored_attributes": _STATIC,
    "persistence/engine/rows.py:_written_attributes": _STATIC,
    "persistence/engine/rows.py:_written_names": _STATIC,
    "persistence/engine/statement.py:SqlText.constants": _STATIC,
    "persistence/engine/write_batcher.py:PendingWrite.more": _PER_OPERATION,
    "persistence/engine/write_batcher.py:WriteBatcher._busy_streams": "the streams of two batches",
    "persistence/engine/write_batcher.py:WriteBatcher._pending": _CALLERS,
    "persistence/persisted_queries/memory.py:MemoryTexts._texts": _BYTES,
    "persistence/queue/sender.py:WakeUpSender._marked": "10,000 names",
    "persistence/rate_limits/cost_memory.py:MemoryCostLimiter._buckets": "one cache, bounded in bytes, for each limit",
    "persistence/rate_limits/cost_redis.py:RedisCostLimiter._unsent": "10,000 subjects",
    "persistence/rate_limits/memory.py:MemoryRateLimiter._times": _BYTES,
    "persistence/retry_schedule.py:RetrySchedule._failures": "10,000 objects",
    "persistence/search/frequencies.py:Frequencies.places": "the places that ANALYZE remembers: 100, by default",
    "persistence/search/frequencies.py:Frequencies.words": "the words that ANALYZE remembers: 1,000, by default",
    "persistence/search/index_writes.py:IndexChanges.entries": _PER_OPERATION,
    "persistence/search/index_writes.py:IndexChanges.moved": _PER_OPERATION,
    "persistence/search/index_writes.py:IndexChanges.names": _PER_OPERATION,
    "persistence/search/index_writes.py:IndexChanges._new_words": _PER_OPERATION,
    "persistence/search/index_writes.py:IndexChanges.removed": _PER_OPERATION,
    "persistence/search/opensearch/changes.py:ChangedObjects.moved": _BATCH,
    "persistence/search/opensearch/changes.py:ChangedObjects.objects": _BATCH,
    "persistence/search/opensearch/changes.py:ChangedObjects.threads": _BATCH,
    "persistence/search/rebuild.py:IndexReport.examples": "the first twenty",
    "persistence/stores/document.py:SqlDocuments._required_keys": _PER_OPERATION,
    "persistence/stores/document.py:SqlDocuments.edits": _PER_OPERATION,
    "persistence/stores/document.py:SqlDocuments.pending": _PER_OPERATION,
    "persistence/stores/task_places.py:TaskPlaces._busy_teams": "four statements",
    "persistence/stores/task_places.py:TaskPlaces._ranks": _CALLERS,
    "persistence/stores/task_places.py:TaskPlaces._unused": "10,000 numbers",
    "persistence/stores/task_places.py:TaskPlaces._waiting": _CALLERS,
    "persistence/transaction.py:Transaction._row_versions": _PER_OPERATION,
    "persistence/thumbnails.py:Thumbnails._turns": _CALLERS,
    "persistence/thumbnails.py:Thumbnails.counts": "three outcomes",
    "persistence/unit_of_work.py:SqlUnitOfWork.enqueued_kinds": _PER_OPERATION,
    "persistence/unit_of_work.py:SqlUnitOfWork.entries": _PER_OPERATION,
    "persistence/unit_of_work.py:SqlUnitOfWork.mails": _PER_OPERATION,
    "persistence/unit_of_work.py:SqlUnitOfWork.recorded": _PER_OPERATION,
    "persistence/workers/backlog.py:Backlog.lags": _CONSUMERS,
    "workers/consumer_runner.py:ConsumerRunner._busy": "one for each task of the consumer, four at most",
    "workers/consumer_runner.py:ConsumerRunner._ready": "10,000 streams",
    "workers/consumer_runner.py:ConsumerRunner._single_until": "10,000 streams",
    "workers/consumer_runner.py:ConsumerRunner._survived": "10,000 streams",
    "workers/consumer_runner.py:ConsumerRunner._timers": "10,000 streams",
    "workers/imports/apply.py:Import.labels": "MAX_SMALL_RECORDS labels",
    "workers/imports/collection.py:Collection._files": "one for each type of records",
    "workers/imports/collection.py:Collection.issues": "MAX_RECORDED_ISSUES issues",
    "workers/imports/collection.py:Collection.warnings": "MAX_RECORDED_ISSUES issues",
    "workers/job.py:JobWriter.kinds": _PER_OPERATION,
    "workers/metrics.py:WorkerMetrics.consumers": _CONSUMERS,
    "workers/metrics.py:WorkerMetrics.job_lags": "one entry for each kind of jobs in the code",
    "workers/metrics.py:WorkerMetrics.jobs": "one entry for each kind of jobs in the code",
    "workers/metrics.py:WorkerMetrics.lags": _CONSUMERS,
    "workers/metrics.py:WorkerMetrics.schedules": "one entry for each schedule in the code",
    "workers/time_zones.py:zone_names": "the time zones of the world",
    "workers/transfer/csv_table.py:CsvWriter._people": _NAMED_PEOPLE,
    "workers/transfer/json_lines.py:JsonLinesWriter._attachments": "50,000 attachments",
    "workers/transfer/json_lines.py:JsonLinesWriter._people": _NAMED_PEOPLE,
    "workers/transfer/markdown_zip.py:MarkdownZipWriter._folders": "the projects of a team",
    "workers/transfer/markdown_zip.py:MarkdownZipWriter._labels": "the labels of a team",
    "workers/transfer/markdown_zip.py:MarkdownZipWriter._people": _NAMED_PEOPLE,
    "workers/upkeep.py:Retries.failed_turns": "one entry for each job in the code",
    "workers/upkeep.py:Retries.queue_lengths": "the number of jobs",
    "workers/user_job.py:UserJobRun.files": "MAX_FILES files",
}


def _name(node: ast.expr) -> str:
    """The name of what a value, a decorator or an annotation is made of: `LruCache` of `LruCache[str, bytes]("name", 1)`."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_collection(value: ast.expr | None, annotation: ast.expr | None) -> bool:
    if isinstance(value, ast.Call) and _name(value) == "field":
        value = next((each.value for each in value.keywords if each.arg == "default_factory"), None)
        return value is not None and _name(value) in _COLLECTIONS
    if isinstance(value, (ast.Dict, ast.List, ast.Set)):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    if value is None:
        return annotation is not None and _name(annotation) == "ThreadPoolExecutor"
    return isinstance(value, ast.Call) and _name(value) in _COLLECTIONS


def _collections(path: Path, root: Path) -> Iterator[str]:
    """Attributes of instances and variables of modules that hold a collection which begins empty, or a cache."""
    tree = ast.parse(path.read_text())
    where = path.relative_to(root).as_posix()
    for node in tree.body:
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
        value = node.value if isinstance(node, (ast.AnnAssign, ast.Assign)) else None
        if isinstance(target, ast.Name) and _is_collection(value, None):
            yield f"{where}:{target.id}"
        if isinstance(node, ast.FunctionDef) and any(_name(each) in ("lru_cache", "cache") for each in node.decorator_list):
            yield f"{where}:{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from (f"{where}:{node.name}.{each}" for each in sorted(set(_attributes(node))))


def _attributes(cls: ast.ClassDef) -> Iterator[str]:
    for statement in cls.body:
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and _is_collection(statement.value, None)
        ):
            yield statement.target.id
    for node in ast.walk(cls):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = {each.arg: each.annotation for each in node.args.args}
            for each in ast.walk(node):
                if not isinstance(each, (ast.Assign, ast.AnnAssign)):
                    continue
                target = each.targets[0] if isinstance(each, ast.Assign) else each.target
                passed = arguments.get(each.value.id) if isinstance(each.value, ast.Name) else None
                if isinstance(target, ast.Attribute) and _is_collection(each.value if passed is None else None, passed):
                    yield target.attr


def test_every_collection_that_outlives_a_call_says_what_bounds_it() -> None:
    found = {name for room in _ROOMS for path in (_ROOT / room).rglob("*.py") for name in _collections(path, _ROOT)}
    assert found - _BOUNDS.keys() == set(), "say in _BOUNDS what bounds it"
    assert _BOUNDS.keys() - found == set(), "it is gone: remove it from _BOUNDS"


def test_a_collection_without_a_bound_is_found(tmp_path: Path) -> None:
    module = tmp_path / "store.py"
    module.write_text(
        "from functools import cache\n_seen = {}\n_fixed = {'a': 1}\n\n\n@cache\ndef compute(x): ...\n\n\n"
        "class Store:\n    def __init__(self, size):\n        self._size = size\n        self._rows: dict[str, int] = {}\n"
    )
    assert list(_collections(module, tmp_path)) == ["store.py:_seen", "store.py:compute", "store.py:Store._rows"]
