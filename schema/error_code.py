"""The codes that clients act on."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Every code that an answer can carry, with what it means."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> "ErrorCode":
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """What each code means, by its name."""
        return {code.name: code.meaning for code in cls}

    UNAUTHENTICATED = "UNAUTHENTICATED", "Nobody is signed in, or the credentials are wrong."
    TOKEN_EXPIRED = "TOKEN_EXPIRED", "The access token's time is over: refresh the session."
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE", "The token was not lent the scope that this needs."
    FORBIDDEN = "FORBIDDEN", "Visible to the viewer, but not his to do."
    NOT_FOUND = "NOT_FOUND", "Not there, or not the viewer's to see."
    BAD_USER_INPUT = "BAD_USER_INPUT", "An argument or variable is malformed."
    REQUIRED = "REQUIRED", "A value is needed."
    INVALID = "INVALID", "The value cannot be accepted."
    TOO_LONG = "TOO_LONG", "The text is too long."
    NOT_UNIQUE = "NOT_UNIQUE", "Another object has this value."
    CYCLE = "CYCLE", "It would go round in a circle."
    CONFLICT = "CONFLICT", "The object has changed since it was read."
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH", "The same `clientMutationId` came before with another input."
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED", "More than is accepted in one call or one place."
    RATE_LIMITED = "RATE_LIMITED", "Too much in too short a time."
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX", "The query asks for too much at once."
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP", "The query nests too deep."
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE", "More rows than one page may hold."
    CURSOR_INVALID = "CURSOR_INVALID", "A cursor of another list, or none of this server's."
    CURSOR_EXPIRED = "CURSOR_EXPIRED", "The change log no longer reaches back so far: reload."
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND", "Send the query's text once."
    PERSISTED_QUERY_REQUIRED = "PERSISTED_QUERY_REQUIRED", "Only known queries are run here."
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document is not GraphQL."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document does not fit the schema."
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE", "A store does not answer: try again."
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE", "The object storage does not answer: try again."
    STORAGE_FULL = "STORAGE_FULL", "There is no room left."
    OVERLOADED = "OVERLOADED", "The server has too much to do: try again later."
    SUBSCRIPTION_LAGGED = "SUBSCRIPTION_LAGGED", "The subscriber reads too slowly: reconnect with the last cursor."
    INTERNAL = "INTERNAL", "A fault of the server; `errorId` names it."
