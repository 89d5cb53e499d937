"""Mail in development: a folder of the newest messages, and pages that show them without running what they hold."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

from domain.mail import Mailbox, MailRejected, MailUnavailable
from mail.console import MAX_MESSAGES, ConsoleMailer
from mail.dev_pages import dev_mail_routes
from tests.support.sample_mail import MAIL_ID, SENDER, sample_mail


@pytest.fixture
def mailer(tmp_path: Path) -> ConsoleMailer:
    return ConsoleMailer(tmp_path / "mail", sender=SENDER)


@pytest.fixture
async def http(mailer: ConsoleMailer) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=dev_mail_routes(mailer))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hive.test") as client:
        yield client


async def test_a_mail_that_is_sent_again_is_still_one(mailer: ConsoleMailer) -> None:
    await mailer.send(sample_mail())
    await mailer.send(sample_mail(text="Ready, again.\n"))
    (stored,) = await mailer.list_all()
    assert (stored.id, stored.part("plain").strip()) == (MAIL_ID, "Ready, again.")


async def test_the_newest_messages_are_kept(mailer: ConsoleMailer, tmp_path: Path) -> None:
    ids = [uuid4() for _ in range(MAX_MESSAGES + 3)]
    for place, mail_id in enumerate(ids):
        await mailer.send(sample_mail(id=mail_id))
        os.utime(tmp_path / "mail" / f"{mail_id}.eml", (place + 1, place + 1))
    await mailer.send(sample_mail(id=ids[-1]))
    assert [stored.id for stored in await mailer.list_all()] == ids[:2:-1]
    assert len(list((tmp_path / "mail").iterdir())) == MAX_MESSAGES


async def test_what_the_console_cannot_store_waits_and_what_is_no_address_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MailUnavailable):
        await ConsoleMailer(tmp_path / "file" / "mail", sender=SENDER).send(sample_mail())
    with pytest.raises(MailRejected):
        await ConsoleMailer(tmp_path / "mail", sender=SENDER).send(sample_mail(to=Mailbox(address="ada")))
    assert not (tmp_path / "mail").exists()


async def test_the_pages_list_mails_and_show_their_bodies(mailer: ConsoleMailer, http: httpx.AsyncClient) -> None:
    assert "No mail yet" in (await http.get("/dev/mail")).text
    await mailer.send(sample_mail(subject="Größe <b>", text="Text & more\n"))
    listed = (await http.get("/dev/mail")).text
    assert f'<a href="/dev/mail/{MAIL_ID}">Größe &lt;b&gt;</a>' in listed
    assert "ada@example.org" in listed
    shown = (await http.get(f"/dev/mail/{MAIL_ID}")).text
    assert "Text &amp; more" in shown
    assert f'src="/dev/mail/{MAIL_ID}/html"' in shown
    assert "<p>Ready.</p>" in (await http.get(f"/dev/mail/{MAIL_ID}/html")).text
    assert (await http.get(f"/dev/mail/{UUID(int=1)}")).status_code == 404
    assert (await http.get("/dev/mail/..%2Fx")).status_code == 404


async def test_nothing_that_a_mail_holds_runs(mailer: ConsoleMailer, http: httpx.AsyncClient) -> None:
    await mailer.send(
        sample_mail(subject="<script>alert(1)</script>", text="<script>alert(2)</script>", html="<script>alert(3)</script>")
    )
    for path in ("/dev/mail", f"/dev/mail/{MAIL_ID}"):
        page = await http.get(path)
        assert "<script" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    message = await http.get(f"/dev/mail/{MAIL_ID}/html")
    policy = message.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert not {"allow-scripts", "allow-same-origin", "allow-forms", "script-src"} & set(policy.replace(";", "").split())
