"""Defines the error codes that clients act on."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Every code that a response can carry, with its meaning."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> "ErrorCode":
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """The meaning of each code, by its name."""
        return {code.name: code.meaning for code in cls}

    UNAUTHENTICATED = "UNAUTHENTICATED", "No user is signed in, or the credentials are wrong."
    TOKEN_EXPIRED = "TOKEN_EXPIRED", "The access token has expired: refresh the session."
    REAUTHENTICATION_REQUIRED = (
        "REAUTHENTICATION_REQUIRED",
        "The viewer signed in too long ago for this: use `sessionReauthenticate`.",
    )
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED", "The password is right; a code of a second factor is needed too."
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE", "The access token lacks the scope that this requires."
    FORBIDDEN = "FORBIDDEN", "The viewer can see the object, but may not do this."
    NOT_FOUND = "NOT_FOUND", "The object does not exist, or is not visible to the viewer."
    BAD_USER_INPUT = "BAD_USER_INPUT", "An argument or variable is malformed."
    REQUIRED = "REQUIRED", "A value is required."
    INVALID = "INVALID", "The value is not valid."
    TOO_LONG = "TOO_LONG", "The text is too long."
    NOT_UNIQUE = "NOT_UNIQUE", "Another object has this value."
    CYCLE = "CYCLE", "The change would create a cycle."
    CONFLICT = "CONFLICT", "The object has changed since it was read."
    NOT_UNDOABLE = "NOT_UNDOABLE", "A change of this kind cannot be undone; the message says what can be done instead."
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH", "The same `clientMutationId` was used before with another input."
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED", "A limit of the server is exceeded."
    RATE_LIMITED = "RATE_LIMITED", "Too many requests in too short a time."
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX", "The operation exceeds a limit on its size or cost."
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP", "The operation exceeds the limit on its depth."
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE", "More rows were requested than a page may have."
    ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE", "The answer has more bytes than one may have; `path` is where most of them are."
    CURSOR_INVALID = "CURSOR_INVALID", "The cursor is malformed, or belongs to another list."
    CURSOR_EXPIRED = "CURSOR_EXPIRED", "The change log no longer reaches back to this cursor: reload."
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND", "The persisted query is unknown: send its text once."
    PERSISTED_QUERY_REQUIRED = "PERSISTED_QUERY_REQUIRED", "Only persisted queries are accepted."
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document is not valid GraphQL syntax."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document is not valid for the schema."
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE", "A required service is unavailable: try again."
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE", "The object storage is unavailable: try again."
    STORAGE_FULL = "STORAGE_FULL", "The storage is full."
    OVERLOADED = "OVERLOADED", "The server is overloaded: try again later."
    SUBSCRIPTION_LAGGED = "SUBSCRIPTION_LAGGED", "The subscriber reads too slowly: resubscribe with the last cursor."
    INTERNAL = "INTERNAL", "An error of the server; `errorId` identifies it."
