"""Defines the messages of a client on a websocket, and parses those of `graphql-transport-ws`. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.execution.executor import OperationRequest
from gateway.http.request import BadParameters, from_parameters

_MAX_ID_CHARACTERS = 128


class InvalidMessage(Exception):
    """A message that is not one of the protocol's: the connection closes with 4400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A request of the right shape. Its strings have yet to be checked, in `raw`."""

    id: str
    request: OperationRequest
    raw: bytes


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


@dataclass(frozen=True, slots=True)
class ConnectionTerminate:
    """The client is about to disconnect."""


ClientMessage = ConnectionInit | Ping | Pong | Subscribe | Complete | ConnectionTerminate


def parse_message(raw: bytes) -> ClientMessage:
    """The message in one text frame. Raises `InvalidMessage`."""
    kind, frame = parse_envelope(raw)
    match kind:
        case "connection_init":
            return ConnectionInit(optional_payload(frame) or {})
        case "ping":
            return Ping(optional_payload(frame))
        case "pong":
            optional_payload(frame)
            return Pong()
        case "subscribe":
            return Subscribe(operation_id(frame), operation_request(frame), raw)
        case "complete":
            return Complete(operation_id(frame))
    raise InvalidMessage("A message has an unknown type.")


def parse_envelope(raw: bytes) -> tuple[str, dict[str, Any]]:
    """The type of a message, and the message."""
    try:
        frame = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise InvalidMessage("A message must be JSON.") from None
    if not isinstance(frame, dict):
        raise InvalidMessage("A message must be a JSON object.")
    match frame.get("type"):
        case str(kind):
            return kind, frame
    raise InvalidMessage("A message must have a type.")


def optional_payload(frame: dict[str, Any]) -> dict[str, Any] | None:
    """The payload of a message that may have none."""
    payload = frame.get("payload")
    if payload is None or isinstance(payload, dict):
        return payload
    raise InvalidMessage("A payload must be an object.")


def operation_id(frame: dict[str, Any]) -> str:
    """The id of the operation that a message is about."""
    match frame.get("id"):
        case str(id_) if 0 < len(id_) <= _MAX_ID_CHARACTERS:
            return id_
    raise InvalidMessage("The message needs an id of 1 to 128 characters.")


def operation_request(frame: dict[str, Any]) -> OperationRequest:
    """The operation that a message requests."""
    try:
        return from_parameters(frame.get("payload"))
    except BadParameters as problem:
        raise InvalidMessage(problem.message) from None
