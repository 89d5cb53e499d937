"""Two teams and everybody who may ask about them: somebody in every relation to the first, with a real token each."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from graphql import is_interface_type
from uuid_utils.compat import uuid7

from app.bootstrap import POSITION_READER
from domain import administration, oauth_client
from domain.actor import ALL_SCOPES, Scope
from domain.errors import DomainError
from domain.oauth_client import OAuthGrant
from domain.permissions import Role
from domain.session import Device, open_session
from gateway.execution.errors import format_errors
from gateway.execution.executor import Executor, OperationRequest, OperationResult
from gateway.execution.limits import Limits
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from resolvers.context import Context
from schema.field_rules import field_weights
from schema.root import bindings, schema
from tests.support.app import App, Person
from tests.support.graph_actions import mutate_ok
from tests.support.selections import everything_of
from tests.support.share_links import create_share_link, token_of
from tests.support.teams import SampleTeam, create_person, create_person_without_team, join_team, uuid_of, with_session
from tests.support.tenants import Tenant, create_tenant

TEAM_WORD, PRIVATE_WORD, OTHER_WORD = "okapi", "quokka", "numbat"
"""Words that stand in nothing else: in the project of the team, in its private project, and in another team."""

_LASTING_SECONDS = 86_400.0
"""For which the tokens of principals are good, however long a run takes."""

WIDE_LIMITS = Limits(
    source_bytes=10**7,
    tokens=10**6,
    depth=50,
    aliases=10**6,
    directives=10**6,
    root_fields=10**6,
    fragments=10**6,
    cost=10**12,
    comparisons=10**8,
)


@dataclass(frozen=True)
class Principal:
    """Somebody, or something, that asks; the value of the Authorization header, if it has one."""

    name: str
    authorization: str | None


class Caller:
    """The graph with its check of credentials, for operations of any size."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.executor = Executor(
            schema, limits=WIDE_LIMITS, weights=field_weights(bindings), bindings=bindings, position_reader=POSITION_READER
        )

    async def ask(self, principal: Principal, text: str, /, **variables: Any) -> Any:
        """The whole answer, as JSON; to credentials that are refused, what the transports say then."""
        try:
            context = await self._context(principal)
        except DomainError as error:
            return {"errors": format_errors(error)}
        answer = (await self.executor.execute(OperationRequest(text, variables=variables), context)).to_json()
        return json.loads(answer)

    async def _context(self, principal: Principal) -> Context:
        credentials = await self._app.resources.graph_tokens.authenticate(principal.authorization)
        return Context(self._app.resources.services, None if credentials is None else credentials.actor, Device())

    async def first_event(self, principal: Principal, text: str, /, **variables: Any) -> Any:
        """The first answer of a subscription, as JSON, which is then ended."""
        try:
            context = await self._context(principal)
        except DomainError as error:
            return {"errors": format_errors(error)}
        answers = await self.executor.subscribe(OperationRequest(text, variables=variables), context)
        if isinstance(answers, OperationResult):
            return json.loads(answers.to_json())
        async with aclosing(answers), asyncio.timeout(20):
            return json.loads((await anext(answers)).to_json())


async def sign_in(app: App, person: Person) -> str:
    """The Authorization header of a new session."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        session, _ = await open_session(uow, person.user, Device())
    return f"Bearer {app.resources.tokens.issue(session)}"


def expiring(app: App, authorization: str, seconds: float) -> str:
    """The same header with a token that expires in so many seconds, or has expired: others are good for ten minutes."""
    tokens, token = app.resources.tokens, authorization.removeprefix("Bearer ")
    return f"Bearer {tokens._encode('at+jwt', {**tokens.verify(token).claims, 'exp': int(time.time() + seconds)})}"


async def suspend(app: App, person: Person) -> None:
    """Suspend an account, as an operator does."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await administration.suspend(uow, None, person.user.id, None)


async def create_app_token(app: App, team: SampleTeam, scopes: frozenset[Scope]) -> str:
    """The Authorization header of an app of the team, which acts for itself."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        client, _ = await oauth_client.create(
            uow,
            team.owner.actor,
            uuid_of(team.team_id),
            name="Machine",
            is_public=False,
            redirect_uris=[],
            grants=[OAuthGrant.CLIENT_CREDENTIALS],
            scopes=sorted(scopes),
        )
    return f"Bearer {app.resources.tokens.issue_to_app(client, sorted(scopes), None)}"


async def create_link_token(app: App, person: Person, subject_id: str) -> str:
    """The Authorization header of whoever has a new link to a document or project."""
    return f"Bearer {token_of(await create_share_link(app, person, subject_id))}"


async def create_principals(app: App, own: Tenant, other: Tenant) -> Mapping[str, Principal]:
    """Everybody, by what they are to the first of two tenants."""
    team = own.team
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        guest_elsewhere = await create_person(uow, "Guest")
    former, suspended, deleted = [await create_person_without_team(app, name) for name in ("Former", "Suspended", "Deleted")]
    await join_team(app, team.team_id, team.owner, guest_elsewhere, role=Role.GUEST)
    await join_team(app, team.team_id, team.owner, former, suspended, deleted)

    def last(authorization: str) -> str:
        return expiring(app, authorization, _LASTING_SECONDS)

    async def lasting(person: Person) -> str:
        return last(await sign_in(app, person))

    authorizations: dict[str, str | None] = {
        "anonymous": None,
        "no team": await lasting(await create_person_without_team(app)),
        "other team": await lasting(other.team.owner),
        "former member": await lasting(former),
        "guest elsewhere": await lasting(guest_elsewhere),
        "guest": await lasting(team.guest),
        "member": await lasting(team.member),
        "admin": await lasting(team.admin),
        "owner": await lasting(team.owner),
        "app": last(await create_app_token(app, team, ALL_SCOPES)),
        "app, one scope": last(await create_app_token(app, team, frozenset({Scope.PROFILE_READ}))),
        "app elsewhere": last(await create_app_token(app, other.team, ALL_SCOPES)),
        "document link": await create_link_token(app, team.owner, own.objects["Document"]),
        "board link": await create_link_token(app, team.owner, own.objects["Project"]),
        "expired": expiring(app, await sign_in(app, team.owner), -1),
        "suspended": await lasting(suspended),
        "deleted": await lasting(deleted),
    }
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=former.id)
    await suspend(app, suspended)
    await mutate_ok(app, await with_session(app, deleted), "userDelete", id=deleted.id)
    return {name: Principal(name, value) for name, value in authorizations.items()}


class World:
    """Two tenants, everybody who may ask, and what was asked already."""

    def __init__(self, app: App, own: Tenant, other: Tenant, principals: Mapping[str, Principal]) -> None:
        self.caller = Caller(app)
        self.own = own
        self.other = other
        self.principals = principals
        self._answers: dict[tuple[str, str, str], Any] = {}

    @property
    def types(self) -> list[str]:
        """The types with a global id, of which the tenants have an object."""
        node = schema._schema.type_map["Node"]
        assert is_interface_type(node)
        return sorted(type_.name for type_ in schema._schema.get_possible_types(node))

    def id_at(self, type_name: str, placement: str) -> str:
        """The id of an object."""
        match placement:
            case "team":
                return self.own.objects[type_name]
            case "private":
                return self.own.private_objects[type_name]
            case "elsewhere":
                return self.other.objects[type_name]
            case _:
                return ids.encode(type_name, uuid7())

    async def node(self, principal: str, type_name: str, placement: str) -> Any:
        """The answer to the query for everything of an object; asked once."""
        key = principal, type_name, placement
        if key not in self._answers:
            text = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {everything_of(type_name, 2)} }} }} }}"
            id_ = self.id_at(type_name, placement)
            answer = await self.caller.ask(self.principals[principal], text, id=id_)
            self._answers[key] = json.loads(json.dumps(answer).replace(id_, "ID").replace(str(uuid_of(id_)), "ID"))
        return self._answers[key]

    @classmethod
    async def create(cls, app: App) -> "World":
        """Two tenants, in whose texts the words stand, and everybody."""
        own = await create_tenant(app, mark=f" {TEAM_WORD}", private_mark=f" {PRIVATE_WORD}")
        other = await create_tenant(app, mark=f" {OTHER_WORD}", private_mark=f" {OTHER_WORD}")
        return cls(app, own, other, await create_principals(app, own, other))
