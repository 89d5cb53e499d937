"""Defines UserError and its types: domain errors as entries of a payload."""

from collections.abc import Iterable
from typing import Any

from domain.errors import DomainError
from domain.permissions import Action
from resolvers.enums import graphql_enum
from resolvers.field_change import moved_on
from schema.error_code import ErrorCode
from schema.fields import interface, leaf, view
from schema.node import Entity
from schema.types.change import FieldChange

graphql_enum(ErrorCode, "Codes used in payload errors and in `extensions.code` of top-level errors.", **ErrorCode.meanings())

_ERROR_TYPE_NAMES = {
    "NotFound": "NotFoundError",
    "Forbidden": "ForbiddenError",
    "Conflict": "ConflictError",
    "UndoConflict": "ConflictError",
    "LimitExceeded": "LimitError",
}


class UserErrorValue:
    """Wraps a domain error, since graphql-core treats an exception among values as a failure."""

    __slots__ = ("error",)

    def __init__(self, error: DomainError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.error, name)


def to_user_errors(errors: Iterable[DomainError]) -> list[UserErrorValue]:
    """The values of a field of type `[UserError!]!`."""
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

    code: ErrorCode = leaf("Code of the error, for programs.")
    message: str = leaf("Description of the error, for people.")
    path: list[str] | None = leaf(
        'Path into the arguments, such as ["input","dueOn"]; null when the error is not about one argument.'
    )


@view("The value of an argument is not valid.")
class ValidationError(UserError):
    """View over every domain error without a type of its own."""


@view("The object does not exist, or is not visible to the viewer.")
class NotFoundError(UserError):
    """View over `domain.errors.NotFound`."""


@view("The object is visible to the viewer, but the viewer's role or token does not allow the action.")
class ForbiddenError(UserError):
    """View over `domain.errors.Forbidden`."""

    missing: Action = leaf("The missing permission.")


@view("The object has changed since. Carries the current object, so that the client can rebase.")
class ConflictError(UserError):
    """View over `domain.errors.Conflict`."""

    current: Entity | None = leaf("The object as it is now.")
    current_version: int | None = leaf("Version of the object now.", lambda error: getattr(error.current, "version", None))
    fields: list[FieldChange] = leaf(
        "Of `undo`, what has changed since: each attribute with the value that the change gave it (`before`) and that of now "
        "(`after`).",
        moved_on,
    )


@view("A limit of the server is exceeded.")
class LimitError(UserError):
    """View over `domain.errors.LimitExceeded`."""

    limit: int = leaf("The limit.")


ERROR_TYPES: list[Any] = [ValidationError, NotFoundError, ForbiddenError, ConflictError, LimitError]
