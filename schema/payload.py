"""Declares mutations: the fields, and the payload that each returns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import strawberry
from strawberry.utils.str_converters import to_camel_case

import resolvers.change
from domain import text
from domain.errors import DomainError, Forbidden, InsufficientScope, MultipleErrors, RateLimited, Unavailable
from resolvers.context import Context, InputValues, MutationFunction, PrepareFunction
from resolvers.inputs.fields import NO_TYPES, describe_argument, to_values
from resolvers.mutation_result import MutationResult
from resolvers.replay import load_replayed
from resolvers.scalars import SyncCursor
from schema.errors import UserError, to_user_errors
from schema.fields import Binding, Guard, check_guard, interface, leaf, relation


@interface("The fields that every mutation payload has.")
class MutationPayload:
    """View over `resolvers.mutation_result.MutationResult`."""

    client_mutation_id: str | None = leaf(
        "`clientMutationId` of the input. For 24 hours it is also the idempotency key of the viewer: a repeated call writes "
        "nothing and returns the objects as they are now."
    )
    cursor: SyncCursor | None = relation(
        resolvers.change.cursors_of_writes, "Cursor of the change log after this write; null when nothing was written."
    )
    errors: list[UserError] = leaf("Expected failures; empty on success.", lambda result: to_user_errors(result.errors))


def mutation(
    mutate: MutationFunction,
    input_: type[Any],
    description: str,
    *,
    guard: Guard,
    delete: Sequence[str] = (),
    prepare: PrepareFunction | None = None,
    prepare_if: str | None = None,
    writes_documents: bool = False,
    holds_secrets: bool = False,
) -> Any:
    """
    A field of Mutation with one argument `input`, run in one transaction.

    `delete` names the types of ids that a shared input (`DeleteInput`, `RestoreInput`) may carry here. `prepare` does slow work
    before the transaction begins and returns the values for `mutate`; it runs only if the input has the field `prepare_if`, when
    that is given. `writes_documents`: the mutation writes to the object storage.
    `holds_secrets`: nothing of the call is stored, not even a fingerprint, and it is not recognized when it is repeated.
    """
    name = f"{mutate.__module__}.{mutate.__qualname__}"

    # What signs somebody in holds secrets too.
    is_replayed = guard != "public" and not holds_secrets

    async def run(context: Context, values: InputValues, key: str | None) -> MutationResult:
        idempotency_key = context.idempotency_key(name, values, key) if is_replayed else None
        if prepare is not None and (prepare_if is None or values.get(prepare_if) is not None):
            if idempotency_key is not None and (replayed := await context.replayed_result(idempotency_key)) is not None:
                return _split_refusal(await load_replayed(context, replayed))
            values = await prepare(context, values)
        result = await context.run_mutation(
            mutate, values, client_mutation_id=key, idempotency_key=idempotency_key, writes_documents=writes_documents
        )
        return _split_refusal(await load_replayed(context, result) if result.replayed else result)

    id_types = {"id": "|".join(delete)} if delete else {}
    return _mutation_field(
        run, input_, description, name=_name_of(mutate), guard=guard, is_replayed=is_replayed, id_types=id_types
    )


def live_mutation(
    handler: Callable[[Context, InputValues, str | None], Awaitable[Mapping[str, Any]]],
    input_: type[Any],
    description: str,
    *,
    guard: Guard,
) -> Any:
    """
    A field of Mutation with one argument `input` that acts on a room of live editing, without a transaction of its own.

    `handler` receives the idempotency key, and ensures that a repeated call has no further effect.
    """

    async def run(context: Context, values: InputValues, key: str | None) -> MutationResult:
        return MutationResult(client_mutation_id=key, values=await handler(context, values, key))

    return _mutation_field(run, input_, description, name=_name_of(handler), guard=guard, is_replayed=guard != "public")


def _name_of(function: Callable[..., Any]) -> str:
    """What audit logs call a mutation that was refused: `task.delete`."""
    return to_camel_case(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")


def _mutation_field(
    run: Callable[[Context, InputValues, str | None], Awaitable[MutationResult]],
    input_: type[Any],
    description: str,
    *,
    name: str,
    guard: Guard,
    is_replayed: bool,
    id_types: Mapping[str, str] = NO_TYPES,
) -> Any:
    """
    The field of a mutation. `run` takes the context, the input's values and the idempotency key.

    Expected failures become the payload's `errors`; a missing sign-in or scope, a rate limit and an unavailable store are
    top-level errors.
    """

    async def respond(context: Context, input: Any) -> MutationResult:
        key = None if input.client_mutation_id is strawberry.UNSET else input.client_mutation_id
        values: InputValues = {}
        try:
            values = to_values(input, id_types=id_types)
            values.pop("client_mutation_id", None)
            if key is not None:
                text.validate_token(key, ("input", "clientMutationId"))
            return await run(context, values, key)
        except (InsufficientScope, RateLimited, Unavailable):
            raise
        except DomainError as error:
            errors = error.errors if isinstance(error, MultipleErrors) else [error]
            for each in errors:
                if isinstance(each, Forbidden) and not values.get("dry_run"):
                    await context.record_refusal(name, each, values)
            return MutationResult(client_mutation_id=key, errors=errors)

    async def resolve(info: strawberry.Info[Context], input: Any) -> MutationResult:
        # When a compiled program fails after the write, graphql-core takes over; the mutation does not run again.
        result = info.context.mutation_results.get(info.path.key)
        if isinstance(result, Exception):
            raise result
        if result is not None:
            return cast(MutationResult, result)
        check_guard(guard, info.context)
        return await respond(info.context, input)

    argument = strawberry.argument(description=describe_argument(input_, id_types=id_types, replayed=is_replayed))
    resolve.__annotations__ |= {"input": Annotated[input_, argument]}
    binding = Binding(kind="mutation", guard=guard, root=respond)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def _split_refusal(result: MutationResult) -> MutationResult:
    """Moves the value `refused`, an error whose writes were committed (a session ended because its token was reused), to the
    errors; and the value `refusals`, errors about parts of the call, beside which others were written."""
    if "refused" in result.values:
        values = {name: value for name, value in result.values.items() if name != "refused"}
        return MutationResult(client_mutation_id=result.client_mutation_id, errors=[result.values["refused"]], values=values)
    if result.values.get("refusals"):
        return replace(result, errors=[*result.errors, *result.values["refusals"]])
    return result
