"""Audit logs: the store, the list, and readers for verification and export."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from domain.audit import REGISTRY_ID, AuditEntry, AuditHead, Credential, Seal, registered, sealed
from domain.page import Order
from persistence.access import VIEWER, any_id
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.filter import Column
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, recordset, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import (
    INSTANT,
    api_tokens,
    audit_entries,
    audit_heads,
    comments,
    documents,
    invitations,
    labels,
    oauth_clients,
    projects,
    sessions,
    tasks,
    team_members,
    teams,
    users,
)

PAGE_ENTRIES: Final = 1_000
BEFORE_ALL: Final = -(2**63)
"""Before any number, also those that no log has."""
_e, _h = audit_entries, audit_heads
_ONE: Column = literal_column("1")
_TEAM = bindparam("team", type_=Uuid)
_NUMBER = bindparam("number", type_=BigInteger)
_SIZE = bindparam("size", type_=Integer)
_names = [each.name for each in columns(AuditEntry, _e)]
_head_names = [each.name for each in columns(AuditHead, _h)]


def _managed_by_viewer() -> Column:
    """The viewer is the owner or an admin of the entry's team."""
    member = team_members.alias("viewer_member")
    roles: tuple[Column, ...] = (literal_column("'OWNER'"), literal_column("'ADMIN'"))
    return exists(select(_ONE).where(member.c.team_id == _e.c.team_id, member.c.user_id == VIEWER, member.c.role.in_(roles)))


_new = recordset(
    "entries", "entry", *(column(name, _e.c[name].type) for name in _names if name != "hash"), column("digest", Text)
)
_APPEND = Statement(
    insert(_e).from_select(
        [*(name for name in _names if name != "hash"), "hash"],
        select(*(_new.c[name] for name in _names if name != "hash"), func.decode(_new.c.digest, literal_column("'hex'"))),
    )
)
_RECORDED = Statement(select(_e.c.id).where(_e.c.id == any_id()))
_TEAM_IDS = Statement(
    select(team_members.c.team_id).where(team_members.c.user_id == bindparam("user", type_=Uuid)).order_by(team_members.c.team_id)
)
_in_teams = union_all(
    select(teams.c.id.label("team_id")).where(teams.c.id == any_id()),
    *(
        select(each.c.team_id).where(each.c.id == any_id())
        for each in (projects, tasks, documents, comments, labels, invitations, oauth_clients)
    ),
).subquery("held")
_TEAMS_OF = Statement(
    select(team_members.c.team_id)
    .distinct()
    .select_from(team_members.join(_in_teams, _in_teams.c.team_id == team_members.c.team_id))
    .where(team_members.c.user_id == bindparam("user", type_=Uuid))
    .order_by(team_members.c.team_id)
)
_DISPLAY_NAMES = Statement(select(users.c.id, users.c.first_name, users.c.last_name).where(users.c.id == any_id()))
_session_client = oauth_clients.alias("session_client")
_CREDENTIALS = Statement(
    select(sessions.c.id, literal_column("'Session'").label("type"), _session_client.c.name)
    .select_from(sessions.outerjoin(_session_client, _session_client.c.id == sessions.c.client_id))
    .where(sessions.c.id == any_id())
    .union_all(
        select(api_tokens.c.id, literal_column("'ApiToken'"), api_tokens.c.name).where(api_tokens.c.id == any_id()),
        select(oauth_clients.c.id, literal_column("'OAuthClient'"), oauth_clients.c.name).where(oauth_clients.c.id == any_id()),
    )
)
_ADD_HEAD = Statement(
    insert(_h).values({name: bindparam(name, type_=_h.c[name].type) for name in _head_names}).on_conflict_do_nothing()
)
_SAVE_HEAD = Statement(
    update(_h)
    .where(_h.c.team_id == bindparam("team_id", type_=Uuid))
    .values({name: bindparam(name, type_=_h.c[name].type) for name in _head_names if name != "team_id"})
)
_LOCK_HEADS = Statement(
    select(*columns(AuditHead, _h)).where(_h.c.team_id == any_id()).order_by(_h.c.team_id).with_for_update(),
)
_HEADS = Statement(select(*columns(AuditHead, _h)).order_by(_h.c.ordinal))
_TEAMS_WITH_ENTRIES = Statement(select(_e.c.team_id).distinct())
_READ = Statement(
    select(*columns(AuditEntry, _e)).where(_e.c.team_id == _TEAM, _e.c.number > _NUMBER).order_by(_e.c.number).limit(_SIZE)
)
_BY_IDS = Statement(select(*columns(AuditEntry, _e)).where(_e.c.id == any_id(), _managed_by_viewer()), row_class(AuditEntry))
_wanted = (
    func.unnest(bindparam("teams", type_=ARRAY(Uuid)), bindparam("numbers", type_=ARRAY(BigInteger)))
    .table_valued(column("team_id", Uuid), column("number", BigInteger), name="wanted")
    .render_derived()
)
_HASHES = Statement(
    select(_e.c.team_id, _e.c.number, _e.c.hash).select_from(
        _e.join(_wanted, and_(_e.c.team_id == _wanted.c.team_id, _e.c.number == _wanted.c.number))
    )
)
_HEADS_OF = Statement(select(*columns(AuditHead, _h)).where(_h.c.team_id == any_id()))
_first_action = select(_e.c.team_id, _e.c.action).where(_e.c.team_id == any_id()).order_by(_e.c.team_id, _e.c.action).limit(1)
_walk = _first_action.cte("actions", recursive=True)
_next = (
    select(_e.c.team_id, _e.c.action)
    .where(_e.c.team_id == any_id(), tuple_(_e.c.team_id, _e.c.action) > tuple_(_walk.c.team_id, _walk.c.action))
    .order_by(_e.c.team_id, _e.c.action)
    .limit(1)
    .lateral("next_action")
)
_walk = _walk.union_all(select(_next.c.team_id, _next.c.action).select_from(_walk.join(_next, literal_column("true"))))
_ACTIONS = Statement(select(_walk.c.action).distinct())
_EXPIRED = Statement(
    select(_h.c.team_id, _h.c.trimmed_to)
    .where(
        _h.c.team_id > _TEAM,
        exists(
            select(_ONE).where(
                _e.c.team_id == _h.c.team_id,
                _e.c.number == _h.c.trimmed_to + 1,
                _e.c.at < bindparam("before", type_=INSTANT),
            )
        ),
    )
    .order_by(_h.c.team_id)
    .limit(_SIZE)
)
_oldest = (
    select(_e.c.number, _e.c.hash, _e.c.at).where(_e.c.team_id == _TEAM, _e.c.number > _NUMBER).order_by(_e.c.number).limit(_SIZE)
)
_OLDEST = Statement(_oldest)
_TEAM_NAMED = Statement(
    select(teams.c.id).where(
        (func.upper(bindparam("name", type_=Text)) == teams.c.key) | (teams.c.id.cast(Text) == bindparam("name", type_=Text))
    )
)
_DELETE = Statement(_e.delete().where(_e.c.team_id == _TEAM, _e.c.number <= _NUMBER))

AUDIT_LOG = ListQuery(
    cls=AuditEntry,
    source=_e,
    id=_e.c.id,
    sorts={"NUMBER": (SortColumn(_e.c.number, "number"),)},
    default=(Order("NUMBER", descending=True),),
    parent_clause=lambda parent: _e.c.team_id == parent,
    visible=_managed_by_viewer,
    fields={"actor_id": _e.c.actor_id, "action": _e.c.action, "at": _e.c.at},
)


class SqlAudit:
    """Audit logs over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def team_ids(self, user_id: UUID) -> Sequence[UUID]:
        """The teams of a person."""
        return [row[0] for row in await self._connection.fetch(_TEAM_IDS, user=user_id)]

    async def teams_of(self, user_id: UUID, ids: Collection[UUID]) -> Sequence[UUID]:
        """The teams to which objects belong, as far as the person is a member of them."""
        return [row[0] for row in await self._connection.fetch(_TEAMS_OF, user=user_id, ids=list(ids))]

    async def display_names(self, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """The names of people."""
        if not user_ids:
            return {}
        rows = await self._connection.fetch(_DISPLAY_NAMES, ids=list(user_ids))
        return {row[0]: f"{row[1]} {row[2]}".strip() for row in rows}

    async def credentials(self, credential_ids: Collection[UUID]) -> Mapping[UUID, Credential]:
        """What sessions, API tokens and OAuth clients are called."""
        if not credential_ids:
            return {}
        rows = await self._connection.fetch(_CREDENTIALS, ids=list(credential_ids))
        return {row[0]: Credential(id=row[0], type=row[1], name=row[2]) for row in rows}

    async def recorded(self, entry_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of the entries that stand in a log."""
        return {row[0] for row in await self._connection.fetch(_RECORDED, ids=list(entry_ids))}

    async def lock_heads(self, team_ids: Collection[UUID], seal: Seal) -> Mapping[UUID, AuditHead]:
        """The heads of the logs of teams, locked in the order of their ids; the registry is locked before those that are new."""
        known = {row[0] for row in await self._connection.fetch(_HEADS_OF, ids=list(team_ids))}
        if missing := sorted(set(team_ids) - known):
            await self._add_heads(missing, seal)
        rows = await self._connection.fetch(_LOCK_HEADS, ids=list(team_ids))
        return {row["team_id"]: to_entity(AuditHead, row) for row in rows}

    async def _add_heads(self, team_ids: Sequence[UUID], seal: Seal) -> None:
        empty = sealed(AuditHead(team_id=REGISTRY_ID, ordinal=0), seal)
        await self._connection.execute(_ADD_HEAD, **to_params(empty))
        registry = to_entity(AuditHead, (await self._connection.fetch(_LOCK_HEADS, ids=[REGISTRY_ID]))[0])
        known = {row[0] for row in await self._connection.fetch(_HEADS_OF, ids=list(team_ids))}
        for team_id in team_ids:
            if team_id not in known:  # by another transaction, before this one locked the registry
                registry, head = registered(registry, team_id, seal)
                await self._connection.execute(_ADD_HEAD, **to_params(head))
        await self._connection.execute(_SAVE_HEAD, **to_params(registry))

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Insert entries; the caller has locked the head of their log."""
        rows = [{**to_params(each), "hash": None, "digest": each.hash.hex()} for each in entries]
        await self._connection.execute(_APPEND, entries=rows)

    async def save_head(self, head: AuditHead) -> None:
        """Update a head that was locked."""
        await self._connection.execute(_SAVE_HEAD, **to_params(head))


async def by_ids(database: Database, viewer: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the entries whose teams the viewer manages."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(entry_ids), viewer=viewer)}


async def actions(database: Database, team_ids: Sequence[UUID]) -> list[str]:
    """The names of everything that stands in the logs of teams: one probe of an index for each."""
    return sorted(row[0] for row in await database.fetch(_ACTIONS, ids=list(team_ids)))


async def hashes(database: Database, places: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], bytes]:
    """The stored hashes of entries, by team and number."""
    rows = await database.fetch(_HASHES, teams=[team for team, _ in places], numbers=[number for _, number in places])
    return {(row[0], row[1]): row[2] for row in rows}


async def heads(database: Database, team_ids: Sequence[UUID] | None = None) -> list[AuditHead]:
    """The heads of the logs of teams; of all, with the registry, for None."""
    rows = await (database.fetch(_HEADS) if team_ids is None else database.fetch(_HEADS_OF, ids=list(team_ids)))
    return [to_entity(AuditHead, row) for row in rows]


async def teams_with_entries(database: Database) -> list[UUID]:
    """The teams that have entries, whether or not they have heads."""
    return [row[0] for row in await database.fetch(_TEAMS_WITH_ENTRIES)]


async def read_log(database: Database, team_id: UUID, *, after: int = BEFORE_ALL) -> AsyncIterator[Sequence[AuditEntry]]:
    """The entries of a team in the order of their numbers, a thousand at a time; nothing is held between."""
    while rows := await database.fetch(_READ, team=team_id, number=after, size=PAGE_ENTRIES):
        entries = [to_entity(AuditEntry, row) for row in rows]
        yield entries
        after = entries[-1].number


async def trim(connection: Connection, seal: Seal, *, before: datetime, max_entries: int) -> int:
    """Delete the oldest entries of all logs from before an instant, from the beginning of each; how many. What follows on them
    still has the hash that it follows on, in the sealed head."""
    deleted, after = 0, REGISTRY_ID
    store = SqlAudit(connection)
    while deleted < max_entries and (found := await connection.fetch(_EXPIRED, team=after, before=before, size=1)):
        after = found[0]["team_id"]
        head = (await store.lock_heads([after], seal))[after]
        oldest = await connection.fetch(_OLDEST, team=after, number=head.trimmed_to, size=max_entries - deleted)
        expired = []
        for row in oldest:
            if row["at"] >= before:
                break
            expired.append(row)
        if not expired:
            continue
        last = expired[-1]
        await store.save_head(sealed(replace(head, trimmed_to=last["number"], trimmed_hash=last["hash"]), seal))
        deleted += await connection.execute(_DELETE, team=after, number=last["number"])
    return deleted


async def team_named(database: Database, name: str) -> UUID | None:
    """The team with a key or an id as text; None when there is none."""
    found: UUID | None = await database.fetch_value(_TEAM_NAMED, name=name)
    return found
