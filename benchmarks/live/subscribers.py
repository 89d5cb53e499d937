"""Creates the subscribers: a team with a project and as many members as there are sockets, each with a session and a token."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import orjson

from app.bootstrap import Resources
from domain import project as projects
from domain import session as sessions
from domain import team as teams
from domain.actor import Actor
from domain.events import ChangeKind, Entry, team_stream
from domain.permissions import Role
from domain.session import Device
from domain.team import Membership
from domain.user import User
from persistence.unit_of_work import unit_of_work
from realtime.announcements import encode_message
from resolvers import ids

CHANGE_FIELDS = "id kind type entityId clientMutationId at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribers:
    """`tokens`: one for each member. `head`: where the team's stream ends."""

    team_id: UUID
    project_id: UUID
    actor_id: UUID
    tokens: list[str]
    head: int

    @property
    def channel(self) -> str:
        """Where the team's stream is announced."""
        return "hive:" + team_stream(self.team_id)


async def create_subscribers(resources: Resources, count: int) -> Subscribers:
    """Make them in an empty database."""
    tokens = []
    async with unit_of_work(resources.database, resources.services.pubsub) as uow:
        members = []
        for number in range(count):
            user = User(
                id=uow.new_id(), created_at=uow.now, updated_at=uow.now, email_address=f"{uuid4().hex}@example.com",
                first_name=f"Member {number}", last_name="Bench",
            )  # fmt: skip
            assert await uow.users.add(user, "no hash")
            members.append(user)
        owner = Actor(user_id=members[0].id)
        team = await teams.create(uow, owner, None, name="Bench", key="BENCH", description=None)
        for user in members[1:]:
            await uow.teams.add_member(Membership(team_id=team.id, user_id=user.id, role=Role.ADMIN, joined_at=uow.now))
        project = await projects.create(uow, owner, None, {"name": "Bench"}, team_id=team.id)
        for user in members:
            session, _ = await sessions.open_session(uow, user, Device())
            tokens.append(resources.tokens.issue(session))
    stream = team_stream(team.id)
    head = (await resources.services.log.heads([stream]))[stream]
    return Subscribers(team_id=team.id, project_id=project.id, actor_id=owner.user_id, tokens=tokens, head=head)


def subscribe_messages(
    subscribers: Subscribers, *, groups: int, cursor: bool, ours: bool, same_document: bool
) -> list[tuple[str, str]]:
    """Hello and subscribe message of each socket. `groups`: so many different documents (in each, another field has another
    name) and scopes (one more project that does not exist), so that nothing can be shared between them; with `alike` all ask for
    the same and only the scopes differ.
    """
    fields = f"{CHANGE_FIELDS} cursor" if cursor and ours else CHANGE_FIELDS
    query = "subscription ($scope: ChangeScope) { changes(scope: $scope) { " + fields + " } }"
    others = [ids.encode("Project", UUID(int=number)) for number in range(groups)]
    found = []
    for number, token in enumerate(subscribers.tokens):
        scope = {"projectIds": [ids.encode("Project", subscribers.project_id), others[number % groups]]}
        hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"} if ours else {}}
        payload = {
            "query": query if same_document else query.replace("kind", f"kind{number % groups}: kind"),
            "variables": {"scope": scope},
        }
        begin = {"id": str(uuid4()), "type": "subscribe", "payload": payload}
        found.append((orjson.dumps(hello).decode(), orjson.dumps(begin).decode()))
    return found


def announcement_template(subscribers: Subscribers) -> str:
    """What announces a new title of a task, with a place for position and time; position 0 is a number, so it is put in by
    text."""
    from datetime import UTC, datetime

    entry = Entry(
        stream=team_stream(subscribers.team_id), position=123456789, id=uuid4(), type="TaskUpdated", version=1,
        kind=ChangeKind.UPDATED, entity_type="Task", entity_id=uuid4(), about_type="Task",
        about_id=uuid4(), project_id=subscribers.project_id,
        payload={"entity": {"id": str(uuid4())}, "changes": [{"field": "title", "before": "Old", "after": "New"}]},
        actor_id=subscribers.actor_id, client_mutation_id="t=@NOW@", at=datetime.now(UTC),
    )  # fmt: skip
    return encode_message(entry).replace("123456789", "@POSITION@")


def peer_template(subscribers: Subscribers) -> str:
    """The same event as the peers receive it: nothing to decode or decide."""
    change = {
        "id": ids.encode("Change", uuid4()),
        "kind": "UPDATED",
        "type": "Task",
        "entityId": ids.encode("Task", uuid4()),
        "clientMutationId": "t=@NOW@",
        "at": "2026-11-22T12:00:00.123456Z",
    }
    return orjson.dumps(change).decode()
