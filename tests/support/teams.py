"""Teams for tests: somebody in every role, and somebody outside."""

from dataclasses import dataclass, replace
from uuid import UUID
from weakref import WeakKeyDictionary

from domain import project as projects
from domain import team as teams
from domain.actor import Actor, Scope
from domain.permissions import Role
from domain.project import Project
from domain.session import Device, open_session
from domain.team import Membership, Team
from domain.user import User
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from resolvers import ids
from tests.support.app import App, Person
from tests.support.row_copies import RowCopies, T, next_transaction, rows_since


@dataclass(frozen=True)
class SampleTeam:
    """One team. `mate` is a second member; the guest was added to the project; the outsider has a team of their own."""

    team: Team
    project: Project
    owner: Person
    admin: Person
    member: Person
    mate: Person
    guest: Person
    outsider: Person

    @property
    def team_id(self) -> str:
        """The team's global id."""
        return ids.encode("Team", self.team.id)

    @property
    def project_id(self) -> str:
        """The project's global id."""
        return ids.encode("Project", self.project.id)


async def create_person(uow: SqlUnitOfWork, name: str) -> Person:
    """Somebody with an account, who never signs in by password."""
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=f"{name.lower()}-{uow.new_id()}@example.com",
        first_name=name,
        last_name="Tester",
    )
    assert await uow.users.add(user, "no hash")
    return Person(user)


_COPIES: WeakKeyDictionary[App, RowCopies[SampleTeam]] = WeakKeyDictionary()


async def copy_sample_teams(app: App) -> None:
    """From now on, make all sample teams of an application from the rows of one. To nobody who listens to everything they are told."""
    since = await next_transaction(app.sql)
    team = await found_sample_team(app)
    _COPIES[app] = await copies_of(app, team, team, since=since)


async def copies_of(app: App, original: T, team: SampleTeam, *, since: int) -> RowCopies[T]:
    """Copies of a sample team, alone or with what stands in it, that was made since this transaction, while nobody else wrote."""
    owners = [team.owner.user.id, team.outsider.user.id]
    keys = await app.sql.fetch("SELECT key FROM teams WHERE owner_user_id = ANY($1)", owners)
    return RowCopies(original, await rows_since(app.sql, since), {row[0]: "T{}" for row in keys})


async def create_sample_team(app: App) -> SampleTeam:
    """A new team with a project."""
    copies = _COPIES.get(app)
    return await (found_sample_team(app) if copies is None else copies.make(app.sql))


async def found_sample_team(app: App) -> SampleTeam:
    """A new team with a project, as the domain founds it."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        cast = {
            name: await create_person(uow, name.title()) for name in ("owner", "admin", "member", "mate", "guest", "outsider")
        }
        owner = cast["owner"].actor
        unique = f"T{uow.new_id().hex[-9:].upper()}"  # no word of the name begins like the number of a task
        team = await teams.create(uow, owner, None, name=f"Team {unique}", key=unique, description=None)
        for name, role in (("admin", Role.ADMIN), ("member", Role.MEMBER), ("mate", Role.MEMBER), ("guest", Role.GUEST)):
            await uow.teams.add_member(Membership(team_id=team.id, user_id=cast[name].user.id, role=role, joined_at=uow.now))
        project = await projects.create(uow, owner, None, {"name": "Launch"}, team_id=team.id)
        await projects.set_members(uow, owner, project.id, add=[cast["guest"].user.id], remove=[])
        other = f"T{uow.new_id().hex[-9:].upper()}"
        away = await teams.create(uow, cast["outsider"].actor, None, name=f"Team {other}", key=other, description=None)
        await projects.create(uow, cast["outsider"].actor, None, {"name": "Elsewhere"}, team_id=away.id)
    return SampleTeam(team=team, project=project, **cast)


def actor_with_scopes(person: Person, *scopes: Scope) -> Actor:
    """A person with a token of only these scopes."""
    return Actor(user_id=person.user.id, scopes=frozenset(scopes))


async def create_person_without_team(app: App, name: str = "Stranger") -> Person:
    """Somebody without any team."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        return await create_person(uow, name)


async def with_session(app: App, person: Person) -> Person:
    """The same person, who has just signed in."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        session, _ = await open_session(uow, person.user, Device())
    return replace(person, session_id=session.id)


async def join_team(app: App, team_id: str, inviter: Person, *invitees: Person, role: Role = Role.MEMBER) -> None:
    """Invite people to a team, and let them accept."""
    invite = "mutation ($input: TeamInviteInput!) { teamInvite(input: $input) { errors { code } invitationToken } }"
    accept = "mutation ($input: TokenInput!) { invitationAccept(input: $input) { errors { code } } }"
    for other in invitees:
        given = {"teamId": team_id, "email": other.user.email_address, "role": role}
        invited = (await app.run(inviter, invite, input=given))["teamInvite"]
        accepted = await app.run(other, accept, input={"token": invited["invitationToken"]})
        assert (invited["errors"], accepted["invitationAccept"]["errors"]) == ([], [])


def uuid_of(global_id: str) -> UUID:
    """The UUID in a global id."""
    parsed = ids.parse(global_id)
    assert parsed is not None
    return parsed[1]
