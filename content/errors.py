"""Errors of updates, and of text that is to become one.

The graph's list of codes is a contract, so these are kinds of INVALID and LIMIT_EXCEEDED rather than codes of their own: a client
that sent a malformed update can't do other than with any malformed value.
"""

from domain.errors import Invalid, LimitExceeded, Path

UPDATES: Path = ("input", "updates")


class InvalidUpdate(Invalid):
    """Not a Yjs update in encoding V1, or one that the server will not read."""

    def __init__(self, message: str, *, path: Path = UPDATES) -> None:
        super().__init__(path, message)


class UpdateTooLarge(LimitExceeded):
    """An update has more bytes, or nests deeper, than the server accepts."""

    def __init__(self, message: str, limit: int, *, path: Path = UPDATES) -> None:
        super().__init__(message, limit, path=path)


class TextTooDeep(LimitExceeded):
    """The blocks of a text nest deeper than a document allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The blocks of a text may stand within each other {limit} deep at most.", limit)


class UpdatePending(InvalidUpdate):
    """The update builds on edits that are not there: send those first."""

    def __init__(self, message: str = "The update builds on edits that the document does not have.") -> None:
        super().__init__(message)


class TooExpensive(LimitExceeded):
    """The work takes more time or memory than the server allows for one document; `limit` is in seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"This text takes more than {seconds} seconds of work, or too much memory: it is too large or too intricate.", seconds
        )


class Unreadable(Invalid):
    """Something among the blocks of the document keeps pycrdt from reading it to its end, so nothing of it is read."""

    def __init__(self, *, path: Path = ("input", "id")) -> None:
        super().__init__(path, "The document holds something among its blocks that is none, and cannot be read to its end.")


class TextNotFound(Invalid):
    """The document does not contain the text to replace."""

    def __init__(self, *, path: Path = ("input", "find")) -> None:
        super().__init__(path, "The text is not in the document.")
