"""Encodes results as JSON, whatever the transport."""

import logging
from typing import Any
from uuid import uuid4

import orjson

from gateway.execution.answer_size import AnswerTooLarge, encode_bounded, encode_bounded_in_turns, too_large_payload

logger = logging.getLogger(__name__)


def encode(payload: dict[str, Any]) -> bytes:
    """
    The JSON bytes of a response. One that is too large becomes the error `ANSWER_TOO_LARGE`. What JSON can't hold (an integer
    beyond 64 bits, half a surrogate pair) is a bug of the server: masked, and logged under its `errorId`.
    """
    try:
        return encode_bounded(payload)
    except (AnswerTooLarge, TypeError) as error:
        return _encode_failure(payload, error)


async def encode_in_turns(payload: dict[str, Any]) -> bytes:
    """The same, while others have their turns: for a response that may be large."""
    try:
        return await encode_bounded_in_turns(payload)
    except (AnswerTooLarge, TypeError) as error:
        return _encode_failure(payload, error)


def _encode_failure(payload: dict[str, Any], error: Exception) -> bytes:
    if isinstance(error, AnswerTooLarge):
        return orjson.dumps(too_large_payload(payload))
    error_id = str(uuid4())
    logger.error("unencodable result %s", error_id, extra={"error_id": error_id}, exc_info=error)
    masked = {"message": "Internal server error.", "extensions": {"code": "INTERNAL", "errorId": error_id}}
    return orjson.dumps({"errors": [masked]})
