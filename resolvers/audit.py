"""Resolves audit logs: entries, what they say of the change, and whether their chain is whole."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from domain.audit import chain_hash
from domain.errors import BadUserInput
from domain.page import AllOf, Condition, Page, Paging, Where
from persistence.engine.pages import fetch_pages
from persistence.stores import audit
from resolvers import ids
from resolvers.context import Context
from resolvers.field_change import to_field_change
from resolvers.inputs.audit import AuditFilter
from resolvers.inputs.filter import StringFilter, to_where

Filter = Annotated[AuditFilter | None, strawberry.argument(description="Which entries.")]
_WITHOUT_ID: Final = ("Operation", "Password", "SignIn")
"""Types of subjects that are no objects."""


async def of_teams(context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None) -> list[Page[Any]]:
    """The audit log of each team that the viewer manages, the latest first; nothing of other teams."""
    team_ids = [parent.id for parent in parents]
    where = await _where(context, team_ids, None if filter is UNSET else filter)
    # Whole rows: whether the chain is whole is computed from all that stands in them.
    return await fetch_pages(context.database, audit.AUDIT_LOG, team_ids, page, viewer=context.viewer.user_id, where=where)


async def broken_at(context: Context, pages: Sequence[Page[Any]]) -> list[str | None]:
    """The first entry of each page that does not follow on the one before it, or is not as it was written."""
    before = {(row.team_id, row.number - 1) for each in pages for row in each.nodes}
    stored = await audit.hashes(context.database, before) if before else {}
    heads = {each.team_id: each for each in await audit.heads(context.database, list({team_id for team_id, _ in before}))}
    return [_first_broken(each.nodes, stored, heads) for each in pages]


async def details(context: Context, parents: Sequence[Any]) -> list[Any]:
    """What each entry says of the change, in the form of the graph; without the values where the viewer may not read the
    project."""
    projects = {each.project_id for each in parents if each.project_id is not None}
    readable = (await context.services.rights.load(context.viewer.user_id)).projects if projects else frozenset[UUID]()
    return [_detail(each, readable=each.project_id is None or each.project_id in readable) for each in parents]


def subject_id(entry: Any) -> str | None:
    """The global id of what an entry is about."""
    return None if entry.subject_type in _WITHOUT_ID else ids.encode(entry.subject_type, entry.subject_id)


async def _where(context: Context, team_ids: Sequence[UUID], chosen: AuditFilter | None) -> Where:
    if chosen is None:
        return AllOf(())
    conditions: list[Where] = [to_where(AuditFilter(at=chosen.at), {})]
    if chosen.actor_id is not UNSET and chosen.actor_id is not None:
        conditions.append(Condition("actor_id", "eq", ids.decode(chosen.actor_id, "User", path=("filter", "actorId"))))
    if chosen.action is not UNSET and chosen.action is not None:
        known = await audit.actions(context.database, team_ids)
        conditions.append(Condition("action", "in", [each for each in known if _matches(chosen.action, each)]))
    return AllOf(tuple(conditions))


def _matches(chosen: StringFilter, action: str) -> bool:
    """Whether the name of an action matches: there are few, so that an index finds those that do."""
    if any(each is None for each in vars(chosen).values()):
        raise BadUserInput("A condition needs a value.", path=("filter", "action"))
    folded = action.casefold()
    return (
        (chosen.eq is UNSET or action == chosen.eq)
        and (chosen.in_ is UNSET or action in (chosen.in_ or ()))
        and (chosen.contains is UNSET or (chosen.contains or "").casefold() in folded)
        and (chosen.starts_with is UNSET or folded.startswith((chosen.starts_with or "").casefold()))
    )


def _first_broken(rows: Sequence[Any], stored: dict[tuple[UUID, int], bytes], heads: dict[UUID, Any]) -> str | None:
    for row in sorted(rows, key=lambda each: each.number):
        head = heads.get(row.team_id)
        previous = stored.get((row.team_id, row.number - 1))
        if head is not None and row.number == head.trimmed_to + 1:
            previous = head.trimmed_hash
        if head is None or row.number > head.number or previous is None or chain_hash(previous, row) != row.hash:
            return ids.encode("AuditEntry", row.id)
    return None


def _detail(entry: Any, *, readable: bool) -> Any:
    stored = orjson.loads(entry.detail)
    shown: dict[str, Any] = {}
    if readable:
        changes = [to_field_change(entry.subject_type, **each) for each in stored["changes"]]
        shown["changes"] = [{"field": each.field, "before": each.before, "after": each.after} for each in changes]
    if (credential := stored.get("credential")) is not None:
        shown["credential"] = (
            {**credential, "id": ids.encode(credential["type"], UUID(credential["id"]))} if "type" in credential else credential
        )
    shown |= {to_camel_case(name): value for name, value in stored.items() if name not in ("changes", "credential")}
    return shown
