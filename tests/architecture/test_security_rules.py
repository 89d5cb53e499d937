"""Rules about what is dangerous that ruff's rules of bandit (`S`) cannot say, since they are about where in this program something stands."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.architecture.test_conventions import tracked_files
from tests.support.server_process import ROOT

_NOT_THE_PROGRAM = ("benchmarks", "clients", "docs", "tests")

# Whoever opens a connection to elsewhere, and to whom.
_CALLS_OUT: dict[str, str] = {
    "app/listening.py": "it listens, and calls nobody",
    "app/supervisor.py": "it hands listening sockets to processes",
    "auth/providers/provider.py": "the OpenID providers that the operator has named",
    "mail/ses.py": "Amazon's mail service",
    "mail/smtp.py": "the operator's mail server",
    "outgoing/safe_http.py": "what strangers name: here addresses are checked",
    "persistence/blobs/s3.py": "the operator's bucket",
    "persistence/queue/sqs.py": "the operator's queue",
    "persistence/search/opensearch/engine.py": "the operator's OpenSearch",
    "push/sns.py": "Amazon's push service",
}
_CLIENTS = {
    *("aioboto3", "aiohttp", "aiosmtplib", "ftplib", "http.client", "httpcore2", "httpx", "httpx2", "opensearchpy", "requests"),
    *("smtplib", "socket", "telnetlib", "urllib.request", "urllib3"),
}
_SPEAKS_SQL = {"migrations", "persistence"}
_SQL = re.compile(
    r"\s*(SELECT\s.+|INSERT INTO\s.+|UPDATE\s+\w+\s+SET\s.+|DELETE FROM\s.+|(CREATE|DROP|ALTER|TRUNCATE)\s+(TABLE|INDEX|DATABASE|ROLE)\s.+"
    r"|(LISTEN|NOTIFY)\s.+)",
    re.DOTALL,
)

# A secret that is compared by `==` tells by the time of the answer how much of it was right.
_SECRET_NAME = re.compile(r"(secret|signature|digest|hash|mac|hmac|seal|csrf|nonce|verifier|challenge)$")
_COMPARED: dict[str, str] = {
    "domain/audit/verify.py: followed != registry.hash": "a chain of what everybody may read",
    "domain/audit/verify.py: self._hash != head.hash": "the same",
    "domain/audit/verify.py: chain_hash(self._hash, entry) != entry.hash": "the same",
    "domain/audit/verify.py: self._anchors.get(entry.number, entry.hash) != entry.hash": "the same",
    "resolvers/audit.py: chain_hash(previous, row) != row.hash": "the same",
    "domain/notification/delivery.py: settings.digest != 'OFF'": "how often mails come",
    "domain/sign_in.py: found[1] != signed_in.password_hash": "both were read from the database",
    "persistence/search/opensearch/rebuild.py: digest != document_of(entry)['digest']": "the hash of what is indexed",
    "persistence/persisted_queries/redis.py: sha256(found).hexdigest() != digest": "the hash of a text that its reader has sent",
}
_EXECUTES: dict[str, str] = {
    "gateway/execution/compiled/compiler.py: exec": "programs that are generated from checked documents: no text of a client is in them",
    "gateway/execution/compiled/object_builders.py: exec": "the same",
    "gateway/share_pages/__init__.py: Markup": "what was escaped before, or comes from our own renderer",
    "persistence/documents/worker_main.py: pickle.loads": "a pipe between this process and its child",
    "persistence/documents/worker_pool.py: pickle.loads": "the same",
}
_DANGEROUS_CALLS = {
    *("eval", "exec", "Markup", "pickle.load", "pickle.loads", "marshal.loads", "yaml.load", "os.system", "os.popen"),
    *("asyncio.create_subprocess_shell", "jinja2.Template", "shelve.open", "tarfile.open", "shutil.unpack_archive"),
}


@cache
def _product() -> list[tuple[Path, ast.AST]]:
    """Each node of each module of the program."""
    paths = [each for each in tracked_files() if each.suffix == ".py" and each.parts[0] not in _NOT_THE_PROGRAM]
    return [(path, node) for path in paths for node in ast.walk(ast.parse((ROOT / path).read_bytes()))]


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def test_only_persistence_holds_sql() -> None:
    found = {
        f"{path}:{node.lineno}"
        for path, node in _product()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.fullmatch(node.value)
        if path.parts[0] not in _SPEAKS_SQL
    }
    assert found == set()


def test_only_these_open_connections_to_elsewhere() -> None:
    found = {
        str(path)
        for path, node in _product()
        if any(name in _CLIENTS or name.partition(".")[0] in _CLIENTS for name in _imported(node))
    }
    assert found == set(_CALLS_OUT)


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        f"{path}: {ast.unparse(node)}"
        for path, node in _product()
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        if any(_SECRET_NAME.search(_last_name(side)) for side in (node.left, *node.comparators))
        if ".c." not in ast.unparse(node.left)  # a condition of SQL, on an index of hashes
    }
    assert found == set(_COMPARED)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name.lower()
    return ""


def test_nothing_else_executes_or_trusts_what_it_is_given() -> None:
    calls = {f"{path}: {ast.unparse(node.func)}" for path, node in _product() if isinstance(node, ast.Call)}
    assert {each for each in calls if each.partition(": ")[2] in _DANGEROUS_CALLS} == set(_EXECUTES)


def test_no_command_is_given_to_a_shell() -> None:
    given = {
        f"{path}:{node.lineno}"
        for path, node in _product()
        if isinstance(node, ast.Call) and any(each.arg == "shell" for each in node.keywords)
    }
    assert given == set()


def test_cookies_are_hidden_from_scripts_and_from_other_sites() -> None:
    for path, node in _product():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set_cookie":
            given = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert (given["httponly"], given["samesite"]) == ("True", "'lax'"), path
            assert "secure" in given, path
