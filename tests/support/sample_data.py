"""A little of everything in a team, for operations that are made by chance to find something."""

from tests.support.app import App
from tests.support.graph_actions import create_document, mutate_ok
from tests.support.teams import SampleTeam


async def create_sample_data(app: App, team: SampleTeam) -> dict[str, list[str]]:
    """A little of everything in a team: the ids by type."""
    make = """mutation ($tasks: TasksCreateInput!) { tasksCreate(input: $tasks) { errors { message } results { id } } }"""
    label = """mutation ($input: LabelCreateInput!) { labelCreate(input: $input) { label { id } } }"""
    labels = [
        (await app.run(team.owner, label, input={"teamId": team.team_id, "name": name, "color": "#aabbcc"}))["labelCreate"][
            "label"
        ]["id"]
        for name in ("Bug", "Idea")
    ]
    rows = [
        {
            "projectId": team.project_id,
            "title": f"Task {number}",
            "status": ["TODO", "DONE", "IN_PROGRESS"][number % 3],
            "priority": ["NONE", "HIGH"][number % 2],
            "assigneeId": [team.mate.id, None][number % 2],
            "dueOn": [None, "2026-11-20", "2027-01-01"][number % 3],
            "estimate": [None, 1, 2.5][number % 3],
            "labelIds": labels[: number % 3],
        }
        for number in range(12)
    ]
    made = await app.run(team.member, make, tasks={"tasks": rows})
    tasks = [row["id"] for row in made["tasksCreate"]["results"]]
    for child in tasks[1:4]:
        move = """mutation ($input: TaskMoveInput!) { taskMove(input: $input) { errors { message } } }"""
        await app.run(team.member, move, input={"id": child, "parentId": tasks[0]})
    link = """mutation ($input: TaskLinkInput!) { taskLink(input: $input) { errors { message } } }"""
    await app.run(team.member, link, input={"taskId": tasks[4], "targetId": tasks[5], "kind": "BLOCKS"})
    comment = """mutation ($input: CommentCreateInput!) { commentCreate(input: $input) { errors { message } comment { id } } }"""
    said = []
    for number in range(5):
        body = {"subjectId": tasks[number % 2], "body": f"Word {number} [@Mate](user:{team.mate.id})"}
        said.append((await app.run(team.guest, comment, input=body))["commentCreate"]["comment"]["id"])
    react = """mutation ($input: CommentReactInput!) { commentReact(input: $input) { errors { message } } }"""
    await app.run(team.member, react, input={"id": said[0], "emoji": "🎉", "on": True})
    answer = {"subjectId": tasks[0], "parentId": said[0], "body": "So it is"}
    said.append((await app.run(team.member, comment, input=answer))["commentCreate"]["comment"]["id"])
    documents = []
    for title in ("Plan", "Notes"):
        made = await create_document(app, team, title, content=f"# {title}\n\nSee [Task](task:{tasks[0]}).\n")
        await mutate_ok(app, team.member, "documentEdit", id=made["id"], base=1, append="And more.")
        documents.append(made["id"])
    await mutate_ok(app, team.member, "documentSaveVersion", id=documents[0], name="First")
    said.append(
        (await app.run(team.member, comment, input={"subjectId": documents[0], "body": "Well"}))["commentCreate"]["comment"]["id"]
    )
    return {
        "Task": tasks,
        "Document": documents,
        "Label": labels,
        "Comment": said,
        "Project": [team.project_id],
        "Team": [team.team_id],
        "User": [team.member.id, team.guest.id, team.outsider.id],
    }
