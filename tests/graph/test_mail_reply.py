"""Replies by mail become comments of their person, with the rights of now, once; and nothing that a machine sent does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from domain.mail_reply import REPLY_LIFETIME, ReplyAddresses
from gateway.inbound_mail.incoming_endpoint import PATH, IncomingMailEndpoint
from gateway.inbound_mail.replies import ReplyReceiver
from gateway.inbound_mail.sns_endpoint import PATH as SNS_PATH
from gateway.inbound_mail.sns_endpoint import SnsEndpoint
from mail.sns_message import SnsVerifier
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_task, mutate_ok, table_states
from tests.support.notifications import handle_events, inbox, stream_head
from tests.support.sns_topic import TOPIC, SnsTopic
from tests.support.teams import SampleTeam, uuid_of

SECRET = "s" * 40
ADDRESSES = ReplyAddresses(b"secret", "reply.example.com")
AMAZON = SnsTopic()
COMMENTS = """
query ($id: ID!) { task(id: $id) { comments(first: 5) { nodes { replies(first: 40) { nodes { body author { id } parent { id } } } } } } }
"""


@dataclass
class Replies:
    """A notification of the mate about a comment on a task, and what mails can be posted to."""

    app: App
    team: SampleTeam
    http: httpx.AsyncClient
    task: Any
    comment: Any
    notification_id: UUID

    def mail(self, text: str = "I agree.", **headers: str | None) -> EmailMessage:
        """A reply of the mate, but for these headers."""
        message = EmailMessage()
        given = {
            "From": f"Mate <{self.team.mate.user.email_address}>",
            "To": ADDRESSES.encode(self.notification_id, datetime.now(UTC)),
            "Subject": "Re: A comment",
            "Message-ID": f"<{uuid4()}@mail.example.com>",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in given.items():
            if value is not None:
                message[name] = value
        message.set_content(text)
        return message

    async def post(self, message: EmailMessage | bytes, *, secret: str = SECRET, recipient: str | None = None) -> tuple[int, Any]:
        """Status and answer."""
        content = message if isinstance(message, bytes) else message.as_bytes()
        params = {} if recipient is None else {"recipient": recipient}
        answer = await self.http.post(PATH, content=content, params=params, headers={"Authorization": f"Bearer {secret}"})
        return answer.status_code, answer.json()

    async def replies(self) -> list[Any]:
        """Comments in answer to the first one, the oldest first."""
        threads = (await self.app.run(self.team.owner, COMMENTS, id=self.task["id"]))["task"]["comments"]["nodes"]
        return [each for thread in threads for each in thread["replies"]["nodes"]]


@pytest.fixture
async def replies(app: App, team: SampleTeam) -> AsyncIterator[Replies]:
    task = await create_task(app, team, assigneeId=team.mate.id)
    after = await stream_head(app, team)
    comment = await create_comment(app, team.member, task, "Shall we?")
    await handle_events(app, team, after)
    (notification,) = (await inbox(app, team.mate, reasons=["COMMENTED"]))["nodes"]
    resources = app.resources
    receiver = ReplyReceiver(resources.database, resources.services.pubsub, ADDRESSES)
    sns = SnsEndpoint(
        resources.database, resources.services.pubsub, SnsVerifier([TOPIC], AMAZON.fetch), resources.outgoing, receiver
    )
    routes = [*IncomingMailEndpoint(receiver, SecretStr(SECRET)).routes(), *sns.routes()]
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://hive.test") as http:
        yield Replies(app, team, http, task, comment, uuid_of(notification["id"]))


async def test_a_reply_is_a_comment_in_the_thread_once(replies: Replies) -> None:
    mail = replies.mail("I agree.\n\nOn Monday, PantheraHive <hive@example.com> wrote:\n> Shall we?\n\n-- \nMate")
    for reason in ("It is a comment.", "It was a comment before."):
        assert await replies.post(mail) == (200, {"accepted": True, "reason": reason})
    (comment,) = await replies.replies()
    expected = {"body": "I agree.", "author": {"id": replies.team.mate.id}, "parent": {"id": replies.comment["id"]}}
    assert comment == expected
    other = replies.mail("Another one.", To="team@example.com")
    address = ADDRESSES.encode(replies.notification_id, datetime.now(UTC)).upper()  # mail servers may do that
    assert (await replies.post(other, recipient=address))[1]["accepted"] is True
    assert len(await replies.replies()) == 2


async def test_files_are_left_out_with_a_word(replies: Replies) -> None:
    mail = replies.mail("See these.")
    for name in ("plan.pdf", "a](x).png"):
        mail.add_attachment(b"x" * 100, maintype="application", subtype="octet-stream", filename=name)
    assert (await replies.post(mail))[1]["accepted"] is True
    (comment,) = await replies.replies()
    assert comment["body"] == "See these.\n\n*(2 files of this mail are left out.)*"


async def test_a_mail_that_ses_received_is_a_comment(replies: Replies) -> None:
    event = {
        "notificationType": "Received",
        "receipt": {"recipients": [ADDRESSES.encode(replies.notification_id, datetime.now(UTC))], "action": {"type": "SNS"}},
        "content": replies.mail("Grüße").as_bytes().decode(),
    }
    forged = event | {"receipt": event["receipt"] | {"dmarcVerdict": {"status": "FAIL"}}}  # type: ignore[operator]
    for each in (forged, event):
        body = orjson.dumps(AMAZON.message(orjson.dumps(each).decode()))
        assert (await replies.http.post(SNS_PATH, content=body)).status_code == 200
    (comment,) = await replies.replies()
    assert comment["body"] == "Grüße"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; type=x"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"List_Id": "<list.example.com>"},
        {"X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"From": None},
        {"From": "Somebody <somebody@example.com>"},
        {"To": "reply+aaaa@reply.example.com"},
        {"To": "team@example.com"},
    ],
)
async def test_what_a_machine_or_somebody_else_sent_is_no_comment(replies: Replies, headers: dict[str, str | None]) -> None:
    before = await table_states(replies.app)
    status, answer = await replies.post(replies.mail("I agree.", **headers))
    assert (status, answer["accepted"]) == (200, False)
    assert await table_states(replies.app) == before


async def test_a_reply_has_the_rights_of_now(replies: Replies) -> None:
    team, app = replies.team, replies.app
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    before = await table_states(app)
    assert (await replies.post(replies.mail()))[1]["accepted"] is False
    assert await table_states(app) == before


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 1000, b"From: a\n" * 1000, b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 1000]
)
async def test_what_is_no_mail_is_no_comment(replies: Replies, content: bytes) -> None:
    before = await table_states(replies.app)
    assert (await replies.post(content))[1]["accepted"] is False
    assert await table_states(replies.app) == before


async def test_parts_within_parts_beyond_any_depth_are_not_read(replies: Replies) -> None:
    content = replies.mail().as_bytes()
    for number in range(200):
        content = f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n".encode() + content
    assert (await replies.post(content))[1] == {"accepted": False, "reason": "The mail has too many parts."}


async def test_who_does_not_know_the_secret_posts_nothing_and_large_mails_are_not_read(replies: Replies) -> None:
    before = await table_states(replies.app)
    assert (await replies.post(replies.mail(), secret="x" * 40))[0] == 401
    assert (await replies.post(b"x" * 10 * 2**20))[0] == 413
    assert await table_states(replies.app) == before


async def test_replies_to_one_mail_are_bounded(replies: Replies) -> None:
    outcomes = [(await replies.post(replies.mail(f"Reply {number}")))[1] for number in range(31)]
    assert [each["accepted"] for each in outcomes] == [True] * 30 + [False]
    assert outcomes[-1]["reason"] == "Too many replies to one mail."


def test_an_address_is_good_for_its_notification_and_its_time_and_cannot_be_made_up() -> None:
    now, id_ = datetime(2026, 3, 1, 12, tzinfo=UTC), uuid4()
    address = ADDRESSES.encode(id_, now)
    local = address.partition("@")[0]
    assert len(local) <= 64
    for written in (address, address.upper()):
        assert ADDRESSES.decode(written, now) == id_
    assert ADDRESSES.decode(address, now + REPLY_LIFETIME - timedelta(seconds=1)) == id_
    assert ADDRESSES.decode(address, now + REPLY_LIFETIME + timedelta(days=2)) is None
    assert ReplyAddresses(b"other", "reply.example.com").decode(address, now) is None
    assert ReplyAddresses(b"secret", "other.example.com").decode(address, now) is None
    for place in range(6, len(local) - 1):
        changed = local[:place] + ("a" if local[place] != "a" else "b") + local[place + 1 :] + "@reply.example.com"
        assert ADDRESSES.decode(changed, now) is None
    for forged in (
        "",
        "@",
        "reply+@reply.example.com",
        f"reply+{'ä' * 55}@reply.example.com",
        f"reply+{'1' * 55}@reply.example.com",
    ):
        assert ADDRESSES.decode(forged, now) is None
