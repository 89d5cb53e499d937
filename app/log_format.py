"""Formats lines of the log, in which mail addresses and secrets are masked, whichever library logs them."""

import logging
import re
from collections.abc import Sequence
from typing import Final

from domain.api_token import SECRET_PREFIX
from domain.share_link import TOKEN_PREFIX
from domain.webhook.signature import SECRET_PREFIX as WEBHOOK_PREFIX

_MASKS: Final[Sequence[tuple[re.Pattern[str], str]]] = (
    (re.compile(r"(?<=://)[^/\s@]{1,200}@"), "…@"),  # of a service's address
    (re.compile(r"[^\s@<>()\[\]\"',;:=…]{1,64}@(?=[\w-]{1,63}(?:\.[\w-]{1,63})+)"), "…@"),
    (re.compile(r"(?i)\b(bearer|basic) [\w.+/=~-]{8,}"), r"\1 …"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "eyJ…"),
    (re.compile(rf"\b({SECRET_PREFIX}|{TOKEN_PREFIX}|{WEBHOOK_PREFIX})[\w+/=-]+"), r"\1…"),
    (re.compile(r"([?&](?:token|signature|code|state)=)[^&\s\"']+"), r"\1…"),
)


def mask(line: str) -> str:
    """The line without the names of mailboxes, and without tokens, signatures and passwords in addresses."""
    for pattern, instead in _MASKS:
        line = pattern.sub(instead, line)
    return line


class MaskingFormatter(logging.Formatter):
    """
    Formats a record with its traceback, masked.

    Not so what has `is_shown_whole` among its `extra`: mails and their links, where they go to the console for somebody to see.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if getattr(record, "is_shown_whole", False) else mask(line)


def log_handler() -> logging.Handler:
    """What writes the log of a process, to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
