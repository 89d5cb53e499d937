"""Errors as clients see them: the one place that words, codes and masks what goes wrong in an operation.

Three kinds leave the server. A `DomainError` is an expected failure and speaks for itself. What graphql-core says about a
document, its variables or its arguments is the client's mistake and gets a code. Everything else is a bug: the client learns
"Internal server error." and an `errorId`; the log holds the traceback under the same id.

Rejected: trusting every `GraphQLError` met during execution. graphql-core raises the same class when a *server* value doesn't
fit its type ("Int cannot represent …"), and that would show internals; only its complaints about arguments pass.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from graphql.language import VariableDefinitionNode
from strawberry.exceptions import StrawberryInputCoercionError

from domain.errors import DomainError, MultipleErrors

logger = logging.getLogger(__name__)

FormattedError = dict[str, Any]

# A scalar's own exception, quoted by graphql-core: Python's wording, of no use to a client.
_INNER_ERROR_PATTERN = re.compile(r", but encountered error '.*'; found", re.DOTALL)
_MAX_MESSAGE_CHARACTERS = 500  # characters of a message that quotes what the client sent


def coded_error(message: str, code: str, **extensions: Any) -> FormattedError:
    """An error of the request as a whole."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def format_request_error(error: GraphQLError, code: str) -> FormattedError:
    """What graphql-core found wrong before execution; `code` unless the error brings its own."""
    extensions: dict[str, Any] = {"code": code}
    match error.nodes:
        case [VariableDefinitionNode(variable=variable), *_]:
            extensions["variable"] = variable.name.value
    if isinstance(error.extensions, Mapping) and "code" in error.extensions:
        extensions.update(error.extensions)
    return _with_location(error, _reword(error.message), extensions)


def format_field_errors(error: GraphQLError) -> list[FormattedError]:
    """What went wrong while a field was executed, as the client may know it."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, DomainError):
        return [_with_location(error, each.message, _extensions(each)) for each in _flatten(cause)]
    blamed = cause if isinstance(cause, GraphQLError) else error if cause is None else None
    if blamed is not None and _is_about_arguments(blamed):
        return [_with_location(error, _reword(blamed.message), {"code": "BAD_USER_INPUT"})]
    return [_with_location(error, *_mask(cause or error))]


def format_errors(error: Exception) -> list[FormattedError]:
    """What went wrong outside any field: opening the context, the source of a subscription, a rim."""
    if isinstance(error, GraphQLError):
        return format_field_errors(error)
    if isinstance(error, DomainError):
        return [{"message": each.message, "extensions": _extensions(each)} for each in _flatten(error)]
    message, extensions = _mask(error)
    return [{"message": message, "extensions": extensions}]


def _flatten(error: DomainError) -> list[DomainError]:
    return error.errors if isinstance(error, MultipleErrors) else [error]


def _extensions(error: DomainError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code, **error.extensions}
    if error.path is not None:
        extensions["path"] = list(error.path)
    return extensions


def _mask(error: Exception) -> tuple[str, dict[str, Any]]:
    error_id = str(uuid4())
    logger.error("unexpected error %s", error_id, exc_info=error, extra={"error_id": error_id})
    return "Internal server error.", {"code": "INTERNAL", "errorId": error_id}


def _is_about_arguments(error: GraphQLError) -> bool:
    return isinstance(error, StrawberryInputCoercionError) or error.message.startswith("Argument '")


def _with_location(error: GraphQLError, message: str, extensions: dict[str, Any]) -> FormattedError:
    formatted: FormattedError = {"message": message}
    if error.locations:
        formatted["locations"] = [location.formatted for location in error.locations]
    if error.path:
        formatted["path"] = error.path
    formatted["extensions"] = extensions
    return formatted


def _reword(message: str) -> str:
    """graphql-core's message in the words of GraphQL rather than Python's."""
    if "Maybe[" in message:
        return "This input may be left out, but it may not be null."
    message = _INNER_ERROR_PATTERN.sub(", found", message.replace("not to be None.", "not to be null."))
    return message if len(message) <= _MAX_MESSAGE_CHARACTERS else f"{message[:_MAX_MESSAGE_CHARACTERS]}…"
