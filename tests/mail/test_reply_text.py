"""What is found in replies by mail, of many mail programs; and that none of it takes long, whatever is sent."""

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.incoming import UnreadableMail, read_mail
from mail.reply_text import MARKER, reply_text, text_of_html

LAWS = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
QUOTE = f"> {MARKER}.\n>\n> Ada commented on ENG-42 Ship it\n"


@pytest.mark.parametrize(
    ("mail", "written"),
    [
        (f"Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, PantheraHive <hive@example.com> wrote:\n{QUOTE}", "Yes."),
        (f"Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, PantheraHive\n<hive@example.com> wrote:\n\n{QUOTE}", "Yes."),
        (f"Ja.\n\nAm 02.03.26 um 10:00 schrieb PantheraHive:\n{QUOTE}", "Ja."),
        (f"Oui.\r\n\r\nLe 2 mars 2026 à 10:00, PantheraHive <hive@example.com> a écrit :\r\n{QUOTE}", "Oui."),
        (f"はい。\n\n2026年3月2日 10:00 PantheraHive <hive@example.com>：\n{QUOTE}", "はい。"),
        (f"Yes.\n\n-----Original Message-----\nFrom: PantheraHive\n{MARKER}", "Yes."),
        ("Yes.\n\n________________________________\nFrom: PantheraHive\nSent: Monday", "Yes."),
        (f"Yes.\n{MARKER}.\nAda commented", "Yes."),
        ("Yes.\n\n-- \nAda Lovelace\nAnalyst", "Yes."),
        ("Yes.\n\nSent from my iPhone", "Yes."),
        (f"Yes.\n\nVon meinem iPhone gesendet\n\n{QUOTE}", "Yes."),
        ("> Shall we?\n\nYes, we shall.\n\n> When?\n\nToday.", "Yes, we shall.\n\n\nToday."),
        ("About 1:\n\nOn Monday Ada <a@b.c> wrote:\n> a\n> b", "About 1:"),  # a quotation of two lines has one introduction
        ("Do these:\n- one\n- two", "Do these:\n- one\n- two"),
        (f"Do this today at 10:\n\n{QUOTE}", ""),  # a line that introduces what is quoted, as far as anybody can tell
        ("The answer is:\n42", "The answer is:\n42"),
        (QUOTE, ""),
        ("", ""),
    ],
)
def test_what_was_written_is_found(mail: str, written: str) -> None:
    assert reply_text(mail) == written


def test_the_text_of_html_leaves_quotations_out() -> None:
    html = (
        "<html><head><style>p { color: red }</style></head><body><p>Yes &amp; <b>no</b>.</p><div>Second</div>"
        f"<div>On Monday PantheraHive &lt;hive@example.com&gt; wrote:<blockquote><p>{MARKER}.</p></blockquote></div></body></html>"
    )
    assert reply_text(text_of_html(html)).split("\n")[0] == "Yes & no."
    assert "Second" in reply_text(text_of_html(html))
    assert MARKER not in text_of_html(html)


@LAWS
@given(st.text(max_size=500), st.text(max_size=500))
def test_nothing_below_the_marker_is_written(above: str, below: str) -> None:
    assert reply_text(f"{above}\n{MARKER}\n{below}") == reply_text(f"{above}\n{MARKER}")


@LAWS
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n>-_:", categories=["L", "N"]), min_size=1, max_size=40), max_size=20)
)
def test_what_has_no_quotation_and_no_signature_stays(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert reply_text(text) == text.strip("\n")


UNITS = [
    "> ",
    "-",
    "_",
    "a:\n",
    "\n",
    "--\n",
    ">\n\n",
    "a 1:\n>\n",
    "Sent from my ",
    "<div>",
    "<blockquote>",
    "</p>",
    "&",
    "&#9",
    "&#",
]
UNITS += ["On 1 <", "<a ", "<a b=", "<a b='", "<a b=\"'", "=' =\"", "<a/", "</", "<!--", "<!-- --", "<!", "<?", "<![CDATA[", "<"]
UNITS += [
    "<title>",
    "<script></script ",
    "<head></p>",
    "<p/>",
    "<b> </b>",
    "&amp",
    " ",
    "\t\n",
    "a@b,",
    '"',
    ";",
    "; a*0=b",
    "(",
    "=?",
]


@pytest.mark.parametrize("before", ["", "<a b='", "<title>", "&#", "a 1:\n" * 5_000, "\n" * 20_000, "<blockquote>" * 8_000])
def test_a_text_of_any_shape_is_read_in_time(before: str) -> None:
    for unit in UNITS:
        text = before + unit * ((2**20 - len(before)) // len(unit))
        began = time.process_time()
        reply_text(text)
        text_of_html(text)
        assert time.process_time() - began < 5, unit  # a tenth of it is needed


_HEADERS = b"From: ada@example.com\r\nTo: hive@example.com\r\nMIME-Version: 1.0\r\n"


@pytest.mark.parametrize("name", ["From", "To", "Message-ID", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding"])
def test_a_header_of_any_shape_is_read_in_time(name: str) -> None:
    for unit in UNITS:
        value = unit.replace("\n", "") * 100_000
        began = time.process_time()
        with suppress(UnreadableMail):
            read_mail(_HEADERS.replace(name.encode() + b":", b"X:") + f"{name}: {value}"[:900_000].encode() + b"\r\n\r\nYes.\r\n")
        assert time.process_time() - began < 5, unit


@pytest.mark.parametrize("line", [b"\n", b"--B0\n\n", b"--B0--\n", b"x\r"])
def test_a_mail_of_many_parts_and_lines_is_read_in_time_or_refused(line: bytes) -> None:
    parts = [b"Content-Type: multipart/mixed; boundary=B%d\r\n\r\n--B%d\r\n" % (depth, depth) for depth in range(48)]
    head = _HEADERS + b"".join(parts)
    began = time.process_time()
    read_mail(head + line * 10_000)
    assert time.process_time() - began < 5
    with pytest.raises(UnreadableMail, match="too many lines"):
        read_mail(head + line * 26_000)


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [("utf-8", "Ünï".encode(), "Ünï"), ("latin-1", b"\xdc", "Ü"), ("punycode", b"abc-", "abc-"), ("no-such", b"abc", "abc")],
)
def test_a_mail_is_read_in_the_character_set_that_it_says(charset: str, body: bytes, text: str) -> None:
    assert read_mail(_HEADERS + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + body).text == text


def test_attachments_are_counted_and_are_no_text() -> None:
    parts = b"--B\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nno\r\n--B\r\n\r\nYes.\r\n--B--\r\n"
    mail = read_mail(_HEADERS + b"Message-ID:\r\n <a@b.c>\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" + parts)
    assert (mail.text, mail.attachments, mail.message_id) == ("Yes.", 1, "<a@b.c>")
    assert (mail.sender, mail.recipients) == ("ada@example.com", ("hive@example.com",))
