"""Declares the mutations of templates."""

import strawberry

import resolvers.template
from domain.actor import Scope
from resolvers.inputs import team as team_inputs
from resolvers.inputs import template as inputs
from schema.payload import mutation
from schema.types.template import TemplatePayload, TemplateUsePayload
from schema.types.user import DeletePayload


@strawberry.type
class TemplateMutations:
    """Part of the root of mutations."""

    template_create: TemplatePayload | None = mutation(
        resolvers.template.create,
        inputs.TemplateCreateInput,
        "Makes a template of a project, or of a task and what is below it, as they are now.",
        guard=Scope.TASKS_WRITE,
    )
    template_use: TemplateUsePayload | None = mutation(
        resolvers.template.use,
        inputs.TemplateUseInput,
        "Begins a project, or tasks of a project, with a template. A new project needs the scope PROJECTS_WRITE too.",
        guard=Scope.TASKS_WRITE,
    )
    template_delete: DeletePayload | None = mutation(
        resolvers.template.delete,
        team_inputs.DeleteInput,
        "Deletes a template; what was begun with it stays.",
        guard=Scope.TASKS_WRITE,
        delete=["Template"],
    )
