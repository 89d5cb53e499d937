"""The frames of `graphql-transport-ws`: what a client may send, and what the server sends back. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schema.execution.executor import OperationRequest
from schema.http.request import BadParameters, from_parameters
from schema.http.response import encode

SUBPROTOCOL = "graphql-transport-ws"
_LONGEST_ID = 128
_LONGEST_REASON = 123  # bytes of a close frame's reason


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ends."""

    code: int
    reason: str

    def message(self) -> dict[str, Any]:
        reason = self.reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        return {"type": "websocket.close", "code": self.code, "reason": reason}


class Malformed(Exception):
    """A frame that isn't one of the protocol's: the connection closes with 4400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Init:
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    payload: Any


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A request of the right shape; its texts are not checked yet, `raw` is for that."""

    id: str
    request: OperationRequest
    raw: bytes


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


Incoming = Init | Ping | Pong | Subscribe | Complete


def parse(raw: bytes) -> Incoming:
    """The frame in one text message. Raises `Malformed`."""
    try:
        frame = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Malformed("A message must be JSON.") from None
    if not isinstance(frame, dict):
        raise Malformed("A message must be a JSON object.")
    payload = frame.get("payload")
    match frame.get("type"):
        case "connection_init":
            return Init(_object_or_nothing(payload) or {})
        case "ping":
            return Ping(_object_or_nothing(payload))
        case "pong":
            _object_or_nothing(payload)
            return Pong()
        case "subscribe":
            return Subscribe(_id(frame), _request(payload), raw)
        case "complete":
            return Complete(_id(frame))
        case str():
            raise Malformed("A message has an unknown type.")
    raise Malformed("A message must have a type.")


def _object_or_nothing(payload: Any) -> dict[str, Any] | None:
    if payload is None or isinstance(payload, dict):
        return payload
    raise Malformed("A payload must be an object.")


def _id(frame: dict[str, Any]) -> str:
    match frame.get("id"):
        case str(id_) if 0 < len(id_) <= _LONGEST_ID:
            return id_
    raise Malformed("The message needs an id of 1 to 128 characters.")


def _request(payload: Any) -> OperationRequest:
    try:
        return from_parameters(payload)
    except BadParameters as problem:
        raise Malformed(problem.message) from None


ACKNOWLEDGED = '{"type":"connection_ack"}'
PING = '{"type":"ping"}'


def pong(payload: Any) -> str:
    """The reply to a ping, with its payload."""
    return encode({"type": "pong"} if payload is None else {"type": "pong", "payload": payload}).decode()


def next_(id_: str, payload: dict[str, Any]) -> str:
    return _framed(id_, "next", encode(payload))


def error(id_: str, errors: Any) -> str:
    return _framed(id_, "error", encode({"errors": errors})[len(b'{"errors":') : -1])


def complete(id_: str) -> str:
    return f'{{"id":{orjson.dumps(id_).decode()},"type":"complete"}}'


def _framed(id_: str, kind: str, payload: bytes) -> str:
    return f'{{"id":{orjson.dumps(id_).decode()},"type":"{kind}","payload":{payload.decode()}}}'
