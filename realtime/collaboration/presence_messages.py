"""What rooms of one document in several processes whisper to each other: who is there. Never logged."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from realtime.announcements import EphemeralMessage
from realtime.collaboration.messages import AwarenessState

logger = logging.getLogger(__name__)

MAX_QUERIED_DOCUMENTS: Final = 20
"""Of how many documents without a room here it is asked who is there."""


def query(stream: str, sender_id: str) -> EphemeralMessage:
    """Who is there, elsewhere?"""
    return EphemeralMessage(stream=stream, sender_id=sender_id, payload={"ask": True})


def is_query(message: EphemeralMessage) -> bool:
    """Whether it is a question."""
    return "ask" in message.payload


def encode_states(stream: str, sender_id: str, user_id: UUID, states: Sequence[AwarenessState]) -> EphemeralMessage:
    """What a user's client said of its peers."""
    payload = {"user": str(user_id), "peers": [[each.client, each.clock, each.state] for each in states]}
    return EphemeralMessage(stream=stream, sender_id=sender_id, payload=payload)


def decode_states(message: EphemeralMessage) -> tuple[UUID, list[AwarenessState]] | None:
    """What `of_peers` was given; None for what this version cannot read."""
    try:
        told = [AwarenessState(int(client), int(clock), str(state)) for client, clock, state in message.payload["peers"]]
        return UUID(message.payload["user"]), told
    except (KeyError, ValueError, TypeError):
        logger.warning("A whisper in %s cannot be read.", message.stream)
        return None
