"""How many rows the pages of large lists read: bounded by the page, for the lists that are not of tasks, their orders and filters."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from domain.page import AllOf, Condition, Order, Paging, Where
from persistence.engine.database import open_database
from persistence.engine.pages import ListQuery
from persistence.events.activity import OBJECT_ACTIVITY, PROJECT_ACTIVITY
from persistence.stores.comment import REPLIES, THREADS
from persistence.stores.document_queries import CHILDREN, DOCUMENTS, PROJECT_DOCUMENTS, VERSIONS
from persistence.stores.invitation import INVITATIONS
from persistence.stores.label import TEAM_LABELS
from persistence.stores.notification import NOTIFICATIONS
from persistence.stores.project import PROJECTS, TEAM_PROJECTS
from persistence.stores.team import TEAM_MEMBERS, TEAMS, TEAMS_OF_USER
from persistence.stores.user import PROJECT_MEMBERS, USERS, WATCHERS
from tests.conftest import migrate_template
from tests.support.large_everything import LargeEverything, create_large_everything
from tests.support.large_team import CountingDatabase, read_page

PAGE_ROWS = 50
MAX_ROWS_READ = 50 * PAGE_ROWS
_THERE = Condition("deleted_at", "is_null", True)
_INBOX = (Condition("archived_at", "is_null", True), Condition("snoozed", "eq", False))


class _Case(NamedTuple):
    list_query: ListQuery
    parent: Callable[[LargeEverything], UUID | None] = lambda _: None
    filters: Sequence[Where] = (AllOf(()),)
    sorts: Sequence[str] = ()
    """The orders that an index serves; all of them where none is named."""
    viewer: str = "viewer"
    """Who asks for it."""
    more_rows: int = 0
    """That are read beside: the viewer's memberships, to look for a part of a title or name in a thousand teams."""


_DOCUMENT_FILTERS: Sequence[Where] = (
    _THERE,
    AllOf(()),
    AllOf((Condition("title", "contains", "wombat"), _THERE)),
    AllOf((Condition("title", "starts_with", "ab"), _THERE)),
)
CASES = {
    "teams": _Case(TEAMS),
    "user.teams": _Case(TEAMS_OF_USER, lambda large: large.viewer),
    "user.teams of another": _Case(TEAMS_OF_USER, lambda large: large.viewer, viewer="member"),
    "projects": _Case(PROJECTS, more_rows=1_000),
    "projects of an organizer": _Case(PROJECTS, viewer="organizer"),
    "projects of a guest": _Case(PROJECTS, viewer="guest"),
    "team.projects": _Case(TEAM_PROJECTS, lambda large: large.crowded_team_id, viewer="organizer"),
    "team.projects of a guest": _Case(TEAM_PROJECTS, lambda large: large.crowded_team_id, viewer="guest"),
    "team.members": _Case(TEAM_MEMBERS, lambda large: large.team_id),
    "team.members by role": _Case(
        TEAM_MEMBERS, lambda large: large.team_id, (Condition("role", "eq", "MEMBER"),), viewer="member"
    ),
    "project.members": _Case(PROJECT_MEMBERS, lambda large: large.project_id),
    "team.labels": _Case(TEAM_LABELS, lambda large: large.team_id),
    "team.invitations": _Case(INVITATIONS, lambda large: large.team_id),
    "users": _Case(USERS, filters=(AllOf(()), Condition("query", "contains", "7")), more_rows=1_000),
    "users of a member": _Case(USERS, filters=(AllOf(()), Condition("query", "contains", "7")), viewer="member"),
    "task.watchers": _Case(WATCHERS, lambda large: large.task_id),
    "documents": _Case(DOCUMENTS, filters=_DOCUMENT_FILTERS, more_rows=1_000),
    "documents of a member": _Case(DOCUMENTS, filters=_DOCUMENT_FILTERS, viewer="member"),
    "project.documents": _Case(PROJECT_DOCUMENTS, lambda large: large.project_id, _DOCUMENT_FILTERS),
    "document.children": _Case(CHILDREN, lambda large: large.document_id, (_THERE,), sorts=("RANK",)),
    "document.versions": _Case(VERSIONS, lambda large: large.document_id, (AllOf(()), Condition("name", "is_null", False))),
    "comments": _Case(THREADS, lambda large: large.task_id, (AllOf(()), Condition("resolved_at", "is_null", True))),
    "comment.replies": _Case(REPLIES, lambda large: large.comment_id),
    # To the viewer of a thousand teams it costs three rows a team more.
    "task.activity": _Case(OBJECT_ACTIVITY, lambda large: large.task_id, viewer="member"),
    "project.activity": _Case(
        PROJECT_ACTIVITY,
        lambda large: large.project_id,
        (AllOf(()), Condition("about_type", "in", ["Task", "Project"])),
        viewer="member",
    ),
    "notifications": _Case(
        NOTIFICATIONS,
        filters=(
            AllOf(_INBOX),
            AllOf((*_INBOX, Condition("reason", "in", ["ASSIGNED"]))),
            AllOf((Condition("archived_at", "is_null", True), Condition("snoozed", "eq", True))),
            AllOf((Condition("archived_at", "is_null", False), Condition("snoozed", "eq", False))),
        ),
        viewer="member",
    ),
}


@pytest.fixture(scope="module")
async def database_address(postgres_server: str) -> AsyncIterator[str]:
    """A database of this module's own."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield url


@pytest.fixture(scope="module")
async def large(database_address: str) -> LargeEverything:
    """One of everything that is large."""
    return await create_large_everything(database_address)


@pytest.fixture(scope="module")
async def counting(database_address: str, large: LargeEverything) -> AsyncIterator[CountingDatabase]:
    """The database, counting what is read."""
    del large
    async with open_database(database_address, max_connections=2) as database:
        yield CountingDatabase(database)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
async def test_a_page_of_a_large_list_reads_fifty_rows_for_each_that_it_gives_at_most(
    counting: CountingDatabase, large: LargeEverything, name: str
) -> None:
    case, excess = CASES[name], {}
    viewer = getattr(large, case.viewer)
    for field in case.sorts or case.list_query.sorts:
        for nr, where in enumerate(case.filters):
            for descending in (False, True):
                order = [Order(field, descending=descending)]
                given: dict[str, Any] = {"viewer": viewer, "where": where, "order": order}
                page, read = await read_page(counting, case.list_query, case.parent(large), Paging(first=PAGE_ROWS), **given)
                assert page.nodes, (field, nr)
                if read > MAX_ROWS_READ + case.more_rows:
                    excess[f"{field} {'down' if descending else 'up'}, filter {nr}"] = read
                if page.page_info.has_next_page:
                    paging = Paging(first=PAGE_ROWS, after=page.page_info.end_cursor)
                    _, read = await read_page(counting, case.list_query, case.parent(large), paging, **given)
                    if read > MAX_ROWS_READ + case.more_rows:
                        excess[f"{field} {'down' if descending else 'up'}, filter {nr}, second page"] = read
    assert excess == {}
