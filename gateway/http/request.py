"""From bytes to an `OperationRequest`, or a `BadRequest` that says in which way they are none.

A request is JSON text with `query`, and perhaps `operationName`, `variables` and `extensions`, as an object in a body, in the
query string, or in a websocket's `subscribe` message; instead of `query`, it may name a document (`gateway.persisted.queries`).
Unknown keys are ignored, as the specification of GraphQL over HTTP wants. orjson refuses invalid UTF-8, byte order marks, lone
surrogates, NaN, infinities and nesting beyond 1,024; integers beyond 64 bits become floats, which no scalar of the graph takes
for an Int or an ID. Left to us: U+0000, which Postgres can't store, and nesting that could not be written out again. Both are
looked for only in bodies in which they can be, since walking every value costs more than parsing it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from gateway.execution.executor import OperationRequest
from gateway.persisted.queries import document_id, references_document

MAX_NESTING_LEVELS = 64  # levels of lists and objects inside `variables`
_MAX_PARAMETERS = 20

_CHARSET_PATTERN = re.compile(r'charset\s*=\s*"?utf-?8"?$', re.IGNORECASE)


class BadRequest(Exception):
    """A request that isn't one; `status` is for HTTP."""

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = tuple(headers)


class BadParameters(BadRequest):
    """JSON of the wrong shape: parameters are missing or have the wrong type."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BAD_USER_INPUT", message)


class UnstorableText(BadRequest):
    """Well-formed JSON with text or nesting that nothing behind the graph can hold."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BAD_USER_INPUT", message)


@lru_cache(maxsize=256)
def check_body_type(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Only JSON, in UTF-8, not compressed; this also keeps out forms, which browsers send across sites without asking first."""
    kind, *parameters = (content_type or b"").decode("latin-1").split(";")
    if kind.strip().lower() != "application/json":
        raise BadRequest(415, "BAD_USER_INPUT", "The body must be application/json.")
    for parameter in parameters:
        if "charset" in parameter.lower() and not _CHARSET_PATTERN.match(parameter.strip()):
            raise BadRequest(415, "BAD_USER_INPUT", "The body must be in UTF-8.")
    if content_encoding and content_encoding.strip().lower() != b"identity":
        raise BadRequest(415, "BAD_USER_INPUT", "A compressed body is not accepted.")


def from_body(body: bytes) -> OperationRequest:
    """The request in a JSON body."""
    value = _parse_json(body, "The body")
    if isinstance(value, list):
        raise BadParameters("Batching is not supported: send one operation per request.")
    request = from_parameters(value)
    check_text(request, body)
    return request


def from_query_string(query_string: bytes) -> OperationRequest:
    """The request in a GET's parameters, of which `variables` and `extensions` are JSON text."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise BadParameters("The query string is not valid UTF-8.") from None
    except ValueError:
        raise BadParameters("The query string has too many parameters.") from None
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in parameters:
            raise BadParameters("A parameter is given twice.")
        parameters[name] = value
    for name in ("variables", "extensions"):
        if text := parameters.get(name):
            parameters[name] = _parse_json(text.encode(), f"The parameter {name}")
        else:
            parameters.pop(name, None)
    if not parameters.get("operationName"):
        parameters.pop("operationName", None)
    request = from_parameters(parameters)
    check_text(request, *(value.encode() for _, value in pairs))
    return request


def from_parameters(value: Any) -> OperationRequest:
    """The request in decoded JSON; its texts are not checked yet (`check_text`)."""
    if not isinstance(value, dict):
        raise BadParameters("The request must be a JSON object.")
    query = value.get("query")
    if query is None and references_document(value):
        query = ""
    if query is None and "query" not in value:
        raise BadParameters("The parameter query is missing.")
    if not isinstance(query, str):
        raise BadParameters("The parameter query must be a string.")
    name, variables, extensions = value.get("operationName"), value.get("variables"), value.get("extensions")
    if name is not None and not isinstance(name, str):
        raise BadParameters("The parameter operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadParameters("The parameter variables must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadParameters("The parameter extensions must be an object.")
    return OperationRequest(
        query=query,
        operation_name=name,
        variables=variables or {},
        extensions=extensions or {},
        document_id=document_id(value),
    )


def check_text(request: OperationRequest, *raw: bytes) -> None:
    """Refuse U+0000 and deep nesting. `raw` is the text as it came: when it can't contain either, nothing is walked."""
    for text in raw:
        if (b"\\u0000" in text or b"\0" in text) and _has_nul(request):
            raise UnstorableText("A string holds the character U+0000.")
        if text.count(b"[") + text.count(b"{") > MAX_NESTING_LEVELS and _is_nested_deeper(request.variables, MAX_NESTING_LEVELS):
            raise UnstorableText(f"The variables are nested deeper than {MAX_NESTING_LEVELS} levels.")


def _parse_json(text: bytes, subject: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadParameters(f"{subject} is not valid JSON.") from None


def _has_nul(request: OperationRequest) -> bool:
    if any("\0" in text for text in (request.query, request.operation_name or "", request.document_id or "")):
        return True
    waiting: list[Any] = [request.variables, request.extensions]
    while waiting:
        match waiting.pop():
            case str(text) if "\0" in text:
                return True
            case dict(members):
                waiting += members.keys()
                waiting += members.values()
            case list(items):
                waiting += items
    return False


def _is_nested_deeper(value: Any, max_levels: int) -> bool:
    level: list[Any] = [value]
    for _ in range(max_levels + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
