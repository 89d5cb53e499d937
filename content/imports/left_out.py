"""Remembers what an import leaves out or changes, so that nothing is lost without a word."""

from typing import Final

_MAX_MESSAGES: Final = 1_000


class LeftOut:
    """What was left out: each message once, with the row where it came up first."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def add(self, row: int, message: str) -> None:
        """Say what is left out. Beyond a thousand different messages nothing is added."""
        if message not in self._rows and len(self._rows) < _MAX_MESSAGES:
            self._rows[message] = row

    def messages(self) -> list[tuple[int, str]]:
        """The messages with their rows."""
        return [(row, message) for message, row in self._rows.items()]
