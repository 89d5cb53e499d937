"""Formats errors for clients: the one place that words, codes and masks the errors of an operation.

There are three kinds. A `DomainError` is an expected failure with its own code and message. An error of graphql-core about a
document, its variables or its arguments is the client's mistake and gets a code. Everything else is a bug: the client gets
"Internal server error." and an `errorId`; the log holds the traceback under the same id.

Rejected: trusting every `GraphQLError` met during execution. graphql-core raises the same class when a *server* value doesn't
fit its type ("Int cannot represent …"), and that would show internals; only its errors about arguments pass.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from graphql.language import VariableDefinitionNode
from strawberry.exceptions import StrawberryInputCoercionError

from domain.errors import RETRYABLE_CODES, DomainError, MultipleErrors

logger = logging.getLogger(__name__)

FormattedError = dict[str, Any]

# A scalar's own exception, quoted by graphql-core: Python's wording, of no use to a client.
_INNER_ERROR_PATTERN = re.compile(r", but encountered error '.*'; found", re.DOTALL)
_SUGGESTION_PATTERN = re.compile(r",? did you mean .*\?", re.DOTALL | re.IGNORECASE)
_MAX_MESSAGE_CHARACTERS = 500  # for a message that quotes the client's text


def coded_error(message: str, code: str, **extensions: Any) -> FormattedError:
    """An error of the request as a whole."""
    return {"message": message, "extensions": {**_coded(code), **extensions}}


def format_request_error(error: GraphQLError, code: str, *, hints: bool = True) -> FormattedError:
    """An error that graphql-core found before execution, with `code` unless it has its own. `hints` allows suggestions of
    names."""
    extensions: dict[str, Any] = {"code": code}
    match error.nodes:
        case [VariableDefinitionNode(variable=variable), *_]:
            extensions["variable"] = variable.name.value
    if isinstance(error.extensions, Mapping) and "code" in error.extensions:
        extensions.update(error.extensions)
    message = error.message if hints else _SUGGESTION_PATTERN.sub("", error.message)
    return _with_location(error, _reword(message), extensions)


def format_field_errors(error: GraphQLError) -> list[FormattedError]:
    """The errors of a field's execution, as the client may see them."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, DomainError):
        return [_with_location(error, each.message, _extensions(each)) for each in _flatten(cause)]
    core_error = cause if isinstance(cause, GraphQLError) else error if cause is None else None
    if core_error is not None and _is_about_arguments(core_error):
        return [_with_location(error, _reword(core_error.message), {"code": "BAD_USER_INPUT"})]
    return [_with_location(error, *_mask(cause or error))]


def format_errors(error: Exception) -> list[FormattedError]:
    """The errors of an exception outside of any field: opening the context, the source of a subscription, a boundary."""
    if isinstance(error, GraphQLError):
        return format_field_errors(error)
    if isinstance(error, DomainError):
        return [{"message": each.message, "extensions": _extensions(each)} for each in _flatten(error)]
    message, extensions = _mask(error)
    return [{"message": message, "extensions": extensions}]


def _flatten(error: DomainError) -> list[DomainError]:
    return error.errors if isinstance(error, MultipleErrors) else [error]


def _coded(code: str) -> dict[str, Any]:
    """A code, and whether the same may succeed later; where it cannot, nothing is said."""
    return {"code": code, "retryable": True} if code in RETRYABLE_CODES else {"code": code}


def _extensions(error: DomainError) -> dict[str, Any]:
    extensions: dict[str, Any] = {**_coded(error.code), **error.extensions}
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
    """graphql-core's message in terms of GraphQL rather than Python."""
    if "Maybe[" in message:
        return "This input may be left out, but it may not be null."
    message = _INNER_ERROR_PATTERN.sub(", found", message.replace("not to be None.", "not to be null."))
    return message if len(message) <= _MAX_MESSAGE_CHARACTERS else f"{message[:_MAX_MESSAGE_CHARACTERS]}…"
