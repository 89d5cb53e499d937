"""What each principal is shown of each kind of object, wherever it lies, as a table that is checked in.

For every type with a global id and every placement, everything that the type has is asked of `node`, two levels deep. The tables in
`expected` say who is shown the object, and which of its fields are hidden from whom; `make isolation-tables` writes them anew: read
what changed as you would read a change of rights.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.support.principals import World

_EXPECTED = Path(__file__).parent / "expected"
_REFUSALS = {"UNAUTHENTICATED": "sign in", "INSUFFICIENT_SCOPE": "no scope", "TOKEN_EXPIRED": "expired"}


def outcome(answer: Any, field: str = "node") -> str:
    """How an answer is called in the table."""
    node = (answer.get("data") or {}).get(field)
    if node is not None:
        return "shown"
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    return " ".join(sorted(_REFUSALS.get(code, code) for code in codes)) or "-"


def _hidden_fields(answer: Any, whole: Any) -> list[str]:
    """The fields of an object that its owner is shown and this principal is not."""
    node, everything = answer["data"]["node"], whole["data"]["node"]
    return sorted(name for name, value in everything.items() if value not in (None, []) and node[name] in (None, []))


def _check(config: pytest.Config, name: str, lines: list[str]) -> None:
    """The lines are those of the table that is checked in."""
    path, text = _EXPECTED / name, "\n".join(lines) + "\n"
    if config.getoption("--write-tables"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.slow
async def test_who_is_shown_which_object(world: World, pytestconfig: pytest.Config) -> None:
    lines = [f"{'':28}" + "".join(f"{name:17}" for name in world.principals)]
    for type_name in world.types:
        for placement in ("team", "private", "elsewhere"):
            outcomes = [outcome(await world.node(name, type_name, placement)) for name in world.principals]
            lines.append(f"{f'{type_name}, {placement}':28}" + "".join(f"{each:17}" for each in outcomes))
    _check(pytestconfig, "objects.txt", [line.rstrip() for line in lines])


async def test_which_fields_are_hidden_from_whom(world: World, pytestconfig: pytest.Config) -> None:
    lines = []
    for type_name in world.types:
        whole = await world.node("owner", type_name, "team")
        if outcome(whole) != "shown":
            continue
        for name in world.principals:
            answer = await world.node(name, type_name, "team")
            if outcome(answer) == "shown" and (hidden := _hidden_fields(answer, whole)):
                lines.append(f"{type_name}, {name}: {', '.join(hidden)}")
    _check(pytestconfig, "fields.txt", lines)


async def test_what_is_not_yours_is_answered_as_what_is_not_there(world: World) -> None:
    differing = []
    for type_name in world.types:
        for name in world.principals:
            nothing = await world.node(name, type_name, "nowhere")
            assert outcome(nothing) != "shown"
            for placement in ("team", "private", "elsewhere"):
                answer = await world.node(name, type_name, placement)
                if outcome(answer) != "shown" and answer != nothing:
                    differing.append((type_name, name, placement, answer, nothing))
    assert differing == []


async def test_the_owner_is_shown_everything_of_the_team(world: World) -> None:
    personal = {"Notification", "Session", "Factor", "ApiToken"}  # the tenant's are the owner's
    for type_name in world.types:
        for placement in ("team", "private"):
            assert outcome(await world.node("owner", type_name, placement)) == "shown", (type_name, placement)
        if type_name in personal:
            for name in world.principals.keys() - {"owner"}:
                assert outcome(await world.node(name, type_name, "team")) != "shown", (type_name, name)
