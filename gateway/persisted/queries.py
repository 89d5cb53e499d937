"""Persisted queries: a client names its document instead of sending it.

Two ways, one at a time. *Automatic* (`AutomaticQueries`): a client sends the SHA-256 of its document; the server, when it doesn't
know it, says `PersistedQueryNotFound`, and the client sends both once. Message, code and status are those of Apollo's server,
since clients look for them. *Trusted* (`gateway.persisted.trusted_documents`): only documents of a list run.

A document is named by `extensions.persistedQuery.sha256Hash` (Apollo, urql), by `documentId` (the appendix of GraphQL over HTTP,
where a hash is written `sha256:…`), or by `id` or `doc_id` (Relay). A text is stored under its hash when the hash is right,
whether the document is valid or not: what a wrong document gets is an error either way, and the stores are bounded. Texts that
the executor would refuse for their length are not stored.
"""

import re
from hashlib import sha256
from typing import Any, Protocol

from gateway.execution.errors import coded_error
from gateway.execution.executor import OperationRequest, OperationResult, error_result

_SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
_SHA256_PREFIX = "sha256:"


class QueryTexts(Protocol):
    """Texts of documents by their SHA-256, stored while there is room. Never fails: a store that is away finds nothing."""

    async def get(self, digest: str) -> str | None: ...
    async def put(self, digest: str, text: str) -> None: ...
    def has(self, digest: str, text: str) -> bool:
        """Whether it is known without asking anybody that this text is stored."""
        ...


class PersistedQueries(Protocol):
    """Finds the document that a request names."""

    def applies_to(self, request: OperationRequest) -> bool:
        """Whether there is anything to find, or to refuse."""
        ...

    async def resolve(self, request: OperationRequest) -> OperationRequest | OperationResult:
        """The request with its text; or the answer that says why it has none."""
        ...


class AutomaticPersistedQueries:
    """Any document, by the hash of its text, after it was sent once."""

    def __init__(self, texts: QueryTexts, *, max_characters: int) -> None:
        """`longest`: characters of a text that is stored."""
        self._texts = texts
        self._max_characters = max_characters

    def applies_to(self, request: OperationRequest) -> bool:
        return not request.query or "persistedQuery" in request.extensions

    async def resolve(self, request: OperationRequest) -> OperationRequest | OperationResult:
        name = document_name(request)
        if isinstance(name, OperationResult) or name is None:
            return request if name is None else name
        if not request.query:
            text = await self._texts.get(name) if _SHA256_PATTERN.fullmatch(name) else None
            return _not_found() if text is None else request._replace(query=text)
        if "persistedQuery" not in request.extensions or self._texts.has(name, request.query):
            return request
        if sha256(request.query.encode(errors="replace")).hexdigest() != name:
            return error_result(coded_error("provided sha does not match query", "BAD_USER_INPUT"))
        if len(request.query) <= self._max_characters:
            await self._texts.put(name, request.query)
        return request


def document_name(request: OperationRequest) -> str | OperationResult | None:
    """What a request calls its document, a hash in small letters and without a prefix; or the answer about a name that is
    none."""
    if (persisted := request.extensions.get("persistedQuery")) is None:
        return None if request.document_id is None else request.document_id.removeprefix(_SHA256_PREFIX)
    match persisted:
        case {"version": 1, "sha256Hash": str(name), **__} if name:
            return name.lower() if _SHA256_PATTERN.fullmatch(name.lower()) else name
        case {"version": int(version), **__} if version != 1:
            return error_result(coded_error("Unsupported persisted query version", "BAD_USER_INPUT"))
    return error_result(coded_error("extensions.persistedQuery needs a version and a sha256Hash.", "BAD_USER_INPUT"))


def references_document(parameters: dict[str, Any]) -> bool:
    """Whether the parameters of a request without a text could name one."""
    extensions = parameters.get("extensions")
    if isinstance(extensions, dict) and extensions.get("persistedQuery") is not None:
        return True
    return document_id(parameters) is not None


def document_id(parameters: dict[str, Any]) -> str | None:
    """The name that stands beside `variables`, if any."""
    for key in ("documentId", "id", "doc_id"):
        if key in parameters and isinstance(name := parameters[key], str) and name:
            return name
    return None


def _not_found() -> OperationResult:
    return error_result(coded_error("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"))
