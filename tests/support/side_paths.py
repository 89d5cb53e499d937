"""Two teams and everybody in them, and whatever reaches people beside the answers of the graph: mails, pushes, files, feeds, pages.

Everybody has to do with everything: tasks of both projects are assigned to them, comments mention them, they subscribe to a feed and
start jobs. Then some lose the private project, and one the team, before anything is sent.
"""

import logging
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.log_format import log_handler
from resolvers import ids
from tests.conftest import migrate_template
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_document, create_project, create_task, mutate, mutate_ok
from tests.support.mail_server import MailServer, mail_server
from tests.support.principals import OTHER_WORD, PRIVATE_WORD, TEAM_WORD, Caller, Principal, sign_in
from tests.support.push_service import Browser, PushService, push_service
from tests.support.secret_key import SECRET_KEY
from tests.support.selections import everything_of
from tests.support.served_app import ServedApp, serve_app
from tests.support.snapshots import SNAPSHOT_QUERY
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.uploads import upload_file
from tests.support.webhooks import Receiver, create_webhook, open_receiver
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.workers import WorkerDatabase, open_worker_database
from workers.consumers import CONSUMERS
from workers.jobs import JOBS

WORDS: Final = (TEAM_WORD, PRIVATE_WORD, OTHER_WORD)
PEOPLE: Final = ("owner", "admin", "member", "mate", "guest", "outsider")
_DUE: Final = "2026-06-08"
_FORMATS: Final = ("JSON", "CSV", "MARKDOWN_ZIP")
_REPORTS: Final = ("PROJECT_PROGRESS", "TEAM_WORKLOAD", "OVERDUE", "ACTIVITY_SUMMARY")


@dataclass(frozen=True)
class House:
    """The teams. The mate has left the first, which is not the outsider's; the private project is now the member's and owner's."""

    database: WorkerDatabase
    served: ServedApp
    team: SampleTeam
    private_project: str
    other_project: str
    mails: MailServer
    pushes: PushService
    receiver: Receiver
    browsers: Mapping[str, Browser]
    feeds: Mapping[str, str]
    named: list[str]
    """The ids of all projects, tasks and documents of both teams."""
    log: list[str]
    """What was logged meanwhile."""

    @property
    def app(self) -> App:
        return self.database.app

    def person(self, name: str) -> Person:
        """Somebody of `PEOPLE`."""
        found: Person = getattr(self.team, name)
        return found

    async def ask(self, name: str, text: str, /, **variables: Any) -> Any:
        """Somebody's answer of the graph, however large."""
        person = self.person(name)
        return await Caller(self.app).ask(Principal(name, await sign_in(self.app, person)), text, **variables)

    async def get(self, address: str, person: Person | None = None) -> str:
        """What an address leads to, as text; of an archive, what is in it."""
        headers = {} if person is None else {"authorization": await sign_in(self.app, person)}
        response = await self.served.http.get(_path_of(address), headers=headers)
        if response.is_redirect:  # to the store of files, which has the origin of the settings
            response = await self.served.http.get(_path_of(response.headers["location"]))
        if response.content[:2] == b"PK":
            with zipfile.ZipFile(BytesIO(response.content)) as archive:
                return " ".join(
                    [*archive.namelist(), *(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())]
                )
        return response.content.decode("utf-8", "replace")


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def words_in(text: str) -> set[str]:
    """Which of the words stand in a text."""
    return {word for word in WORDS if word in text}


# ── what reaches a person ─────────────────────────────────────────────────────────────────────────────────────────────


async def mails(house: House, name: str) -> str:
    """All parts of all mails to somebody."""
    address = house.person(name).user.email_address
    found = [each.message for each in house.mails.received if address in each.recipients]
    return " ".join(
        str(part.get_content()) for message in found for part in message.walk() if not part.is_multipart()
    ) + " ".join(str(message["Subject"]) for message in found)


async def pushes(house: House, name: str) -> str:
    """What the browser of somebody decrypts."""
    return str(house.pushes.payloads_of(house.browsers[name]))


async def inbox(house: House, name: str) -> str:
    """Everything of somebody's notifications."""
    text = f"{{ notifications(first: 50) {{ {everything_of('NotificationConnection', 2)} }} }}"
    return str(await house.ask(name, text))


async def feed(house: House, name: str) -> str:
    """Somebody's calendar."""
    return await house.get(house.feeds[name])


async def jobs(house: House, name: str) -> str:
    """Somebody's exports and reports, with their files."""
    text = f"{{ jobs(first: 100) {{ {everything_of('JobConnection', 2)} nodes {{ files {{ url }} }} }} }}"
    answer = (await house.ask(name, text))["data"]
    urls = [file["url"] for job in answer["jobs"]["nodes"] for file in job["files"]]
    assert {job["state"] for job in answer["jobs"]["nodes"]} <= {"SUCCEEDED", "FAILED", "CANCELED"}
    return " ".join([str(answer), *[await house.get(url) for url in urls]])


async def snapshot(house: House, name: str) -> str:
    """What a synchronizing client loads."""
    types = ["USER", "TEAM", "PROJECT", "TASK", "DOCUMENT", "COMMENT"]
    found = (await house.app.run(house.person(name), SNAPSHOT_QUERY, types=types))["snapshot"]
    return await house.get(found["url"], house.person(name))


async def share_page(house: House, name: str) -> str:
    """The pages of the links that somebody may make to the projects."""
    pages = []
    for project_id in (house.team.project_id, house.private_project, house.other_project):
        payload = await mutate(house.app, house.person(name), "shareLinkCreate", "shareLink { url }", subjectId=project_id)
        if payload["shareLink"] is not None:
            pages.append(await house.get(payload["shareLink"]["url"]))
    return " ".join(pages)


async def files(house: House, name: str) -> str:
    """The files whose addresses somebody is given."""
    return " ".join([await house.get(each) for each in await _file_addresses(house.app, house.person(name))])


async def suggestions(house: House, name: str) -> str:
    """What is found while somebody types, by beginnings of words that they need not have seen."""
    text = f"query ($query: String!) {{ search(query: $query, first: 50) {{ {everything_of('SearchConnection', 2)} }} }}"
    answers = [str(await house.ask(name, text, query=word[:4])) for word in WORDS]
    return " ".join(answers)


async def links_to_everything(house: House, name: str) -> str:
    """The answer to a text of somebody that names all that there is, theirs or not."""
    named = [*(house.person(each).id for each in PEOPLE), *house.named]
    links = " ".join(f"[it]({kind}:{id_})" for id_ in named for kind in ("user", "project", "task", "document"))
    own = (await house.app.run(house.person(name), "{ tasks(first: 1) { nodes { id } } }"))["tasks"]["nodes"]
    answers = []
    for task in own:
        said = await mutate(house.app, house.person(name), "commentCreate", subjectId=task["id"], body=links)
        assert said["errors"] == []
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on Comment {{ {everything_of('Comment', 3)} }} }} }}"
        answers.append(str(await house.ask(name, text, id=said["comment"]["id"])))
    return " ".join(answers)


SIDE_PATHS: Final = {
    "mails": mails,
    "pushes": pushes,
    "inbox": inbox,
    "calendar feed": feed,
    "jobs": jobs,
    "files": files,
    "snapshot": snapshot,
    "share page": share_page,
    "suggestions": suggestions,
    "links to everything": links_to_everything,
}


# ── the house ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def open_house(postgres_server: str, folder: Path) -> AsyncIterator[House]:
    """The teams, after everything that was done in them has been sent to whoever may still have it."""
    from tests.support.backing_services import database_from_template

    networks = [ip_network("127.0.0.1/32")]
    async with (
        AsyncExitStack() as stack,
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        mail_server() as received_mails,
        push_service() as service,
        open_receiver() as receiver,
        open_worker_database(
            url,
            folder,
            mail_url=f"smtp://127.0.0.1:{received_mails.port}?tls=none",
            mail_from="PantheraHive <hive@example.com>",
            app_url="https://app.example.com/",
            outgoing_networks=networks,
            secret_key=SecretStr(SECRET_KEY),
        ) as database,
        serve_app(database.app) as served,
    ):
        app, log = database.app, stack.enter_context(_collected_log())
        team = await create_sample_team(app)
        await app.sql.execute("UPDATE users SET email_verified_at = now()")
        people = {name: getattr(team, name) for name in PEOPLE}
        browsers = {name: await _prepare(app, service, person) for name, person in people.items()}
        await create_webhook(app, team.owner, team.team_id, url=receiver.url("/hook"))
        async with _worker(database):
            private, other = await _write(app, team)
            await _wait_until_read(database)
        feeds = {name: await _rotate_feed(app, person) for name, person in people.items()}
        named = await _all_ids(app)
        house = House(database, served, team, private, other, received_mails, service, receiver, browsers, feeds, named, log)
        for name in PEOPLE:
            await _start_jobs(house, name)
        await mutate_ok(
            app,
            team.owner,
            "projectSetMembers",
            id=private,
            removeUserIds=[people[name].id for name in ("admin", "mate", "guest")],
        )
        await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
        received_mails.data_answers = [f"451 4.7.1 <{team.member.user.email_address}> is greylisted"]
        async with _worker(database):
            await _wait_until_all_is_sent(database)
        yield house


class _LogLines(logging.Handler):
    """Collects what is logged as production writes it, but for what the client of the tests logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(log_handler().formatter)
        self.addFilter(lambda record: record.name != "httpx")

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _collected_log() -> Iterator[list[str]]:
    """The lines of the log of a block, as they come."""
    root, handler = logging.getLogger(), _LogLines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


async def _all_ids(app: App) -> list[str]:
    """The ids of all projects, tasks and documents that there are."""
    found = []
    for type_name, table in (("Project", "projects"), ("Task", "tasks"), ("Document", "documents")):
        found += [ids.encode(type_name, row["id"]) for row in await app.sql.fetch(f"SELECT id FROM {table}")]
    return found


def _worker(database: WorkerDatabase) -> Any:
    """A worker with everything of the product but its schedules."""
    from app.worker import run_worker

    given: dict[str, Any] = {"consumers": CONSUMERS, "jobs": JOBS, "schedules": (), "timings": FAST_TIMINGS}
    return run_worker(database.resources, database.settings, database.url, **given)


async def _prepare(app: App, service: PushService, person: Person) -> Browser:
    """Mails and pushes with words, a day later."""
    browser = service.browser()
    assert (await mutate(app, person, "pushDeviceRegister", platform="WEB", token=browser.token))["errors"] == []
    await mutate_ok(app, person, "notificationPreferencesUpdate", digest="DAILY", pushContent=True)
    return browser


async def _write(app: App, team: SampleTeam) -> tuple[str, str]:
    """Texts of all kinds in the project, the private one, and that of the outsider; the ids of the latter two."""
    insiders = [team.admin, team.member, team.mate, team.guest]
    private = await create_project(app, team, f"Secret {PRIVATE_WORD}", private_to=insiders)
    (other,) = (await app.run(team.outsider, "{ projects { nodes { id } } }"))["projects"]["nodes"]
    mentions = " ".join(f"[@x](user:{person.id})" for person in (*insiders, team.outsider))
    await _write_in(app, team, team.project_id, TEAM_WORD, team.owner, insiders, mentions)
    document_id = await _write_in(app, team, private, PRIVATE_WORD, team.owner, insiders, mentions)
    linked = f"{mentions} [it](document:{document_id})"
    await _write_in(app, team, other["id"], OTHER_WORD, team.outsider, [], linked)
    return private, other["id"]


async def _write_in(
    app: App, team: SampleTeam, project_id: str, word: str, author: Person, readers: Sequence[Person], mentions: str
) -> str:
    """A word wherever somebody can write one in a project, with a task for the author and each reader; the id of a document."""
    await mutate_ok(app, author, "projectUpdate", id=project_id, name=f"Project {word}")
    given = {"dueOn": _DUE, "description": f"About {word}", "projectId": project_id}
    task = await create_task(app, team, f"Task {word}", by=author, assigneeId=author.id, **given)
    for person in readers:
        await create_task(app, team, f"Task {word}", by=author, assigneeId=person.id, **given)
    await create_comment(app, author, task, f"Comment {word} {mentions}")
    document = await create_document(
        app, team, f"Page {word}", by=author, projectId=project_id, content=f"# Text {word} {mentions}"
    )
    await create_comment(app, author, document, f"Note {word} {mentions}")
    await upload_file(app, author, f"File {word}".encode(), subjectId=task["id"], fileName=f"{word}.txt")
    document_id: str = document["id"]
    return document_id


async def _rotate_feed(app: App, person: Person) -> str:
    payload = await mutate(app, person, "calendarFeedRotate", "user { account { calendarFeedUrl } }")
    url: str = payload["user"]["account"]["calendarFeedUrl"]
    return url


async def _file_addresses(app: App, person: Person) -> list[str]:
    """The signed addresses of all files that somebody sees."""
    text = "{ tasks(first: 40) { nodes { attachments(first: 5) { nodes { url } } } } }"
    tasks = (await app.run(person, text))["tasks"]["nodes"]
    return [file["url"] for task in tasks for file in task["attachments"]["nodes"]]


async def _start_jobs(house: House, name: str) -> None:
    """Everything that somebody may export or have counted, of each team and project."""
    scopes = [
        {"teamId": house.team.team_id},
        *({"projectId": each} for each in (house.team.project_id, house.private_project, house.other_project)),
    ]
    for scope in scopes:
        for format_ in _FORMATS:
            await mutate(house.app, house.person(name), "exportStart", **scope, format=format_)
        for kind in _REPORTS:
            await mutate(house.app, house.person(name), "reportStart", **scope, kind=kind)


async def _wait_until_read(database: WorkerDatabase) -> None:
    """Wait until every event was read, and mails and pushes wait for their time."""

    async def read() -> bool:
        unread = await database.app.sql.fetchval(
            "SELECT count(*) FROM streams s CROSS JOIN unnest($1::text[]) AS reader LEFT JOIN consumer_cursors c "
            "ON c.stream = s.stream AND c.consumer = reader WHERE s.stream LIKE 'team:%' AND coalesce(c.position, 0) < s.position",
            ["notifications", "webhooks"],
        )
        return bool(unread == 0)

    await database.wait_until(read, timeout_seconds=60)


async def _wait_until_all_is_sent(database: WorkerDatabase) -> None:
    async def done() -> bool:
        await database.app.sql.execute("UPDATE push_devices SET retry_at = now() WHERE retry_at > now() + interval '1 s'")
        await database.app.sql.execute("UPDATE jobs SET run_at = now() WHERE run_at > now() + interval '1 s'")
        waiting = await database.app.sql.fetchval(
            "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM webhook_deliveries WHERE state = 'PENDING')"
        )
        return bool(waiting == 0)

    await _wait_until_read(database)
    await database.wait_until(done, timeout_seconds=120)
