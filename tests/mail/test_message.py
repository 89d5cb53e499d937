"""A mail as an internet message: its headers and parts, and that nothing that a person typed can add or end one."""

import re
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser, Parser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mail import Mailbox, MailRejected
from mail.message import build_message, parse_mailbox, single_line
from tests.support.examples import examples
from tests.support.sample_mail import MAIL_ID, SENDER, sample_mail


def written(**changes: object) -> bytes:
    return build_message(sample_mail(**changes), SENDER).content


def header_lines(content: bytes) -> list[str]:
    """The headers of the message itself, unfolded."""
    head = content.partition(b"\r\n\r\n")[0].decode()
    return re.sub("\r\n[ \t]", " ", head).split("\r\n")


def test_a_message_has_the_headers_that_mail_servers_ask_for() -> None:
    content = written(thread="task:019a", unsubscribe_url="https://hive.example.com/mail/unsubscribe/abc")
    headers = header_lines(content)
    assert headers[:9] == [
        'From: "PantheraHive" <hive@example.com>',
        'To: "Ada Lovelace" <ada@example.org>',
        "Subject: Ship it",
        "Date: Sun, 01 Mar 2026 12:30:00 +0000",
        f"Message-ID: <{MAIL_ID}@example.com>",
        "In-Reply-To: <task-019a@example.com>",
        "References: <task-019a@example.com>",
        "List-Unsubscribe: <https://hive.example.com/mail/unsubscribe/abc>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]
    assert "Auto-Submitted: auto-generated" in headers


def test_text_and_html_arrive_as_they_were() -> None:
    text, html = "Grüße 🐆\n.\nFrom here\n" + "x" * 2000 + "\n", "<p>Größe " + "ä" * 2000 + "</p>\n"
    message = BytesParser(policy=policy.default).parsebytes(written(text=text, html=html))
    parts = [part.get_content().replace("\r\n", "\n") for part in message.walk() if not part.is_multipart()]
    assert parts == [text, html]
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_the_same_mail_carries_the_same_message_id_and_another_thread_another_root() -> None:
    again = [header_lines(written(text=text))[4] for text in ("a", "b")]
    assert again == [f"Message-ID: <{MAIL_ID}@example.com>"] * 2
    roots = {header_lines(written(thread=each))[6] for each in ("task:1", "task:2", "document:1")}
    assert len(roots) == 3


def test_a_long_unsubscribe_address_stands_on_one_line_unencoded() -> None:
    url = "https://hive.example.com/mail/unsubscribe/" + "aB3-_" * 100
    assert f"List-Unsubscribe: <{url}>".encode() in written(unsubscribe_url=url).split(b"\r\n")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/>\r\nBcc: x@y.zz", "https://a.example/ä", "https://a/" + "x" * 1000]
)
def test_an_unsubscribe_address_that_could_break_the_header_is_a_bug(url: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a header"):
        written(unsubscribe_url=url)


def parsed_raw(content: bytes, name: str) -> str:
    """A header's value as it stands in the message."""
    return next(line.partition(": ")[2] for line in header_lines(content) if line.startswith(f"{name}:"))


def decoded(value: str) -> str:
    """What a mail client shows of a header."""
    return str(make_header(decode_header(value)))


INJECTIONS = st.lists(
    st.sampled_from(
        [
            "\r\n",
            "\n",
            "\r",
            "Bcc: eve@evil.example",
            "\u2028",
            "\x85",
            "\x0b",
            "\x00",
            "=?utf-8?q?=0A?=",
            '"',
            "<",
            ">",
            ",",
            ";",
            "\ud800",
            "ä",
            "🐆",
            "a" * 80,
            " ",
        ]
    )
    | st.text(max_size=5),
    max_size=8,
).map("".join)


@examples(15, many=600, derandomize=True, database=None)
@given(name=INJECTIONS, subject=INJECTIONS, thread=INJECTIONS, text=INJECTIONS, html=INJECTIONS)
def test_what_people_typed_neither_adds_a_header_nor_ends_one(name: str, subject: str, thread: str, text: str, html: str) -> None:
    mail = sample_mail(to=Mailbox(name=name, address="ada@example.org"), subject=subject, thread=thread, text=text, html=html)
    content = build_message(mail, SENDER).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    names = [line.partition(":")[0] for line in header_lines(content)]
    assert names == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ]
    parsed = BytesParser(policy=policy.default).parsebytes(content)
    assert [each.addr_spec for each in parsed["To"].addresses] == ["ada@example.org"]
    assert [each.addr_spec for each in parsed["From"].addresses] == ["hive@example.com"]
    assert decoded(parsed_raw(content, "Subject")) == single_line(subject, 200)


def test_a_name_and_a_subject_in_letters_are_read_as_they_were_written() -> None:
    parsed = BytesParser(policy=policy.default).parsebytes(
        written(to=Mailbox(name='Łukasz "Luke" Ørsted, Jr.', address="ada@example.org"), subject="„Größe“ → 完了 🐆 " + "ñ" * 120)
    )
    assert parsed["To"].addresses[0].display_name == 'Łukasz "Luke" Ørsted, Jr.'
    assert parsed["Subject"] == "„Größe“ → 完了 🐆 " + "ñ" * 120


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("ada@example.org", "ada@example.org"),
        ("ada+hive@example.org", "ada+hive@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_written_as_servers_know_it(address: str, sent_to: str) -> None:
    message = build_message(sample_mail(to=Mailbox(address=address)), SENDER)
    assert (message.sender, message.recipient) == ("hive@example.com", sent_to)
    assert message.needs_smtputf8 is not sent_to.isascii()
    parsed = Parser(policy=policy.default).parsestr(message.content.decode())
    assert parsed["To"].addresses[0].addr_spec == sent_to


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "ada@localhost",
        "ada@example.org\r\nBcc: eve@evil.example",
        "ada@example.org\n",
        "ada@example.org, eve@evil.example",
        "<ada@example.org>",
        '"ada lovelace"@example.org',
        '"ada\r\n"@example.org',
        "ada(comment)@example.org",
        "ada@[127.0.0.1]",
        "ada@@example.org",
        "ada@exa mple.org",
        "ada@Example.org",
        "ada@xn--bcher-kva.example",
        "a" * 300 + "@example.org",
        "ada\u200b@example.org",
        "=?utf-8?q?x=40evil.example=3e=00?=@example.org",  # some servers decode it, and send to another address
    ],
)
def test_an_address_that_is_not_one_as_it_is_stored_is_rejected(address: str) -> None:
    with pytest.raises(MailRejected) as rejected:
        written(to=Mailbox(address=address))
    assert rejected.value.bad_address


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("hive@example.com", Mailbox(address="hive@example.com")),
        ("PantheraHive <hive@Example.com>", Mailbox(name="PantheraHive", address="hive@example.com")),
        ('"Hive, the" <hive@bücher.example>', Mailbox(name="Hive, the", address="hive@bücher.example")),
    ],
)
def test_an_operator_writes_a_mailbox_with_or_without_a_name(text: str, box: Mailbox) -> None:
    assert parse_mailbox(text) == box


@pytest.mark.parametrize(
    "text", ["", "Hive", "Hive <>", "a@b.cc, c@d.ee", "Hive <a@b.cc> more", "Hive\r\nBcc: <a@b.cc>", "<<a@b.cc>>"]
)
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        parse_mailbox(text)


def test_replies_go_to_the_address_that_the_mail_names_and_to_nothing_that_is_none() -> None:
    address = f"reply+{'a' * 55}@reply.example.com"
    content = build_message(sample_mail(reply_to=address), SENDER).content.decode()
    assert f"\r\nReply-To: {address}\r\n" in content
    assert "Reply-To" not in build_message(sample_mail(), SENDER).content.decode()
    with pytest.raises(MailRejected):
        build_message(sample_mail(reply_to="reply@example.com\r\nBcc: eve@evil.example"), SENDER)
