"""Encodes results as JSON, whatever the transport."""

import logging
from typing import Any
from uuid import uuid4

import orjson

from gateway.execution.compiled.leaf_serialization import JSON_OPTIONS

logger = logging.getLogger(__name__)


def encode(payload: dict[str, Any]) -> bytes:
    """
    The JSON bytes of a response. What JSON can't hold (an integer beyond 64 bits, half a surrogate pair) is a bug of ours:
    masked, and logged under its `errorId`.
    """
    try:
        return orjson.dumps(payload, option=JSON_OPTIONS)
    except TypeError:
        error_id = str(uuid4())
        logger.exception("unencodable result %s", error_id, extra={"error_id": error_id})
        error = {"message": "Internal server error.", "extensions": {"code": "INTERNAL", "errorId": error_id}}
        return orjson.dumps({"errors": [error]})
