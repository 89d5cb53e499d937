"""Undoing a change leaves everything as it was before, and undoing that as it was after: for every kind of event."""

import random
from typing import Any

import pytest

from domain.events import Event
from domain.undo import DECISIONS, Reversible
from tests.support.app import App
from tests.support.graph_actions import mutate_ok
from tests.support.teams import create_sample_team
from tests.support.undo_scenarios import FINAL, MADE_BY_IMPORTS, SCENARIOS
from tests.support.undoing import World

REVERSIBLE = sorted(name for name, decision in DECISIONS.items() if isinstance(decision, Reversible))


def event_types(cls: type[Any] = Event) -> set[str]:
    """The names of all kinds of events: the classes that say what happened."""
    below = set[str]().union(*(event_types(each) for each in cls.__subclasses__()))
    return below | {cls.__name__} if isinstance(getattr(cls, "kind", None), str) and not cls.__name__.startswith("_") else below


def test_every_kind_of_event_is_decided_about() -> None:
    assert event_types() == set(DECISIONS)


def test_every_kind_that_can_be_undone_is_tried() -> None:
    assert set(SCENARIOS) | MADE_BY_IMPORTS == set(REVERSIBLE)


@pytest.fixture(scope="module")
async def world(app: App) -> World:
    """One team for all kinds: each leaves it as it was."""
    return World(app, await create_sample_team(app), random.Random(0))


async def undo_and_redo(world: World, name: str) -> None:
    """One change of a kind, undone, redone and undone again."""
    act = await SCENARIOS[name](world)
    before, mark = await world.snapshot(), await world.last_entry()
    await act()
    after = await world.snapshot()
    assert after != before
    change = next(id_ for type_, id_ in await world.entries_since(mark) if type_ == name)
    undone = await mutate_ok(world.app, world.owner, "undo", changeId=change)
    assert await world.snapshot() == before, name
    if name in FINAL:
        return
    redone = await mutate_ok(world.app, world.owner, "undo", changeId=undone["id"])
    assert await world.snapshot() == after, name
    await mutate_ok(world.app, world.owner, "undo", changeId=redone["id"])
    assert await world.snapshot() == before, name


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_undone_it_is_as_before_and_redone_as_after(world: World, name: str) -> None:
    world.numbers = random.Random(name)
    await undo_and_redo(world, name)


async def undo_history(world: World, numbers: random.Random, length: int) -> None:
    """Changes of different kinds, one after the other; then each is undone, the last first, and all is as before it."""
    world.numbers = numbers
    names = numbers.sample(sorted(SCENARIOS.keys() - FINAL), length)
    acts = [await SCENARIOS[name](world) for name in names]
    done: list[tuple[str, Any, str]] = []
    for name, act in zip(names, acts, strict=True):
        mark, before = await world.last_entry(), await world.snapshot()
        await act()
        change = next(id_ for type_, id_ in await world.entries_since(mark) if type_ == name)
        done.append((name, before, change))
    for name, before, change in reversed(done):
        await mutate_ok(world.app, world.owner, "undo", changeId=change)
        assert await world.snapshot() == before, (name, names)


async def test_undone_in_reverse_order_a_history_of_changes_leads_back(world: World) -> None:
    await undo_history(world, random.Random(1), 6)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(40))
async def test_undone_in_reverse_order_any_history_of_changes_leads_back(world: World, seed: int) -> None:
    await undo_history(world, random.Random(f"history {seed}"), len(SCENARIOS) - len(FINAL))


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_undone_any_change_is_as_before(world: World, name: str, seed: int) -> None:
    world.numbers = random.Random(f"{name} {seed}")
    await undo_and_redo(world, name)
