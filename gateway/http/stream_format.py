"""Streams over HTTP as bytes: which of the two kinds a client takes, and how answers are framed in it. No I/O.

Server-sent events are those of `graphql-sse` in its "distinct connections" mode: an event `next` per answer, then `complete`.
Lines end with LF alone and the data of `complete` is empty: urql cuts events at "\\n\\n" and parses whatever data there is, and a
browser's `EventSource` hears no event without a data line. Multipart is Apollo's protocol for subscriptions: parts of JSON, an
answer under `payload`, `{}` now and then, and `{"payload": null, "errors": …}` where the stream ends for a reason that isn't the
operation's. A part ends with the boundary of the next, since clients read on until they have it.

Rejected: the "single connection" mode of graphql-sse (a connection's state would have to be found by later requests, in whichever
process they land); multipart for `@defer`, which the graph doesn't have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from gateway.http.request import BadRequest
from gateway.http.response import negotiate_media_type, quality


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """How answers are framed; what the functions take is the JSON bytes of a GraphQL response."""

    media_type: bytes
    preamble: bytes
    """What is sent before the first answer, so that the client knows that it is heard."""
    keep_alive: bytes
    result_event: Callable[[bytes], bytes]
    error_event: Callable[[bytes], bytes]
    """Errors for which the stream ends, though the operation could go on."""
    complete: bytes
    """The operation is over."""
    abort: bytes
    """The stream is over, the operation isn't: come again."""


@dataclass(frozen=True, slots=True)
class AcceptedStream:
    """The stream that a client takes; `only`: it takes no plain JSON."""

    format: StreamFormat
    is_only_choice: bool


@lru_cache(maxsize=256)
def negotiate_stream(accept: bytes | None) -> AcceptedStream | None:
    """The kind of stream that an Accept header asks for; wildcards ask for none."""
    if accept is None or not any(kind in accept.lower() for kind in _FORMATS):
        return None
    found: list[tuple[float, StreamFormat]] = []
    for part in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (piece.strip().replace('"', "") for piece in part.split(";"))
        stream = _FORMATS.get(kind.encode())
        wish = min((quality(each) for each in parameters if each.startswith("q=")), default=1.0)
        if stream is not None and wish > 0 and not _is_other_protocol(parameters):
            found.append((wish, stream))
    if not found:
        return None
    try:
        negotiate_media_type(accept)
    except BadRequest:
        return AcceptedStream(max(found, key=lambda each: each[0])[1], is_only_choice=True)
    return AcceptedStream(max(found, key=lambda each: each[0])[1], is_only_choice=False)


def _is_other_protocol(parameters: list[str]) -> bool:
    """Whether this is multipart for `@defer`, or for subscriptions of another version."""
    said = [each for each in parameters if each.partition("=")[0] in ("deferspec", "subscriptionspec")]
    return said not in ([], ["subscriptionspec=1.0"])


def _event(result: bytes) -> bytes:
    return b"event: next\ndata: " + result + b"\n\n"


def _part(body: bytes) -> bytes:
    return b"\r\nContent-Type: application/json\r\n\r\n" + body + b"\r\n--graphql"


EVENT_STREAM = StreamFormat(
    media_type=b"text/event-stream; charset=utf-8",
    preamble=b":\n\n",
    keep_alive=b":\n\n",
    result_event=_event,
    error_event=_event,
    complete=b"event: complete\ndata:\n\n",
    abort=b"",
)
MULTIPART = StreamFormat(
    media_type=b'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"',
    preamble=b"\r\n--graphql",
    keep_alive=_part(b"{}"),
    result_event=lambda answer: _part(b'{"payload":' + answer + b"}"),
    error_event=lambda answer: _part(b'{"payload":null,' + answer[1:]),
    complete=b"--\r\n",
    abort=b"--\r\n",
)
_FORMATS = {b"text/event-stream": EVENT_STREAM, b"multipart/mixed": MULTIPART}
