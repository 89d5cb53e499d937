"""Expected failures of mutations: domain errors as payload entries."""

from collections.abc import Iterable
from typing import Any

from domain.errors import DomainError
from domain.permissions import Action
from resolvers.enums import graphql_enum
from schema.error_code import ErrorCode
from schema.fields import interface, leaf, view
from schema.node import Entity

graphql_enum(ErrorCode, "Codes used in payload errors and in `extensions.code` of top-level errors.", **ErrorCode.meanings())

_ERROR_TYPE_NAMES = {
    "NotFound": "NotFoundError",
    "Forbidden": "ForbiddenError",
    "Conflict": "ConflictError",
    "LimitExceeded": "LimitError",
}


class UserErrorValue:
    """A domain error as a value that can be shown: graphql-core takes an exception that it meets among values for a failure."""

    __slots__ = ("error",)

    def __init__(self, error: DomainError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.error, name)


def to_user_errors(errors: Iterable[DomainError]) -> list[UserErrorValue]:
    """What the fields of type `[UserError!]!` give."""
    return [UserErrorValue(error) for error in errors]


def _error_type_name(value: UserErrorValue) -> str:
    kind = getattr(value.error, "type_name", type(value.error).__name__)
    return _ERROR_TYPE_NAMES.get(kind, "ValidationError")


@interface(
    "Expected failure of a mutation. Unexpected failures, authentication and limits are top-level errors with `extensions.code`.",
    type_name_of=_error_type_name,
)
class UserError:
    """View over `domain.errors.DomainError`."""

    code: ErrorCode = leaf("What went wrong, for programs.")
    message: str = leaf("What went wrong, for people.")
    path: list[str] | None = leaf('Path into the arguments, e.g. ["input","dueOn"]; null when not tied to one argument.')


@view("An argument cannot be accepted as it is.")
class ValidationError(UserError):
    """Any refusal that brings nothing beside its path."""


@view("Not there, or not the viewer's to see.")
class NotFoundError(UserError):
    """View over `domain.errors.NotFound`."""


@view("Visible to the viewer, but his role or token does not allow it.")
class ForbiddenError(UserError):
    """View over `domain.errors.Forbidden`."""

    missing: Action = leaf("The ability that would be needed.")


@view("`expectedVersion` did not match; carries the current object so the client can rebase.")
class ConflictError(UserError):
    """View over `domain.errors.Conflict`."""

    current: Entity | None = leaf("The object as it is now.")
    current_version: int | None = leaf("Its version.", lambda error: getattr(error.current, "version", None))


@view("More than the server accepts in one call or one place.")
class LimitError(UserError):
    """View over `domain.errors.LimitExceeded`."""

    limit: int = leaf("How many are accepted.")


ERROR_TYPES: list[Any] = [ValidationError, NotFoundError, ForbiddenError, ConflictError, LimitError]
