"""Reads a mail that somebody sent, as an internet message, whatever it is.

Bounded in bytes, lines, parts and depth before the parser sees it. What answers by itself (RFC 3834), comes from a list or
reports a delivery is said to: nobody has written it, so that it is never a comment, and two machines cannot talk to each other.

Headers are read by the older rules of `email`, and only their beginning: the newer ones take a time that grows with the square of
a header's length.
"""

import codecs
import re
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import getaddresses
from typing import Final

from mail.reply_text import reply_text, text_of_html

MAX_MAIL_BYTES: Final = 1024 * 1024
_MAX_PARTS: Final = 50
_MAX_HEADER_CHARS: Final = 998
_MAX_ADDRESSES: Final = 50
_MAX_HEADER_LINES: Final = 500
_MAX_LINES: Final = 25_000  # the parser compares each with the ends of all parts around it
# Codecs for text that are no character sets of mails; some take a time that grows with the square of the text.
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
_BOUNDARY: Final = re.compile(rb"(?i)content-type\s*:\s*(?:multipart|message)/")
_AUTOMATIC_PRECEDENCE: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC_HEADERS: Final = ("List-Id", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Failed-Recipients")
_AUTOMATIC_SENDERS: Final = frozenset({"", "mailer-daemon", "postmaster", "noreply", "no-reply"})


class UnreadableMail(Exception):
    """What arrived is no mail that is read here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """A mail. `recipients`: all addresses that it names; `sender`: of its From header; `text`: what was written, without what is
    quoted; `automatic`: why nobody has written it, None where somebody has."""

    message_id: str | None
    sender: str
    recipients: tuple[str, ...]
    text: str
    attachments: int
    automatic: str | None


class _Policy(Compat32):
    """Reads the beginning of each header."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        start = value[:_MAX_HEADER_CHARS].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return " ".join(start.split())


class _Part(EmailMessage):
    """A message, or a part of one, by the older rules."""

    def is_attachment(self) -> bool:
        return self.get_content_disposition() == "attachment"


_POLICY: Final = _Policy()


def read_mail(content: bytes) -> IncomingMail:
    """Read a message. Raises UnreadableMail."""
    if len(content) > MAX_MAIL_BYTES:
        raise UnreadableMail("The mail is too large.")
    if len(_BOUNDARY.findall(content)) > _MAX_PARTS:
        raise UnreadableMail("The mail has too many parts.")
    if content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n") > _MAX_LINES:
        raise UnreadableMail("The mail has too many lines.")
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if head.count(b"\n") > _MAX_HEADER_LINES:
        raise UnreadableMail("The mail has too many headers.")
    try:
        message = BytesParser(_Part, policy=_POLICY).parsebytes(content)
        assert isinstance(message, EmailMessage)
        return _read(message)
    except Exception as error:
        raise UnreadableMail("The mail cannot be read.") from error


def _read(message: EmailMessage) -> IncomingMail:
    senders = _addresses(message, "From")
    text, attachments = _body(message)
    return IncomingMail(
        message_id=_header(message, "Message-ID").strip() or None,
        sender=senders[0] if len(senders) == 1 else "",
        recipients=(*_addresses(message, "X-Original-To", "Delivered-To", "To", "Cc"),),
        text=text,
        attachments=attachments,
        automatic=_automatic(message, senders),
    )


def _body(message: EmailMessage) -> tuple[str, int]:
    """What was written, and how many files came with it."""
    plain = message.get_body(("plain",))
    rich = None if plain is not None else message.get_body(("html",))
    text = ""
    if plain is not None:
        text = reply_text(_content(plain))
    elif rich is not None:
        text = reply_text(text_of_html(_content(rich)))
    attachments = sum(1 for part in message.walk() if not part.is_multipart() and part.is_attachment())
    return text, attachments


def _content(part: Message) -> str:
    """The text of a part, in whatever character set it says."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        codec = codecs.lookup(part.get_content_charset("utf-8"))
        if codec.name not in _NO_CHARSETS:
            return payload.decode(codec.name, "replace")
    except (LookupError, UnicodeError):
        pass
    return payload.decode("utf-8", "replace")


def _automatic(message: EmailMessage, senders: list[str]) -> str | None:
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return "It was sent automatically."
    if _header(message, "Precedence").strip().lower() in _AUTOMATIC_PRECEDENCE:
        return "It was sent to many, or automatically."
    if any(message.get(name) is not None for name in _AUTOMATIC_HEADERS):
        return "It was sent automatically."
    if _header(message, "Return-Path").strip() == "<>":
        return "It reports a delivery."
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return "It reports a delivery."
    if not senders or senders[0].partition("@")[0].lower() in _AUTOMATIC_SENDERS:
        return "Nobody has sent it."
    return None


def _addresses(message: EmailMessage, *names: str) -> list[str]:
    values = [str(each)[:_MAX_HEADER_CHARS] for name in names for each in message.get_all(name, ())[:_MAX_ADDRESSES]]
    return [address for _, address in getaddresses(values)[:_MAX_ADDRESSES] if address]


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, ""))[:_MAX_HEADER_CHARS]
