"""The parameters that the statements of a search have in common: what narrows it."""

from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, and_, bindparam, or_
from sqlalchemy import any_ as sql_any

from persistence.tables import INSTANT

TEAMS: Final = bindparam("teams", type_=ARRAY(Uuid))
PROJECTS: Final = bindparam("projects", type_=ARRAY(Uuid))
TYPES: Final = bindparam("types", type_=ARRAY(Text))
ASSIGNEES: Final = bindparam("assignees", type_=ARRAY(Uuid))
LABELS: Final = bindparam("labels", type_=ARRAY(Uuid))
STATUSES: Final = bindparam("statuses", type_=ARRAY(Text))
AFTER: Final = bindparam("updated_after", type_=INSTANT)
BEFORE: Final = bindparam("updated_before", type_=INSTANT)


def narrowed(project: Any) -> ColumnElement[bool]:
    """Whether a project is one of those, and of those teams, that are looked in."""
    return and_(
        or_(TEAMS.is_(None), project.c.team_id == sql_any(TEAMS)), or_(PROJECTS.is_(None), project.c.id == sql_any(PROJECTS))
    )
