"""How fields are declared: every field of the graph is a leaf, a relation or a root field, and names the rule that guards it.

A *leaf* is an attribute of the object (or a pure function of it). A *relation* is a batch function: context and parents in,
children out, in the same order; stock graphql-core reaches it through a loader, a compiled program may call it once for a whole
level. A
*root field* is a resolver; a mutation's runs in one transaction and answers with its payload. What a declaration holds stays
readable in `Binding` (`field.metadata["binding"]`), which executors, the cost limit and the table of rules are built from.

A type's own attributes are guarded by whatever led to the object; a relation or root field is guarded by its scope, and by SQL.
Bare `strawberry.field`s have no binding, and `schema.field_rules` refuses to start with one.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

import strawberry

from domain.actor import Scope
from domain.page import Paging
from resolvers.context import BatchFunction, Context
from resolvers.event_visibility import ChangeVisibility
from resolvers.subscription_topic import Topic, stream_changes

T = TypeVar("T", bound=type)
Guard = Literal["public", "signed in", "parent"] | Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """
    What stands behind a field.

    `guard`: who may ask for it; "parent" means whoever may see the object. Of a leaf, `path` is the dotted attribute (None: the
    field's own name) unless `read` computes it; of a relation, `batch` is its function; of a query or mutation, `root` is called
    with the context and the field's arguments. `needs`: the attributes of the object that any of this reads; None for unknown. Of
    a subscription, `theme` says what it is about. `personal`: the value is about the viewer himself, so that two who may see the
    same are told different things; without it, equal rights mean equal values (`tests/graph/test_personal.py`). `waits`: a
    relation's function may have to wait.
    """

    kind: Literal["leaf", "relation", "query", "mutation", "subscription"]
    guard: Guard
    path: str | None = None
    read: Callable[[Any], Any] | None = None
    batch: BatchFunction | None = None
    root: Callable[..., Awaitable[Any]] | None = None
    weight: int = 1
    is_paginated: bool = False
    needs: tuple[str, ...] | None = None
    topic_factory: Callable[..., Topic] | None = None
    personal: bool = False
    is_async: bool = True


def check_guard(guard: Guard, context: Context) -> None:
    """Refuse whoever the guard does not let through: Unauthenticated or InsufficientScope."""
    if isinstance(guard, Scope):
        context.require(guard)
    elif guard == "signed in":
        _ = context.viewer


# ── leaves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def leaf(
    description: str,
    read: Callable[[Any], Any] | str | None = None,
    *,
    needs: Sequence[str] | None = None,
    name: str | None = None,
    personal: bool = False,
) -> Any:
    """An attribute of the object: of the field's own name, at a dotted path, or computed by a pure function. `name`: what the
    graph calls it, where Python has another use for the word.

    `needs`: the stored attributes that a computed one reads; unnecessary for a stored one.
    """
    reader = attrgetter(read) if isinstance(read, str) else read
    path, pure = (read, None) if isinstance(read, str) else (None, read)
    binding = Binding(
        kind="leaf", guard="parent", path=path, read=pure, needs=None if needs is None else tuple(needs), personal=personal
    )
    if reader is None:
        return strawberry.field(description=description, metadata={"binding": binding})

    def resolve(root: Any) -> Any:
        return reader(root)

    return strawberry.field(resolver=resolve, name=name, description=description, metadata={"binding": binding})


# ── relations ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_PAGING = {
    "first": Annotated[int | None, strawberry.argument(description="How many from the start; 50 by default, 100 at most.")],
    "after": Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")],
    "last": Annotated[int | None, strawberry.argument(description="How many from the end.")],
    "before": Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")],
}


def relation(
    batch: BatchFunction,
    description: str,
    *,
    guard: Guard = "parent",
    weight: int = 1,
    needs: Sequence[str] | None = None,
    personal: bool = False,
    is_async: bool = True,
) -> Any:
    """
    What other rows know of the object. The batch function's parameters after context and parents are the field's arguments.

    `needs`: the stored attributes of its parents that the function reads; unknown when left out.
    """
    read = None if needs is None else tuple(needs)
    pages = _takes_page(batch)
    binding = Binding(
        kind="relation",
        guard=guard,
        batch=batch,
        weight=weight,
        is_paginated=pages,
        needs=read,
        personal=personal,
        is_async=is_async,
    )

    def resolve(root: Any, info: strawberry.Info[Context], **given: Any) -> Awaitable[Any]:
        check_guard(guard, info.context)
        return info.context.load(batch, root, with_paging(given) if binding.is_paginated else given)

    _declare_arguments(resolve, batch, skip=2)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


# ── root fields ───────────────────────────────────────────────────────────────────────────────────────────────────────


def query(resolver: Callable[..., Awaitable[Any]], description: str, *, guard: Guard, weight: int = 1) -> Any:
    """A field of Query. The resolver's parameters after the context are the field's arguments."""
    binding = Binding(kind="query", guard=guard, root=resolver, weight=weight, is_paginated=_takes_page(resolver))

    async def resolve(info: strawberry.Info[Context], **given: Any) -> Any:
        check_guard(guard, info.context)
        return await resolver(info.context, **(with_paging(given) if binding.is_paginated else given))

    _declare_arguments(resolve, resolver, skip=1)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def change_subscription(topic_factory: Callable[..., Topic], description: str, *, guard: Guard) -> Any:
    """A field of Subscription, annotated `AsyncGenerator[Event, None]`. The parameters after the context are the field's
    arguments; `theme` makes of them what the subscription is about.

    Stock graphql-core follows it alone; `gateway.subscriptions.manager` follows it for all who would be told the same.
    """
    binding = Binding(kind="subscription", guard=guard, topic_factory=topic_factory)

    async def subscribe(info: strawberry.Info[Context], **given: Any) -> AsyncIterator[Any]:
        check_guard(guard, info.context)
        about = topic_factory(info.context, **given)
        hearing = ChangeVisibility(info.context, about.scope)
        await about.check(hearing)
        async with aclosing(stream_changes(about, hearing)) as changes:
            async for change, _ in changes:
                yield change

    _declare_arguments(subscribe, topic_factory, skip=1)
    subscribe.__annotations__["return"] = AsyncGenerator[Any, None]
    return strawberry.subscription(resolver=subscribe, description=description, metadata={"binding": binding})


def event_subscription(resolver: Callable[..., AsyncGenerator[Any, None]], description: str, *, guard: Guard) -> Any:
    """A field of Subscription that is not about the log of changes: its events are what the resolver yields, to each subscriber
    his own.

    Annotated `AsyncGenerator[Event, None]`; the resolver's parameters after the context are the field's arguments.
    """
    binding = Binding(kind="subscription", guard=guard)

    async def subscribe(info: strawberry.Info[Context], **given: Any) -> AsyncIterator[Any]:
        check_guard(guard, info.context)
        async with aclosing(resolver(info.context, **given)) as events:
            async for event in events:
                yield event

    _declare_arguments(subscribe, resolver, skip=1)
    return strawberry.subscription(resolver=subscribe, description=description, metadata={"binding": binding})


def _takes_page(function: Callable[..., Any]) -> bool:
    return "page" in inspect.signature(function).parameters


def with_paging(arguments: dict[str, Any]) -> dict[str, Any]:
    """Relay's four arguments as one `page`."""
    asked = {name: arguments.pop(name) for name in _PAGING if name in arguments}
    return {**arguments, "page": Paging(**asked)}


def _declare_arguments(wrapper: Callable[..., Any], function: Callable[..., Any], *, skip: int) -> None:
    """Give a wrapper the arguments of the function behind it, as Strawberry reads them; `page` becomes Relay's four."""
    own = [each for each in inspect.signature(wrapper).parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    declared = []
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        if parameter.name == "page":
            declared += [_argument(name, annotation, strawberry.UNSET) for name, annotation in _PAGING.items()]
        else:
            default = strawberry.UNSET if parameter.default is None else parameter.default
            declared.append(_argument(parameter.name, parameter.annotation, default))
    wrapper.__signature__ = inspect.Signature(own + declared)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in own + declared}


def _argument(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


# ── types ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass_transform(kw_only_default=True)
def view(description: str, *, name: str | None = None, is_union_member: bool = False) -> Callable[[T], T]:
    """An object type that shows a domain object as it is: same attribute names, nothing copied. `member`: of a union."""

    def declare(cls: T) -> T:
        # Types are told apart by `type_name` where a field may give several; what a field gives is never in doubt otherwise.
        own = name or cls.__name__
        is_own = (lambda cls, obj, info: obj.type_name == own) if is_union_member else (lambda cls, obj, info: True)
        cls.is_type_of = classmethod(is_own)  # type: ignore[attr-defined]
        return strawberry.type(cls, description=description, name=name)

    return declare


@dataclass_transform(kw_only_default=True)
def interface(description: str, *, type_name_of: Callable[[Any], str] = attrgetter("type_name")) -> Callable[[T], T]:
    """An interface; `names` tells an object's type by name."""

    def declare(cls: T) -> T:
        cls.resolve_type = staticmethod(lambda obj, info, abstract: type_name_of(obj))  # type: ignore[attr-defined]
        return strawberry.interface(cls, description=description)

    return declare
