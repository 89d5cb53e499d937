"""Defines the inputs of mutations of templates."""

from datetime import date

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `templateCreate`.")
class TemplateCreateInput:
    """Input of `templateCreate`."""

    subject_id: strawberry.ID = required("The project, or the task with its sub-tasks.", of="Project|Task")
    name: str = required("What the template is called.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `templateUse`.")
class TemplateUseInput:
    """Input of `templateUse`."""

    template_id: strawberry.ID = required("The template.", of="Template")
    project_id: strawberry.ID | None = optional(
        "The project in which tasks are made; a new project is made without one, unless it is the template of a task.",
        of="Project",
    )
    name: str | None = optional("Name of the new project, or title of the task; as in the template when absent.")
    start_on: date | None = optional("The template's first day; today, where the viewer lives, when absent.")
    client_mutation_id: str | None = client_mutation_id()
