"""Lists that are narrowed by ids, with what may be named in each."""

from collections.abc import Mapping

from tests.support.tenants import QueryCase

# The text, and the kinds of ids that `$of` may be.
FILTERED_LISTS: Mapping[str, QueryCase] = {
    "tasks by id": QueryCase("query ($of: ID!) { tasks(filter: {id: {eq: $of}}) { totalCount } }", ("Task",)),
    "tasks by project": QueryCase("query ($of: ID!) { tasks(filter: {project: {eq: $of}}) { totalCount } }", ("Project",)),
    "tasks by parent": QueryCase("query ($of: ID!) { tasks(filter: {parent: {in: [$of]}}) { totalCount } }", ("Task",)),
    "tasks by assignee": QueryCase("query ($of: ID!) { tasks(filter: {assignee: {eq: $of}}) { totalCount } }", ("User",)),
    "tasks by creator": QueryCase("query ($of: ID!) { tasks(filter: {creator: {eq: $of}}) { totalCount } }", ("User",)),
    "tasks by label": QueryCase("query ($of: ID!) { tasks(filter: {labels: {eq: $of}}) { totalCount } }", ("Label",)),
    "projects by lead": QueryCase("query ($of: ID!) { projects(filter: {lead: {eq: $of}}) { totalCount } }", ("User",)),
    "documents by owner": QueryCase("query ($of: ID!) { documents(filter: {owner: {eq: $of}}) { totalCount } }", ("User",)),
    "documents by parent": QueryCase("query ($of: ID!) { documents(filter: {parent: {eq: $of}}) { totalCount } }", ("Document",)),
    "backlinks of a document": QueryCase("query ($of: ID!) { document(id: $of) { backlinks { totalCount } } }", ("Document",)),
    "search in a team": QueryCase('query ($of: ID!) { search(query: "f", filter: {teamIds: [$of]}) { totalCount } }', ("Team",)),
    "search in a project": QueryCase(
        'query ($of: ID!) { search(query: "f", filter: {projectIds: [$of]}) { totalCount } }', ("Project",)
    ),
    "search by assignee": QueryCase(
        'query ($of: ID!) { search(query: "f", filter: {assigneeIds: [$of]}) { totalCount } }', ("User",)
    ),
    "search by label": QueryCase('query ($of: ID!) { search(query: "f", filter: {labelIds: [$of]}) { totalCount } }', ("Label",)),
    "changes of a team": QueryCase("query ($of: ID!) { changes(scope: {teamIds: [$of]}) { nodes { id } } }", ("Team",)),
    "changes of a project": QueryCase("query ($of: ID!) { changes(scope: {projectIds: [$of]}) { nodes { id } } }", ("Project",)),
    "changes of an object": QueryCase(
        "query ($of: ID!) { changes(scope: {entityIds: [$of]}) { nodes { id } } }",
        ("Comment", "Document", "Label", "Project", "Task", "Team", "User"),
    ),
}
