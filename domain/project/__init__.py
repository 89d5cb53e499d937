"""Projects: a team's undertakings, seen by the whole team or by their members only."""

from domain.project.edit import create, delete, restore, update
from domain.project.entity import Project, ProjectStatus, ProjectVisibility
from domain.project.events import (
    ProjectAccessLost,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectJoined,
    ProjectMembersChanged,
    ProjectRestored,
    ProjectUpdated,
)
from domain.project.membership import set_members
from domain.project.store import ProjectStore, Standing, open_project

__all__ = [
    "Project",
    "ProjectAccessLost",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectEvent",
    "ProjectJoined",
    "ProjectMembersChanged",
    "ProjectRestored",
    "ProjectStatus",
    "ProjectStore",
    "ProjectUpdated",
    "ProjectVisibility",
    "Standing",
    "create",
    "delete",
    "open_project",
    "restore",
    "set_members",
    "update",
]
