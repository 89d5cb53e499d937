"""Projects: a team's undertakings, seen by the whole team or by their members only."""

from domain.project.edit import create, delete, restore, update
from domain.project.entity import Project, ProjectStatus, ProjectVisibility
from domain.project.events import (
    ProjectAccessLost,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectImported,
    ProjectJoined,
    ProjectMembersChanged,
    ProjectRestored,
    ProjectUpdated,
)
from domain.project.membership import set_members
from domain.project.store import ProjectAccess, ProjectStore, open_project

__all__ = [
    "Project",
    "ProjectAccess",
    "ProjectAccessLost",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectEvent",
    "ProjectImported",
    "ProjectJoined",
    "ProjectMembersChanged",
    "ProjectRestored",
    "ProjectStatus",
    "ProjectStore",
    "ProjectUpdated",
    "ProjectVisibility",
    "create",
    "delete",
    "open_project",
    "restore",
    "set_members",
    "update",
]
