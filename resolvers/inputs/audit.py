"""Defines the filter of audit logs."""

import strawberry

from resolvers.inputs.fields import input_type, optional
from resolvers.inputs.filter import DateTimeFilter, StringFilter


@input_type("Filters an audit log. All given conditions must match.")
class AuditFilter:
    """All given conditions hold."""

    actor_id: strawberry.ID | None = optional("Only what this user did.", of="User")
    action: StringFilter | None = optional("By the name of what was done, such as `task.updated`.")
    at: DateTimeFilter | None = optional("By the time at which it was done.")
