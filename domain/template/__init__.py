"""Templates: a project, or a task with its sub-tasks, as it was, to begin others with."""

from domain.template.content import TemplateContent
from domain.template.edit import create, delete
from domain.template.entity import (
    MAX_TEMPLATE_TASKS,
    Template,
    TemplateCreated,
    TemplateDeleted,
    TemplateKind,
    TemplateStore,
)
from domain.template.use import use

__all__ = [
    "MAX_TEMPLATE_TASKS",
    "Template",
    "TemplateContent",
    "TemplateCreated",
    "TemplateDeleted",
    "TemplateKind",
    "TemplateStore",
    "create",
    "delete",
    "use",
]
