"""Trusted documents: the list of those that may run, made when the front end is built, and nothing else runs.

Manifests that are read: Apollo's (`generate-persisted-query-manifest`, `{"format": "apollo-persisted-query-manifest", "version":
1, "operations": [{"id", "body", …}]}`), and maps of id to text, as relay-compiler and graphql-codegen write them.

A document is asked for by its id, in whichever way a client sends it (`gateway.persisted.queries`), or by sending the very text,
so that a front end can be deployed before its client sends ids. Everything else is `PERSISTED_QUERY_REQUIRED`, an unknown id too:
had it the code of "not found", clients would answer with the text, only to be refused then. An id and another document's text
beside it are refused as well, since one of them would be ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from gateway.execution.errors import FormattedError, coded_error
from gateway.execution.executor import OperationRequest, OperationResult, error_result
from gateway.persisted.queries import document_name

_MAX_ERROR_CHARACTERS = 200  # characters of a document's error that are shown


class InvalidManifest(Exception):
    """What is wrong with a manifest, in a line."""


class TrustedDocuments:
    """The documents of a manifest."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts` by id."""
        self._by_id = {name.removeprefix("sha256:"): text for name, text in texts.items()}
        self._texts = frozenset(texts.values())

    def applies_to(self, request: OperationRequest) -> bool:
        return True

    async def resolve(self, request: OperationRequest) -> OperationRequest | OperationResult:
        name = document_name(request)
        if isinstance(name, OperationResult):
            return name
        text = None if name is None else self._by_id.get(name)
        if text is None:
            return request if request.query in self._texts else _persisted_query_required()
        return request._replace(query=text) if request.query in ("", text) else _persisted_query_required()


def read_manifest(content: bytes) -> dict[str, str]:
    """The texts of a manifest by their ids. Raises `ManifestUnusable`."""
    try:
        manifest: Any = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidManifest(f"it is not JSON: {error}") from None
    match manifest:
        case {"operations": list(operations), **rest}:
            if rest.get("format") != "apollo-persisted-query-manifest" or rest.get("version") != 1:
                raise InvalidManifest("its format is not apollo-persisted-query-manifest, version 1.")
            texts = _texts_of_operations(operations)
        case dict():
            texts = manifest
        case _:
            raise InvalidManifest("it is neither Apollo's manifest nor a map of ids to texts.")
    for name, text in texts.items():
        if not name or not isinstance(text, str):
            raise InvalidManifest(f"the text of {name!r} is not a string.")
    if not texts:
        raise InvalidManifest("it has no documents.")
    return texts


def check_manifest(texts: Mapping[str, str], find_errors: Callable[[str], Sequence[FormattedError]]) -> None:
    """Raises `ManifestUnusable` where the graph would refuse a document; `errors_of` says what it finds wrong with a text."""
    for name, text in texts.items():
        if errors := find_errors(text):
            raise InvalidManifest(f"the document {name!r} can't run: {errors[0]['message'][:_MAX_ERROR_CHARACTERS]}")


def _texts_of_operations(operations: list[Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for operation in operations:
        match operation:
            case {"id": str(name), "body": str(text), **__} if texts.setdefault(name, text) == text:
                pass
            case {"id": str(name), "body": str(), **__}:
                raise InvalidManifest(f"two documents have the id {name!r}.")
            case _:
                raise InvalidManifest("an operation has no id or no body.")
    return texts


def _persisted_query_required() -> OperationResult:
    return error_result(coded_error("Only trusted documents run here.", "PERSISTED_QUERY_REQUIRED"))
