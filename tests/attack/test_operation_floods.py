"""Users and strangers send operations that cost much, on several connections at once: nobody else waits."""

import json
import random
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

import pytest

from tests.attack.test_filter_shapes import SHAPES
from tests.support.attacks import Reach, Target, check_reach, probing

pytestmark = pytest.mark.attack
SECONDS = 3.0
CONNECTIONS = 8
SLACK_MIB = 60.0
_TASKS = "query ($f: TaskFilter) { tasks(first: 1, filter: $f) { totalCount nodes { id } } }"
_SIGN_IN = "mutation ($i: SessionCreateInput!) { sessionCreate(input: $i) { errors { code } } }"
_CREATE = "mutation ($i: DocumentCreateInput!) { documentCreate(input: $i) { errors { code } } }"
Body = dict[str, Any]


def filters_of_new_shapes(dice: random.Random, project: str) -> Body:
    return {"query": _TASKS, "variables": {"f": dice.choice(SHAPES)(dice)}}


def new_documents(dice: random.Random, project: str) -> Body:
    fields = " ".join(f"a{dice.random()!r}".replace(".", "_") + ": viewer { id }" for _ in range(20))
    return {"query": f"{{ {fields} }}"}


def documents_that_conflict(dice: random.Random, project: str) -> Body:
    name = f"x{dice.randrange(10**9)}"
    spreads = " ".join(f"...{name}{number}" for number in range(50))
    fragments = " ".join(f"fragment {name}{number} on Query {{ a: viewer {{ id }} {spreads} }}" for number in range(50))
    return {"query": f"{{ {spreads} }} {fragments}"[:16_000]}


def unknown_fields(dice: random.Random, project: str) -> Body:
    return {"query": "{ " + " ".join(f"viewer{dice.randrange(10**9)} {{ idd }}" for _ in range(400)) + " }"}


def spreadsheets_of_10_000_rows(dice: random.Random, project: str) -> Body:
    rows = "\n".join(f"{number},{dice.random()}" for number in range(10_000))
    return {"query": _CREATE, "variables": {"i": {"projectId": project, "title": "x", "type": "SPREADSHEET", "content": rows}}}


def long_texts(dice: random.Random, project: str) -> Body:
    text = "\n\n".join(f"- [a](b) **c** `d` {dice.random()} ~~e~~" * 20 for _ in range(300))
    return {"query": _CREATE, "variables": {"i": {"projectId": project, "title": "x", "content": text}}}


def wrong_passwords(dice: random.Random, project: str) -> Body:
    return {"query": _SIGN_IN, "variables": {"i": {"email": f"{uuid4().hex}@example.com", "password": f"{dice.random()}"}}}


ATTACKS: list[tuple[Callable[[random.Random, str], Body], bool]] = [
    (filters_of_new_shapes, True),
    (new_documents, False),
    (documents_that_conflict, False),
    (unknown_fields, True),
    (spreadsheets_of_10_000_rows, True),
    (long_texts, True),
    (wrong_passwords, False),
]


@pytest.fixture(scope="module")
def project(target: Target) -> str:
    name = f"Operations {uuid4().hex}"
    team = target.mutate("teamCreate", "TeamCreateInput", "team { id }", name=name, key=f"O{uuid4().hex[:6].upper()}")["team"][
        "id"
    ]
    return str(target.mutate("projectCreate", "ProjectCreateInput", "project { id }", teamId=team, name=name)["project"]["id"])


@pytest.mark.parametrize(("body", "signed_in"), ATTACKS, ids=[each.__name__ for each, _ in ATTACKS])
def test_operations_that_cost_much(
    target: Target, quiet: Reach, project: str, body: Callable[[random.Random, str], Body], signed_in: bool
) -> None:
    other = target.register()
    sent: list[int] = []

    def attack(seed: int) -> None:
        dice = random.Random(seed)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {target.token}"} if signed_in else {})
        connection = HTTPConnection("127.0.0.1", target.port, timeout=30)
        while time.monotonic() < stop:
            try:
                connection.request("POST", "/graphql", json.dumps(body(dice, project)), headers)
                assert connection.getresponse().read()
                sent.append(1)
            except (OSError, HTTPException):
                connection.close()
        connection.close()

    before = target.memory_mib
    with probing(target, token=other) as reach:
        stop = time.monotonic() + SECONDS
        crowd = [threading.Thread(target=attack, args=(seed,)) for seed in range(CONNECTIONS)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
        during = target.memory_mib
    after = target.memory_after(30, below_mib=before * 1.1)
    check_reach(f"c3: {body.__name__.replace('_', ' ')} ({len(sent)})", quiet, reach[0], (before, during, after))
    assert after <= before * 1.1 + SLACK_MIB
