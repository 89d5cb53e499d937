"""What every mutation answers with, and how one is declared."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, cast

import strawberry

import resolvers.change
from domain import text
from domain.errors import DomainError, InsufficientScope, MultipleErrors, Unavailable
from resolvers.context import Context, InputValues, MutationFunction, PrepareFunction
from resolvers.inputs.fields import to_values as read
from resolvers.mutation_result import MutationResult
from resolvers.scalars import SyncCursor
from schema.errors import UserError, to_user_errors
from schema.fields import Binding, Guard, check_guard, interface, leaf, relation


@interface("Every mutation payload has these three fields.")
class MutationPayload:
    """View over `resolvers.mutation_result.Outcome`."""

    client_mutation_id: str | None = leaf("Echo of the input's id; also the idempotency key for 24 hours per actor.")
    cursor: SyncCursor | None = relation(
        resolvers.change.cursors_of_writes, "Position of this write in the change log; null when nothing was written."
    )
    errors: list[UserError] = leaf(
        "Why it was refused; empty when all went well.", lambda outcome: to_user_errors(outcome.errors)
    )


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
) -> Any:
    """
    A field of Mutation, with one argument `input`, run in one transaction.

    `delete` names the types of ids that a shared input (`DeleteInput`, `RestoreInput`) may carry here. `first` is what takes its
    time before the transaction opens; it gives what the change is then given; `first_for` is the only input field that needs it.
    `stores`: it writes documents into object storage. Expected failures become the payload's `errors`; a missing sign-in or
    scope, and a store that is away, are top-level errors.
    """
    expected = {"id": "|".join(delete)} if delete else {}
    name = f"{mutate.__module__}.{mutate.__qualname__}"

    async def run(context: Context, input: Any) -> MutationResult:
        key = None if input.client_mutation_id is strawberry.UNSET else input.client_mutation_id
        try:
            given = read(input, id_types=expected)
            given.pop("client_mutation_id", None)
            if key is not None:
                text.validate_token(key, ("input", "clientMutationId"))
            # What signs somebody in is never remembered: its result holds secrets.
            mark = context.idempotency_key(name, given, key) if guard != "public" else None
            if prepare is not None and (prepare_if is None or given.get(prepare_if) is not None):
                if mark is not None and (told := await context.replayed_result(mark)) is not None:
                    return _split_refusal(told)
                given = await prepare(context, given)
            outcome = await context.run_mutation(
                mutate, given, client_mutation_id=key, idempotency_key=mark, writes_documents=writes_documents
            )
        except (InsufficientScope, Unavailable):
            raise
        except DomainError as error:
            refused = error.errors if isinstance(error, MultipleErrors) else [error]
            return MutationResult(client_mutation_id=key, errors=refused)
        return _split_refusal(outcome)

    async def resolve(info: strawberry.Info[Context], input: Any) -> MutationResult:
        # A compiled program that failed after the write hands over to graphql-core: what was done is not done again.
        done = info.context.mutation_results.get(info.path.key)
        if isinstance(done, Exception):
            raise done
        if done is not None:
            return cast(MutationResult, done)
        check_guard(guard, info.context)
        return await run(info.context, input)

    resolve.__annotations__ |= {"input": Annotated[input_, strawberry.argument(description="What to do.")]}
    binding = Binding(kind="mutation", guard=guard, root=run)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def live_mutation(
    handler: Callable[[Context, InputValues, str | None], Awaitable[Mapping[str, Any]]],
    input_: type[Any],
    description: str,
    *,
    guard: Guard,
) -> Any:
    """
    A field of Mutation that speaks to a room of live editing, in no transaction of its own.

    `act` is given the idempotency key, and sees to it that what it does twice counts once.
    """

    async def run(context: Context, input: Any) -> MutationResult:
        key = None if input.client_mutation_id is strawberry.UNSET else input.client_mutation_id
        try:
            given = read(input)
            given.pop("client_mutation_id", None)
            if key is not None:
                text.validate_token(key, ("input", "clientMutationId"))
            return MutationResult(client_mutation_id=key, values=await handler(context, given, key))
        except (InsufficientScope, Unavailable):
            raise
        except DomainError as error:
            return MutationResult(client_mutation_id=key, errors=error.errors if isinstance(error, MultipleErrors) else [error])

    async def resolve(info: strawberry.Info[Context], input: Any) -> MutationResult:
        done = info.context.mutation_results.get(info.path.key)
        if isinstance(done, Exception):
            raise done
        if done is not None:
            return cast(MutationResult, done)
        check_guard(guard, info.context)
        return await run(info.context, input)

    resolve.__annotations__ |= {"input": Annotated[input_, strawberry.argument(description="What to do.")]}
    binding = Binding(kind="mutation", guard=guard, root=run)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def _split_refusal(result: MutationResult) -> MutationResult:
    """A refusal that had to be kept, such as a session ended because its token was reused, is told like any other."""
    if "refused" not in result.values:
        return result
    values = {name: value for name, value in result.values.items() if name != "refused"}
    return MutationResult(client_mutation_id=result.client_mutation_id, errors=[result.values["refused"]], values=values)
