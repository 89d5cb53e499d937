"""Narrows reads to what the viewer may see, as SQL: the one place where that is decided for reads.

The same rules as `domain.permissions`, for sets of rows: a project is visible to the members of its team, to guests only where
they were added, and when it is private only to its members; everything in a project is visible to those who see the project. The
viewer is always the parameter `viewer`.

Lists state their rights as a join (EXISTS), which Postgres evaluates once per parent. Where rows are found `by_id`, it would turn
that join around, and read everything that the viewer may see in search of one row: for a task this took 108 µs instead of 25 in a
team with 500 tasks, and grows with the team. `OFFSET 0` inside EXISTS prevents that: each row that was found is checked by
itself.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, bindparam, case, exists, func, literal_column, or_, select
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.expression import FromClause

from persistence.tables import project_members, projects, team_members, users

VIEWER = bindparam("viewer", type_=Uuid)


def any_id(name: str = "ids") -> Any:
    """A parameter of many ids, for `column == any_id()`."""
    return sql_any(bindparam(name, type_=ARRAY(Uuid)))


def _exists_clause(query: Select[Any], *, by_id: bool = False) -> ColumnElement[bool]:
    return exists(query.offset(literal_column("0")) if by_id else query)


def team_visible(team_id: ColumnElement[Any], *, by_id: bool = False) -> ColumnElement[bool]:
    """The viewer belongs to the team."""
    member = team_members.alias("viewer_member")
    rows: Select[Any] = select(literal_column("1")).where(member.c.team_id == team_id, member.c.user_id == VIEWER)
    return _exists_clause(rows, by_id=by_id)


def works_in_team(team_id: ColumnElement[Any], *, by_id: bool = False) -> ColumnElement[bool]:
    """The viewer belongs to the team, and not as a guest."""
    member = team_members.alias("viewer_member")
    rows: Select[Any] = select(literal_column("1")).where(
        member.c.team_id == team_id, member.c.user_id == VIEWER, member.c.role != literal_column("'GUEST'")
    )
    return _exists_clause(rows, by_id=by_id)


def project_open_to(project: FromClause, member: FromClause, user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """A member of the project's team may see the project."""
    own = project_members.alias("own_member")
    return or_(
        (project.c.visibility == literal_column("'TEAM'")) & (member.c.role != literal_column("'GUEST'")),
        exists(select(literal_column("1")).where(own.c.project_id == project.c.id, own.c.user_id == user_id)),
    )


def project_visible(project_id: ColumnElement[Any], *, by_id: bool = False) -> ColumnElement[bool]:
    """The viewer may see the project with this id, and it is not deleted. `by_id`: for rows that are found by their ids."""
    project, member = projects.alias("seen_project"), team_members.alias("viewer_member")
    rows: Select[Any] = (
        select(literal_column("1"))
        .select_from(project.join(member, member.c.team_id == project.c.team_id))
        .where(
            project.c.id == project_id,
            project.c.deleted_at.is_(None),
            member.c.user_id == VIEWER,
            project_open_to(project, member, VIEWER),
        )
    )
    return _exists_clause(rows, by_id=by_id)


def visible_project_ids(narrowed: Callable[[FromClause], ColumnElement[bool]] | None = None) -> Select[Any]:
    """Selects, as `id`, all projects that the viewer may see; `narrowed` is a further condition on them."""
    project, member = projects.alias("seen_project"), team_members.alias("viewer_member")
    query = (
        select(project.c.id)
        .select_from(project.join(member, member.c.team_id == project.c.team_id))
        .where(member.c.user_id == VIEWER, project.c.deleted_at.is_(None), project_open_to(project, member, VIEWER))
    )
    return query if narrowed is None else query.where(narrowed(project))


def visible_place_ids() -> Select[Any]:
    """Selects few ids in which all lies that the viewer may see, and not much else: teams, and for guests the projects to which
    they were added. Rights are to be checked beside."""
    member, own, project = (
        team_members.alias("viewer_member"),
        project_members.alias("own_member"),
        projects.alias("seen_project"),
    )
    is_guest = member.c.role == literal_column("'GUEST'")
    in_team = (own.c.user_id == VIEWER, project.c.team_id == member.c.team_id)
    of_guest = select(own.c.project_id).select_from(own.join(project, project.c.id == own.c.project_id)).where(*in_team)
    # One look at each membership: a person may have a thousand.
    places = case((~is_guest, array([member.c.team_id])), else_=func.array(of_guest.scalar_subquery()))
    return select(func.unnest(places, type_=Uuid)).where(member.c.user_id == VIEWER)


def visible_projects() -> Any:
    """The ids of all projects that the viewer may see, computed once per statement; for `column == visible_projects()`."""
    return sql_any(visible_project_array())


def visible_project_array(narrowed: Callable[[FromClause], ColumnElement[bool]] | None = None) -> ColumnElement[Any]:
    """The same as an array; `narrowed` is a further condition on the projects."""
    return func.array(visible_project_ids(narrowed).scalar_subquery())


def administers_server() -> ColumnElement[bool]:
    """The viewer is an administrator of the server, whatever row is asked for."""
    viewer = users.alias("viewer_user")
    rows: Select[Any] = (
        select(literal_column("1"))
        .select_from(viewer)
        .where(viewer.c.id == VIEWER, viewer.c.is_server_admin, viewer.c.status == literal_column("'ACTIVE'"))
    )
    return exists(rows)


def shares_team(user_id: ColumnElement[Any], *, by_id: bool = False) -> ColumnElement[bool]:
    """The user is the viewer, or shares a team with the viewer."""
    theirs, own = team_members.alias("their_member"), team_members.alias("viewer_member")
    rows: Select[Any] = (
        select(literal_column("1"))
        .select_from(theirs.join(own, own.c.team_id == theirs.c.team_id))
        .where(theirs.c.user_id == user_id, own.c.user_id == VIEWER)
    )
    return or_(user_id == VIEWER, _exists_clause(rows, by_id=by_id))
