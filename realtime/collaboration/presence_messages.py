"""What rooms of one document in several processes whisper to each other: who is there. Never logged."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from realtime.announcements import Whisper
from realtime.collaboration.messages import Peer

logger = logging.getLogger(__name__)

ASKED_AT_ONCE: Final = 20
"""Of how many documents without a room here it is asked who is there."""


def question(stream: str, teller: str) -> Whisper:
    """Who is there, elsewhere?"""
    return Whisper(stream=stream, teller=teller, payload={"ask": True})


def asks(whisper: Whisper) -> bool:
    """Whether it is a question."""
    return "ask" in whisper.payload


def of_peers(stream: str, teller: str, user_id: UUID, told: Sequence[Peer]) -> Whisper:
    """What a user's client said of its peers."""
    payload = {"user": str(user_id), "peers": [[each.client, each.clock, each.state] for each in told]}
    return Whisper(stream=stream, teller=teller, payload=payload)


def peers(whisper: Whisper) -> tuple[UUID, list[Peer]] | None:
    """What `of_peers` was given; None for what this version cannot read."""
    try:
        told = [Peer(int(client), int(clock), str(state)) for client, clock, state in whisper.payload["peers"]]
        return UUID(whisper.payload["user"]), told
    except (KeyError, ValueError, TypeError):
        logger.warning("A whisper in %s cannot be read.", whisper.stream)
        return None
