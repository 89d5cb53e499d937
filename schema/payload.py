"""What every mutation answers with, and how one is declared."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, cast

import strawberry

import resolvers.change
from domain import text
from domain.errors import DomainError, InsufficientScope, Several, Unavailable
from resolvers.context import Change, Context, Given, Preparation
from resolvers.inputs.fields import given as read
from resolvers.mutation_result import Outcome
from resolvers.scalars import SyncCursor
from schema.errors import UserError, refusals
from schema.fields import Binding, Guard, check, interface, leaf, relation


@interface("Every mutation payload has these three fields.")
class MutationPayload:
    """View over `resolvers.mutation_result.Outcome`."""

    client_mutation_id: str | None = leaf("Echo of the input's id; also the idempotency key for 24 hours per actor.")
    cursor: SyncCursor | None = relation(
        resolvers.change.cursors_of_writes, "Position of this write in the change log; null when nothing was written."
    )
    errors: list[UserError] = leaf("Why it was refused; empty when all went well.", lambda outcome: refusals(outcome.errors))


def mutation(
    change_: Change,
    input_: type[Any],
    description: str,
    *,
    guard: Guard,
    delete: Sequence[str] = (),
    first: Preparation | None = None,
    first_for: str | None = None,
    stores: bool = False,
) -> Any:
    """
    A field of Mutation, with one argument `input`, run in one transaction.

    `delete` names the types of ids that a shared input (`DeleteInput`, `RestoreInput`) may carry here. `first` is what takes its
    time before the transaction opens; it gives what the change is then given; `first_for` is the only input field that needs it.
    `stores`: it writes documents into object storage. Expected failures become the payload's `errors`; a missing sign-in or
    scope, and a store that is away, are top-level errors.
    """
    expected = {"id": "|".join(delete)} if delete else {}
    name = f"{change_.__module__}.{change_.__qualname__}"

    async def run(context: Context, input: Any) -> Outcome:
        key = None if input.client_mutation_id is strawberry.UNSET else input.client_mutation_id
        try:
            given = read(input, types=expected)
            given.pop("client_mutation_id", None)
            if key is not None:
                text.token(key, ("input", "clientMutationId"))
            # What signs somebody in is never remembered: its result holds secrets.
            mark = context.mark(name, given, key) if guard != "public" else None
            if first is not None and (first_for is None or given.get(first_for) is not None):
                if mark is not None and (told := await context.told_before(mark)) is not None:
                    return _settled(told)
                given = await first(context, given)
            outcome = await context.change(change_, given, client_mutation_id=key, mark=mark, stores=stores)
        except (InsufficientScope, Unavailable):
            raise
        except DomainError as error:
            refused = error.errors if isinstance(error, Several) else [error]
            return Outcome(client_mutation_id=key, errors=refused)
        return _settled(outcome)

    async def resolve(info: strawberry.Info[Context], input: Any) -> Outcome:
        # A compiled program that failed after the write hands over to graphql-core: what was done is not done again.
        done = info.context.done.get(info.path.key)
        if isinstance(done, Exception):
            raise done
        if done is not None:
            return cast(Outcome, done)
        check(guard, info.context)
        return await run(info.context, input)

    resolve.__annotations__ |= {"input": Annotated[input_, strawberry.argument(description="What to do.")]}
    binding = Binding(kind="mutation", guard=guard, root=run)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def live_mutation(
    act: Callable[[Context, Given, str | None], Awaitable[Mapping[str, Any]]],
    input_: type[Any],
    description: str,
    *,
    guard: Guard,
) -> Any:
    """
    A field of Mutation that speaks to a room of live editing, in no transaction of its own.

    `act` is given the idempotency key, and sees to it that what it does twice counts once.
    """

    async def run(context: Context, input: Any) -> Outcome:
        key = None if input.client_mutation_id is strawberry.UNSET else input.client_mutation_id
        try:
            given = read(input)
            given.pop("client_mutation_id", None)
            if key is not None:
                text.token(key, ("input", "clientMutationId"))
            return Outcome(client_mutation_id=key, values=await act(context, given, key))
        except (InsufficientScope, Unavailable):
            raise
        except DomainError as error:
            return Outcome(client_mutation_id=key, errors=error.errors if isinstance(error, Several) else [error])

    async def resolve(info: strawberry.Info[Context], input: Any) -> Outcome:
        done = info.context.done.get(info.path.key)
        if isinstance(done, Exception):
            raise done
        if done is not None:
            return cast(Outcome, done)
        check(guard, info.context)
        return await run(info.context, input)

    resolve.__annotations__ |= {"input": Annotated[input_, strawberry.argument(description="What to do.")]}
    binding = Binding(kind="mutation", guard=guard, root=run)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def _settled(outcome: Outcome) -> Outcome:
    """A refusal that had to be kept, such as a session ended because its token was reused, is told like any other."""
    if "refused" not in outcome.values:
        return outcome
    values = {name: value for name, value in outcome.values.items() if name != "refused"}
    return Outcome(client_mutation_id=outcome.client_mutation_id, errors=[outcome.values["refused"]], values=values)
