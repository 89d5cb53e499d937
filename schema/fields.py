"""Declares fields: every field of the graph is a leaf, a relation or a root field, and names its guard.

A *leaf* is an attribute of the object, or a pure function of it. A *relation* is a batch function that takes the context and
parents, and returns children in the same order; graphql-core calls it through a loader, a compiled program once for a whole
level. A *root field* is a resolver; that of a mutation runs in one transaction and returns its payload. Each declaration stores a
`Binding` in `field.metadata["binding"]`, from which executors, the cost limit and the table of rules are built.

The attributes of an object are guarded by the field that led to it; relations and root fields are guarded by a scope, and by SQL.
A bare `strawberry.field` has no binding, and `schema.field_rules` refuses to start with one.
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
    The implementation of a field.

    `guard`: who may select it; "parent" means everybody who can see the object. `path`: the dotted attribute of a leaf (None: the
    field's own name), unless `read` computes it. `batch`: the function of a relation. `root`: the resolver of a query or
    mutation, called with the context and the field's arguments. `topic_factory`: makes the topic of a subscription from its
    arguments. `weight`: the cost of the field. `needs`: the attributes of the object that the implementation reads; None for
    unknown. `personal`: the value depends on the viewer and not only on their rights; without it, equal rights imply equal values
    (`tests/graph/test_personal.py`). `is_async`: whether the function of a relation may wait.
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
    """Raises Unauthenticated or InsufficientScope for a context that the guard does not admit."""
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
    """
    An attribute of the object: with the field's own name, at a dotted path, or computed by a pure function.

    `needs`: the stored attributes that a computed one reads. `name`: the name in the graph, where it is a keyword in Python.
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
    """Objects or values that other rows hold about the object. The parameters of the batch function after context and parents
    are the arguments of the field.

    `needs`: the stored attributes of its parents that the function reads; None for unknown.
    """
    binding = Binding(
        kind="relation",
        guard=guard,
        batch=batch,
        weight=weight,
        is_paginated=_takes_page(batch),
        needs=None if needs is None else tuple(needs),
        personal=personal,
        is_async=is_async,
    )

    def resolve(root: Any, info: strawberry.Info[Context], **arguments: Any) -> Awaitable[Any]:
        check_guard(guard, info.context)
        return info.context.load(batch, root, with_paging(arguments) if binding.is_paginated else arguments)

    _declare_arguments(resolve, batch, skip=2)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


# ── root fields ───────────────────────────────────────────────────────────────────────────────────────────────────────


def query(resolver: Callable[..., Awaitable[Any]], description: str, *, guard: Guard, weight: int = 1) -> Any:
    """A field of Query. The parameters of the resolver after the context are the arguments of the field."""
    binding = Binding(kind="query", guard=guard, root=resolver, weight=weight, is_paginated=_takes_page(resolver))

    async def resolve(info: strawberry.Info[Context], **arguments: Any) -> Any:
        check_guard(guard, info.context)
        return await resolver(info.context, **(with_paging(arguments) if binding.is_paginated else arguments))

    _declare_arguments(resolve, resolver, skip=1)
    return strawberry.field(resolver=resolve, description=description, metadata={"binding": binding})


def change_subscription(topic_factory: Callable[..., Topic], description: str, *, guard: Guard) -> Any:
    """
    A field of Subscription about the log of changes, annotated `AsyncGenerator[Event, None]`.

    `topic_factory` makes the topic from the context and the field's arguments. graphql-core follows it for one subscriber;
    `gateway.subscriptions.manager` follows it once for all subscribers with the same payloads.
    """
    binding = Binding(kind="subscription", guard=guard, topic_factory=topic_factory)

    async def subscribe(info: strawberry.Info[Context], **arguments: Any) -> AsyncIterator[Any]:
        check_guard(guard, info.context)
        topic = topic_factory(info.context, **arguments)
        visibility = ChangeVisibility(info.context, topic.scope)
        await topic.check(visibility)
        async with aclosing(stream_changes(topic, visibility)) as changes:
            async for change, _ in changes:
                yield change

    _declare_arguments(subscribe, topic_factory, skip=1)
    subscribe.__annotations__["return"] = AsyncGenerator[Any, None]
    return strawberry.subscription(resolver=subscribe, description=description, metadata={"binding": binding})


def event_subscription(resolver: Callable[..., AsyncGenerator[Any, None]], description: str, *, guard: Guard) -> Any:
    """
    A field of Subscription whose events the resolver yields for each subscriber, annotated `AsyncGenerator[Event, None]`.

    The parameters of the resolver after the context are the arguments of the field.
    """
    binding = Binding(kind="subscription", guard=guard)

    async def subscribe(info: strawberry.Info[Context], **arguments: Any) -> AsyncIterator[Any]:
        check_guard(guard, info.context)
        async with aclosing(resolver(info.context, **arguments)) as events:
            async for event in events:
                yield event

    _declare_arguments(subscribe, resolver, skip=1)
    return strawberry.subscription(resolver=subscribe, description=description, metadata={"binding": binding})


def _takes_page(function: Callable[..., Any]) -> bool:
    return "page" in inspect.signature(function).parameters


def with_paging(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with Relay's four replaced by one `page`."""
    paging = {name: arguments.pop(name) for name in _PAGING if name in arguments}
    return {**arguments, "page": Paging(**paging)}


def _declare_arguments(wrapper: Callable[..., Any], function: Callable[..., Any], *, skip: int) -> None:
    """Gives a wrapper the arguments of the function that it wraps, for Strawberry to read; `page` becomes Relay's four."""
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
    """An object type over a domain object with the same attribute names; nothing is copied."""

    def declare(cls: T) -> T:
        # Only members of a union are told apart by `type_name`; any other field returns objects of one type.
        own = name or cls.__name__
        is_own = (lambda cls, obj, info: obj.type_name == own) if is_union_member else (lambda cls, obj, info: True)
        cls.is_type_of = classmethod(is_own)  # type: ignore[attr-defined]
        return strawberry.type(cls, description=description, name=name)

    return declare


@dataclass_transform(kw_only_default=True)
def interface(description: str, *, type_name_of: Callable[[Any], str] = attrgetter("type_name")) -> Callable[[T], T]:
    """An interface; `type_name_of` returns the name of an object's type."""

    def declare(cls: T) -> T:
        cls.resolve_type = staticmethod(lambda obj, info, abstract: type_name_of(obj))  # type: ignore[attr-defined]
        return strawberry.interface(cls, description=description)

    return declare
