"""From answers to HTTP: which media type, which status, which bytes.

Media type and status follow the GraphQL-over-HTTP specification. For `application/graphql-response+json` the status tells
whether the operation ran: 200 whenever there is a data entry, else 4xx or 5xx. For `application/json`, which older clients ask
for, a mistake in the document or its variables is 200 too. What isn't about the operation (401, 429, 5xx) keeps its status in
both.
"""

from functools import lru_cache

from gateway.execution.executor import OperationResult
from gateway.http.request import BadRequest
from transport.http_response import Header
from transport.http_response import Reply as Reply

RESPONSE_JSON = b"application/graphql-response+json"
JSON = b"application/json"
_CONTENT_TYPES = {kind: (b"content-type", kind + b"; charset=utf-8") for kind in (RESPONSE_JSON, JSON)}
_NO_STORE = (b"cache-control", b"no-store")

_STATUS_BY_CODE = {
    "PERSISTED_QUERY_NOT_FOUND": 200,  # as Apollo's server has it: its clients for phones take any other for an outage
    "UNAUTHENTICATED": 401,
    "TOKEN_EXPIRED": 401,
    "INSUFFICIENT_SCOPE": 403,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "SERVICE_UNAVAILABLE": 503,
    "STORAGE_UNAVAILABLE": 503,
    "OVERLOADED": 503,
}


@lru_cache(maxsize=256)
def negotiate_media_type(accept: bytes | None) -> bytes:
    """The media type to answer with. Raises `BadRequest` (406) when the client takes neither."""
    if accept is None or not accept.strip():
        return JSON
    wishes: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        wishes[kind] = min((quality(each) for each in parameters if each.startswith("q=")), default=1.0)
    wildcard = wishes.get("application/*", wishes.get("*/*", 0.0))
    new, old = (wishes.get(kind.decode(), wildcard) for kind in (RESPONSE_JSON, JSON))
    if max(new, old) <= 0:
        raise BadRequest(406, "BAD_USER_INPUT", "Only application/graphql-response+json and application/json are served.")
    return RESPONSE_JSON if RESPONSE_JSON.decode() in wishes and new >= old else JSON if old > 0 else RESPONSE_JSON


def quality(parameter: str) -> float:
    """The weight in a parameter such as `q=0.5`; 0 for what is none."""
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


def http_status(result: OperationResult, media_type: bytes) -> int:
    """The status of an operation's answer."""
    if result.executed:
        return 200
    codes = (error["extensions"]["code"] for error in result.errors)
    status = max((_STATUS_BY_CODE.get(code, 400) for code in codes), default=500)
    return 200 if status == 400 and media_type == JSON else status


def full_response(
    status: int,
    media_type: bytes,
    body: bytes,
    headers: tuple[Header, ...],
    *,
    closes_connection: bool = False,
    is_authenticated: bool = False,
) -> Reply:
    """The response with this body."""
    own = (_CONTENT_TYPES[media_type], (b"content-length", b"%d" % len(body)), _NO_STORE)
    return Reply(status, own + headers, body, closes_connection, is_authenticated)
