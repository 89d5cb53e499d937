"""Writes a mail as an internet message (RFC 5322, MIME), in 7-bit lines, so that every server can pass it on as it is.

Nothing that a person typed can begin a header or end one: lines are made one line, names and subjects are encoded (RFC 2047), and
an address that is none is rejected. A host in letters is written in its A-labels; a local part beyond ASCII stays in UTF-8, for
which a server needs SMTPUTF8.

Headers are written here. `email.message` decodes what looks like an encoded word in a value that is assigned: a subject of
`=?utf-8?q?=0ABcc:=20eve?=` would begin a header of its own.
"""

import re
from dataclasses import dataclass
from datetime import UTC
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from domain.collation import visible
from domain.email_address import ascii_form, validate_email
from domain.errors import Invalid
from domain.mail import MAX_SUBJECT_CHARS, Mail, Mailbox, MailRejected

_MAX_NAME_CHARS: Final = 100
_MAX_URL_CHARS: Final = 900  # a line of a message holds 998 at most
_MAX_THREAD_CHARS: Final = 200
_LINE_END: Final = "\r\n"
_ENCODED_WORD: Final = "=?"  # in an address, some servers decode it, and send to another one
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_IN_ID = re.compile("[^a-zA-Z0-9-]")
_UNSAFE_IN_URL = re.compile(r"[^\x21-\x7e]|[<>,]")
_MAILBOX = re.compile(r"\s*(?:(?P<name>[^<>]*?)\s*<(?P<inner>[^<>]+)>|(?P<bare>[^<>\s]+))\s*")
_POLICY: Final = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message as it goes over the wire, with CRLF, and its envelope: the addresses for MAIL FROM and RCPT TO.

    `needs_smtputf8`: only a server with SMTPUTF8 can pass it on.
    """

    sender: str
    recipient: str
    content: bytes

    @property
    def needs_smtputf8(self) -> bool:
        return not (self.sender.isascii() and self.recipient.isascii())


def parse_mailbox(text: str) -> Mailbox:
    """A mailbox as an operator writes it: `Name <address>`, or an address. Raises ValueError."""
    found = _MAILBOX.fullmatch(text)
    if found is None or _UNPRINTABLE.search(text):
        raise ValueError("must be an address, such as PantheraHive <hive@example.com>")
    name = (found["name"] or "").strip('"')
    try:
        return Mailbox(name=name, address=validate_email(found["inner"] or found["bare"], ()))
    except Invalid as error:
        raise ValueError(f"must be an address, such as PantheraHive <hive@example.com>: {error.message}") from error


def build_message(mail: Mail, sender: Mailbox) -> OutgoingMessage:
    """The message with all its headers. Raises MailRejected for an address that is none."""
    from_address, to_address = _address(sender), _address(mail.to)
    domain = from_address.rpartition("@")[2]
    headers = [
        f"From: {_named('From', sender.name, from_address)}",
        f"To: {_named('To', mail.to.name, to_address)}",
        f"Subject: {_encoded('Subject', single_line(mail.subject, MAX_SUBJECT_CHARS))}",
        f"Date: {format_datetime(mail.created_at.astimezone(UTC))}",
        f"Message-ID: <{mail.id}@{domain}>",
    ]
    if mail.reply_to is not None:
        headers.append(f"Reply-To: {_address(Mailbox(address=mail.reply_to))}")
    if mail.thread is not None:
        root = f"<{_NOT_IN_ID.sub('-', mail.thread)[:_MAX_THREAD_CHARS]}@{domain}>"
        headers += [f"In-Reply-To: {root}", f"References: {root}"]
    if mail.unsubscribe_url is not None:
        url = f"<{_require_url(mail.unsubscribe_url)}>"
        headers += [f"List-Unsubscribe: {url}", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    headers.append("Auto-Submitted: auto-generated")
    body = EmailMessage(policy=_POLICY)
    body.set_content(_SURROGATES.sub("\ufffd", mail.text), cte="quoted-printable")
    body.add_alternative(_SURROGATES.sub("\ufffd", mail.html), subtype="html", cte="quoted-printable")
    content = "".join(line + _LINE_END for line in headers).encode() + body.as_bytes()
    return OutgoingMessage(sender=from_address, recipient=to_address, content=content)


def single_line(value: str, limit: int) -> str:
    """The text on one line, without what cannot be printed, cut to so many characters."""
    line = visible(" ".join(_UNPRINTABLE.sub(" ", value).split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _named(header: str, name: str, address: str) -> str:
    """A mailbox as it stands in a header."""
    line = single_line(name, _MAX_NAME_CHARS)
    if not line:
        return address
    if line.isascii() and _ENCODED_WORD not in line:
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{_encoded(header, line)} <{address}>"


def _encoded(header: str, line: str) -> str:
    """A line as the value of a header; in encoded words where it is not plain, folded between them."""
    if line.isascii() and _ENCODED_WORD not in line:
        return line
    return Header(line, "utf-8", header_name=header).encode(linesep=_LINE_END)


def _address(box: Mailbox) -> str:
    try:
        if validate_email(box.address, ()) != box.address or _ENCODED_WORD in box.address:
            raise ValueError("not as it is stored")
    except (ValueError, Invalid) as error:
        raise MailRejected("This is not an e-mail address.", bad_address=True) from error
    return ascii_form(box.address)


def _require_url(url: str) -> str:
    """The URL as it may stand in a header; ValueError is a bug of the caller, who made it."""
    if _UNSAFE_IN_URL.search(url) or len(url) > _MAX_URL_CHARS or urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("this URL cannot stand in a header")
    return url
