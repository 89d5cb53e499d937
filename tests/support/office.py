"""A team with a little of everything, whose worker does jobs, and the records of its exports."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain import team as teams
from domain.team import Membership
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_document, create_label, create_project, create_task, mutate_ok
from tests.support.jobs import download, start_job, wait_for_job
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.uploads import upload_file
from tests.support.workers import WorkerDatabase


@dataclass(frozen=True)
class Office:
    """A team with a little of everything, in a database with a worker."""

    database: WorkerDatabase
    team: SampleTeam
    private_project: str
    tasks: list[Any]
    documents: list[Any]

    @property
    def app(self) -> App:
        return self.database.app

    async def export(self, person: Person, /, **fields: Any) -> Any:
        """A finished export."""
        job = await start_job(self.app, person, "exportStart", **fields)
        return await wait_for_job(self.database, person, job)

    async def content(self, person: Person, /, **fields: Any) -> bytes:
        """The file of an export that succeeded."""
        job = await self.export(person, **fields)
        assert (job["state"], job["progress"], job["issues"]) == ("SUCCEEDED", 1.0, [])
        response = await download(self.app, job["resultUrl"])
        assert response.status_code == 200
        return response.content

    async def records(self, person: Person, /, **fields: Any) -> list[Any]:
        """The records of an export as JSON."""
        return [json.loads(line) for line in (await self.content(person, **fields)).splitlines()]

    async def copy_team(self) -> str:
        """The global id of another team with the same members in the same roles."""
        async with unit_of_work(self.app.resources.database, self.app.resources.services.pubsub) as uow:
            unique = uow.new_id().hex[-9:].upper()
            copy = await teams.create(uow, self.team.owner.actor, None, name=f"Copy {unique}", key=f"C{unique}", description=None)
            for each in await uow.teams.memberships(self.team.team.id):
                if each.user_id != self.team.owner.user.id:
                    member = Membership(team_id=copy.id, user_id=each.user_id, role=each.role, joined_at=uow.now)
                    await uow.teams.add_member(member)
        return ids.encode("Team", copy.id)

    async def import_(self, person: Person, team_id: str, content: bytes, format_: str, **fields: Any) -> Any:
        """A finished import of a file."""
        digest = hashlib.sha256(content).hexdigest()[:8]
        upload = await upload_file(self.app, person, content, fileName=f"{digest}.bin", contentType="application/octet-stream")
        job = await start_job(self.app, person, "importStart", teamId=team_id, uploadId=upload["id"], format=format_, **fields)
        return await wait_for_job(self.database, person, job)


async def furnish(database: WorkerDatabase) -> Office:
    """The office's team and what it has written."""
    app = database.app
    team = await create_sample_team(app)
    label = await create_label(app, team.member, team.team_id, 'needs, "review"')
    first = await create_task(
        app,
        team,
        "=SUM(1;2)",
        description="Über\nzwei Zeilen",
        labelIds=[label],
        assigneeId=team.mate.id,
        dueOn="2026-12-24",
        recurrence="FREQ=YEARLY;COUNT=3",
        estimate=2.5,
    )
    second = await create_task(app, team, "Second", parentId=first["id"], priority="HIGH")
    await mutate_ok(app, team.member, "taskLink", taskId=first["id"], targetId=second["id"], kind="BLOCKS")
    said = await create_comment(app, team.mate, first, "Looks *good*.")
    await create_comment(app, team.member, first, "Thanks.", parentId=said["id"])
    await mutate_ok(app, team.member, "commentReact", id=said["id"], emoji="👍", on=True)
    page = await create_document(app, team, "Plan / A", content="# Plan\n\n- one\n- two")
    below = await create_document(app, team, "plan / a", content="Below.", parentId=page["id"])
    await upload_file(app, team.member, b"some bytes", subjectId=first["id"], fileName="notes.txt")
    secret = await create_project(app, team, "Secret", private_to=[])
    hidden = await create_task(app, team, "Hidden", by=team.owner, projectId=secret)
    return Office(database, team, secret, [first, second, hidden], [page, below])


def of_type(records: list[Any], type_: str) -> list[Any]:
    return [each for each in records if each["type"] == type_]


def without_ids(records: list[Any]) -> list[Any]:
    """The records of an export with places for ids, and without what an import makes anew: the team, numbers and times of change."""
    places: dict[str, str] = {}
    for each in records:
        if "id" in each and each["type"] != "User":
            places[each["id"]] = f"{each['type']} {len(places)}"
    left_out = {"number", "key", "updatedAt", "exportedAt", "path"}

    def replaced(value: Any) -> Any:
        match value:
            case str():
                return places.get(value, value)
            case list():
                return [replaced(each) for each in value]
            case Mapping():
                return {name: replaced(each) for name, each in value.items() if name not in left_out}
        return value

    return [replaced(each) for each in records if each["type"] != "Team"]
