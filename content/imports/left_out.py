"""Remembers what an import leaves out or changes, so that nothing is lost without a word."""

from typing import Final

MAX_MESSAGES: Final = 1_000
_MORE: Final = "More than this is left out or changed."


class LeftOut:
    """What was left out: each message once, with the row where it came up first."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def add(self, row: int, message: str) -> None:
        """Say what is left out. Beyond `MAX_MESSAGES` different messages only that there are more."""
        if message not in self._rows:
            self._rows.setdefault(message if len(self._rows) < MAX_MESSAGES else _MORE, row)

    def messages(self) -> list[tuple[int, str]]:
        """The messages with their rows."""
        return [(row, message) for message, row in self._rows.items()]
