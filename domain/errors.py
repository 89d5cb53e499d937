"""The family of expected failures; anything outside it is a bug.

`code` is one of the graph's `ErrorCode` values. `path` leads into the arguments, such as `("input", "dueOn")`, and is None when
no single argument is to blame. The graph turns them into answers in one place (`schema.errors`): inside a mutation's payload, or
as a top-level error with `extensions.code`.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, ClassVar

Path = tuple[str, ...]


class DomainError(Exception):
    """An expected failure with a code that clients can act on."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What a client learns beside code, message and path."""
        return {}


class Unauthenticated(DomainError):
    """Nobody is signed in, or the credentials are wrong."""

    code = "UNAUTHENTICATED"

    def __init__(self, message: str = "Sign in first.", *, path: Path | None = None) -> None:
        super().__init__(message, path=path)


class TokenExpired(Unauthenticated):
    """The access token's time is over: refresh the session."""

    code = "TOKEN_EXPIRED"

    def __init__(self, message: str = "The access token has expired.", *, path: Path | None = None) -> None:
        super().__init__(message, path=path)


class ReauthenticationRequired(DomainError):
    """The session is good, but what is asked for needs that its person has just shown who they are."""

    code = "REAUTHENTICATION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("Show first that it is you: sign in again, or use `sessionReauthenticate`.")


class SecondFactorRequired(DomainError):
    """The password is right, and a code is needed too."""

    code = "SECOND_FACTOR_REQUIRED"

    def __init__(self) -> None:
        super().__init__("A code is needed too: of the authenticator app, or a recovery code.", path=("input", "code"))


class InsufficientScope(DomainError):
    """The token lacks the scope that this needs."""

    code = "INSUFFICIENT_SCOPE"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The token lacks the scope {scope}.")
        self.scope = scope

    @property
    def extensions(self) -> Mapping[str, Any]:
        return {"scope": self.scope}


class NotFound(DomainError):
    """Not there, or not yours: the same answer, byte for byte."""

    code = "NOT_FOUND"

    def __init__(self, path: Path | None = None) -> None:
        super().__init__("Not found.", path=path)


class Forbidden(DomainError):
    """Visible to the actor, but the role or token does not allow `missing`."""

    code = "FORBIDDEN"

    def __init__(self, missing: str, message: str = "Your role does not allow this.", *, path: Path | None = None) -> None:
        super().__init__(message, path=path)
        self.missing = missing


class Conflict(DomainError):
    """`expectedVersion` is not the version that is stored; `current` is the stored entity."""

    code = "CONFLICT"

    def __init__(self, current: Any) -> None:
        super().__init__("The object has changed since you read it.", path=("input", "expectedVersion"))
        self.current = current


class UndoConflict(Conflict):
    """What a change did has been changed again. `fields` (`domain.events.FieldChange`) are those attributes: before, as the
    change left them, and after, as they are now."""

    def __init__(self, current: Any, fields: Sequence[Any]) -> None:
        super().__init__(current)
        self.message = "The object has changed since, so this cannot be undone."
        self.path = ("input", "changeId")
        self.fields = fields


class NotUndoable(DomainError):
    """A change of a kind that cannot be undone; the message says what can be done instead."""

    code = "NOT_UNDOABLE"

    def __init__(self, message: str) -> None:
        super().__init__(message, path=("input", "changeId"))


class Invalid(DomainError):
    """An argument's value cannot be accepted."""

    code = "INVALID"

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message, path=path)


class Required(Invalid):
    """An argument is missing, or blank, where a value is needed."""

    code = "REQUIRED"


class TooLong(Invalid):
    """A text has more characters than its limit."""

    code = "TOO_LONG"

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, f"At most {limit} characters are allowed.")
        self.limit = limit


class NotUnique(Invalid):
    """Another object has this value already."""

    code = "NOT_UNIQUE"


class Cycle(Invalid):
    """The change would make an object its own ancestor, or make two tasks block each other."""

    code = "CYCLE"


class LimitExceeded(DomainError):
    """More than the server accepts in one call or one place."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, message: str, limit: int, *, path: Path | None = None) -> None:
        super().__init__(message, path=path)
        self.limit = limit


class RateLimited(DomainError):
    """Too many tries in too short a time; the next one is let through after `retry_after_seconds`."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after_seconds: float, reason: str = "Too many tries") -> None:
        self.retry_after_seconds = max(1, ceil(retry_after_seconds))
        super().__init__(f"{reason}: wait for {self.retry_after_seconds} seconds.")

    @property
    def extensions(self) -> Mapping[str, Any]:
        return {"retryAfter": self.retry_after_seconds}


class IdempotencyMismatch(DomainError):
    """The same `clientMutationId` came before with another input."""

    code = "IDEMPOTENCY_MISMATCH"

    def __init__(self) -> None:
        super().__init__("This clientMutationId was used with another input.", path=("input", "clientMutationId"))


class BadUserInput(DomainError):
    """A query's argument is malformed."""

    code = "BAD_USER_INPUT"


class PageTooLarge(DomainError):
    """More rows were asked for than one page may hold."""

    code = "PAGE_TOO_LARGE"

    def __init__(self, limit: int, *, path: Path | None = None) -> None:
        super().__init__(f"A page holds at most {limit} rows.", path=path)
        self.limit = limit

    @property
    def extensions(self) -> Mapping[str, Any]:
        return {"limit": self.limit}


class CursorInvalid(DomainError):
    """A cursor that this server did not make, or made for another list."""

    code = "CURSOR_INVALID"

    def __init__(self, message: str = "The cursor is not valid here.", *, path: Path | None = None) -> None:
        super().__init__(message, path=path)


class CursorExpired(DomainError):
    """The log behind the cursor is gone: reload, then follow from a new cursor."""

    code = "CURSOR_EXPIRED"

    def __init__(self) -> None:
        super().__init__("The change log no longer reaches back to this cursor; reload and start from a new one.")


class OutOfSync(CursorExpired):
    """An edit builds on edits that the document does not have: synchronise, and send them too."""

    def __init__(self, *, path: Path | None = None) -> None:
        super().__init__()
        self.message = "The edit builds on edits that the document does not have: synchronise, then send what it is missing."
        self.path = path


class SubscriptionLagged(DomainError):
    """The subscriber reads too slowly: reconnect with the last cursor."""

    code = "SUBSCRIPTION_LAGGED"

    def __init__(self) -> None:
        super().__init__("The subscriber fell too far behind; reconnect with the last cursor.")


class Unavailable(DomainError):
    """A store behind the server does not answer now; trying again later may work."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, message: str = "The service is unavailable for the moment.") -> None:
        super().__init__(message)


class Overloaded(Unavailable):
    """Too much is asked for at once; trying again a little later works."""

    code = "OVERLOADED"


class StorageUnavailable(Unavailable):
    """The object storage does not answer; nothing was half-written, and trying again later may work."""

    code = "STORAGE_UNAVAILABLE"

    def __init__(self, message: str = "The object storage does not answer now; try again.") -> None:
        super().__init__(message)


class StorageFull(StorageUnavailable):
    """The object storage has no room left."""

    code = "STORAGE_FULL"

    def __init__(self, message: str = "The object storage has no room left.") -> None:
        super().__init__(message)


RETRYABLE_CODES = frozenset(each.code for each in (RateLimited, Unavailable, Overloaded, StorageUnavailable, StorageFull))
"""Codes after which the same operation may succeed later; a mutation is repeated safely under its `clientMutationId`."""


class MultipleErrors(DomainError):
    """More than one thing is wrong with the input; each is reported."""

    code = "INVALID"

    def __init__(self, errors: list[DomainError]) -> None:
        super().__init__("; ".join(error.message for error in errors), path=errors[0].path)
        self.errors = errors
