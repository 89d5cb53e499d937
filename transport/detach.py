"""Detaches a connection from its ASGI server, so that a direct websocket carries it."""

from starlette.types import Scope

from transport.connection_table import ConnectionTable
from transport.direct_websocket import CLOSE_TIMEOUT_SECONDS, DirectWebSocket
from transport.message_budget import LargeMessageBudget
from transport.uvicorn_websocket import DETACH_EXTENSION, OnDisconnect
from transport.write_batch import WriteBatch


def detach_transport(
    scope: Scope,
    opcode: int,
    *,
    max_message_bytes: int,
    close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
    write_batch: WriteBatch | None = None,
    large_messages: LargeMessageBudget | None = None,
) -> DirectWebSocket | None:
    """The connection behind a scope that was just accepted, to which the ASGI call then means nothing any more. It needs
    `attach` before control returns to the loop. None where the server does not detach its transport.
    """
    detach = scope.get("extensions", {}).get(DETACH_EXTENSION)
    if detach is None:
        return None
    made: list[DirectWebSocket] = []

    def make_protocol(on_disconnect: OnDisconnect, table: ConnectionTable) -> DirectWebSocket:
        made.append(
            DirectWebSocket(
                opcode,
                max_message_bytes=max_message_bytes,
                close_timeout_seconds=close_timeout_seconds,
                write_batch=write_batch,
                large_messages=large_messages,
                on_disconnect=on_disconnect,
                table=table,
            )
        )
        return made[0]

    transport = detach(make_protocol)
    if transport is None:
        return None
    made[0].set_transport(transport)
    return made[0]
