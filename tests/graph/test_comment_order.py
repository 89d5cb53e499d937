"""Comments are listed in the order in which they were acknowledged, whatever the clocks of the servers that stored them say."""

import asyncio
import random
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain import comment
from gateway.execution.executor import OperationRequest
from persistence.row_inserts import MAX_SKEW
from persistence.unit_of_work import SqlUnitOfWork, run_in_unit_of_work
from tests.support.app import App, Person
from tests.support.graph_actions import create_document, create_task
from tests.support.history import Append, History, Outcome, Read, find_anomalies
from tests.support.teams import SampleTeam, uuid_of

_COMMENTS: Final = "comments(first: 40) { nodes { body replies(first: 20) { nodes { body } } } }"
_LIST: Final = f"query ($id: ID!) {{ node(id: $id) {{ ... on Task {{ {_COMMENTS} }} ... on Document {{ {_COMMENTS} }} }} }}"


async def say(
    app: App, person: Person, subject_id: str, body: str, *, skew: timedelta, parent_id: UUID | None = None
) -> comment.Comment:
    """A comment that is stored by a server whose clock is wrong by `skew`."""

    async def operation(uow: SqlUnitOfWork) -> comment.Comment:
        uow.now += skew
        return await comment.create(
            uow,
            person.actor,
            None,
            subject_id=uuid_of(subject_id),
            parent_id=parent_id,
            body=body,
            upload_ids=(),
        )

    return await run_in_unit_of_work(app.resources.database, app.resources.services.pubsub, operation)


async def listed(app: App, person: Person, subject_id: str) -> list[str]:
    """What stands in all threads of a subject, each first comment before its replies."""
    request = OperationRequest(_LIST, variables={"id": subject_id})
    data: Any = (await app.executor.execute(request, app.context(person))).data
    threads = data["node"]["comments"]["nodes"]
    return [one["body"] for thread in threads for one in (thread, *thread["replies"]["nodes"])]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["Task", "Document"])
async def test_comments_stand_in_the_order_of_their_acknowledgement_whatever_clocks_say(
    app: App, team: SampleTeam, kind: str, seed: int
) -> None:
    dice = random.Random(seed)
    subject_id = (await (create_task if kind == "Task" else create_document)(app, team))["id"]
    first = await say(app, team.member, subject_id, "0", skew=dice.random() * MAX_SKEW / 2)
    said = [first]
    for number in range(1, 20):
        skew = dice.uniform(-0.5, 0.5) * MAX_SKEW
        parent_id = first.id if dice.random() < 0.5 else None
        said.append(await say(app, team.member, subject_id, str(number), skew=skew, parent_id=parent_id))
    assert [each.created_at for each in said] == sorted({each.created_at for each in said})
    in_threads = [first, *(each for each in said if each.parent_id), *(each for each in said[1:] if not each.parent_id)]
    assert await listed(app, team.member, subject_id) == [each.body for each in in_threads]


async def test_comments_that_are_written_at_once_by_servers_with_other_clocks_stand_in_the_order_that_was_seen(
    app: App, team: SampleTeam
) -> None:
    subject_id = (await create_task(app, team))["id"]
    history = History()

    async def discuss(writer: int) -> None:
        for number in range(8):
            began, body = history.tick(), f"{writer}.{number}"
            await say(app, team.member, subject_id, body, skew=(writer - 2) * MAX_SKEW / 8)
            history.add(Append(key="comments", value=body, began=began, ended=history.tick(), outcome=Outcome.OK))
            await read()

    async def read(*, is_last: bool = False) -> None:
        began = history.tick()
        bodies = tuple(await listed(app, team.member, subject_id))
        history.add(Read(key="comments", values=bodies, began=began, ended=history.tick(), is_last=is_last))

    await asyncio.gather(*(discuss(writer) for writer in range(5)))
    await read(is_last=True)
    assert find_anomalies(history.operations) == []
    assert history.acknowledged() == 40


async def test_a_clock_that_was_a_year_ahead_dates_nothing_else(app: App, team: SampleTeam) -> None:
    subject_id = (await create_task(app, team))["id"]
    await say(app, team.member, subject_id, "Next year", skew=timedelta(days=365))
    early = await say(app, team.member, subject_id, "Today", skew=timedelta())
    late = await say(app, team.member, subject_id, "Today too", skew=-MAX_SKEW / 2)
    assert late.created_at == early.created_at + timedelta(microseconds=1)
    assert await listed(app, team.member, subject_id) == ["Today", "Today too", "Next year"]
