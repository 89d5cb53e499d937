"""What a client may say on a websocket, and how a message of `graphql-transport-ws` is read. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.execution.executor import OperationRequest
from gateway.http.request import BadParameters, from_parameters

_LONGEST_ID = 128
_LONGEST_REASON = 123  # bytes of a close frame's reason


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ends."""

    code: int
    reason: str

    @property
    def short(self) -> str:
        """The reason as far as it fits into a close frame."""
        return self.reason.encode()[:_LONGEST_REASON].decode(errors="ignore")

    def message(self) -> dict[str, Any]:
        return {"type": "websocket.close", "code": self.code, "reason": self.short}


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
    payload: Mapping[str, Any] | None


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


@dataclass(frozen=True, slots=True)
class Terminate:
    """The client is about to go."""


Incoming = Init | Ping | Pong | Subscribe | Complete | Terminate


def parse(raw: bytes) -> Incoming:
    """The frame in one text message. Raises `Malformed`."""
    kind, frame = opened(raw)
    match kind:
        case "connection_init":
            return Init(object_or_nothing(frame) or {})
        case "ping":
            return Ping(object_or_nothing(frame))
        case "pong":
            object_or_nothing(frame)
            return Pong()
        case "subscribe":
            return Subscribe(id_of(frame), request_of(frame), raw)
        case "complete":
            return Complete(id_of(frame))
    raise Malformed("A message has an unknown type.")


def opened(raw: bytes) -> tuple[str, dict[str, Any]]:
    """The type of a message, and the message."""
    try:
        frame = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Malformed("A message must be JSON.") from None
    if not isinstance(frame, dict):
        raise Malformed("A message must be a JSON object.")
    match frame.get("type"):
        case str(kind):
            return kind, frame
    raise Malformed("A message must have a type.")


def object_or_nothing(frame: dict[str, Any]) -> dict[str, Any] | None:
    """The payload of a message that needs none."""
    payload = frame.get("payload")
    if payload is None or isinstance(payload, dict):
        return payload
    raise Malformed("A payload must be an object.")


def id_of(frame: dict[str, Any]) -> str:
    """Which operation a message is about."""
    match frame.get("id"):
        case str(id_) if 0 < len(id_) <= _LONGEST_ID:
            return id_
    raise Malformed("The message needs an id of 1 to 128 characters.")


def request_of(frame: dict[str, Any]) -> OperationRequest:
    """The operation that a message asks for."""
    try:
        return from_parameters(frame.get("payload"))
    except BadParameters as problem:
        raise Malformed(problem.message) from None
