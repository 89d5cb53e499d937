"""Reads what SES reports of mails: bounces, complaints, and mails that were received.

Both forms are read: notifications of an identity (`notificationType`) and events of a configuration set (`eventType`). What has
another form, or is about something else, is nothing.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from domain.mail_report import MAX_ADDRESSES, MailReport, MailReportKind
from mail.message import single_line

_NAMESPACE: Final = UUID("6f1f9c1e-7f0e-5d0c-9b53-1d1f4b6c2a10")
_MAX_REASON_CHARS: Final = 200
_VERDICTS: Final = ("spamVerdict", "virusVerdict", "dmarcVerdict")
_MESSAGE_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>@\s]{1,255}>?")


def read_event(text: str) -> Mapping[str, Any]:
    """An event of SES; an empty one where this is none."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def kind_of(event: Mapping[str, Any]) -> str:
    """`Bounce`, `Complaint`, `Received` or another."""
    kind = event.get("notificationType", event.get("eventType"))
    return kind if isinstance(kind, str) else ""


def reports_of(event: Mapping[str, Any], now: datetime) -> list[MailReport]:
    """What an event reports, address by address."""
    match kind_of(event):
        case "Bounce":
            details, names = _object(event, "bounce"), "bouncedRecipients"
            is_hard = details.get("bounceType") == "Permanent"
            kind = MailReportKind.HARD_BOUNCE if is_hard else MailReportKind.SOFT_BOUNCE
        case "Complaint":
            details, names = _object(event, "complaint"), "complainedRecipients"
            kind = MailReportKind.COMPLAINT
        case _:
            return []
    mail_id = _mail_id(event)
    feedback_id = details.get("feedbackId")
    reports = []
    for recipient in _objects(details, names)[:MAX_ADDRESSES]:
        address = recipient.get("emailAddress")
        if not isinstance(address, str) or not isinstance(feedback_id, str):
            continue
        said = recipient.get("diagnosticCode") or recipient.get("status") or details.get("bounceSubType") or kind.value
        reports.append(
            MailReport(
                id=uuid5(_NAMESPACE, f"{feedback_id[:500]}/{address[:500]}"),
                kind=kind,
                address=address.rpartition("<")[2].rstrip("> "),
                mail_id=mail_id,
                reason=single_line(str(said), _MAX_REASON_CHARS),
                at=now,
            )
        )
    return reports


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that SES received, with the recipients of its envelope."""

    content: bytes
    recipients: Sequence[str]


def received_mail(event: Mapping[str, Any]) -> ReceivedMail | None:
    """The mail that an event brings, as the action SNS of a receipt rule sends it; None for other events, and for mails that SES
    takes for spam, viruses or forgeries."""
    content = event.get("content")
    if kind_of(event) != "Received" or not isinstance(content, str):
        return None
    receipt = _object(event, "receipt")
    if any(_object(receipt, name).get("status") == "FAIL" for name in _VERDICTS):
        return None
    if _object(receipt, "action").get("encoding") == "BASE64":
        try:
            raw = base64.b64decode(content)
        except (binascii.Error, ValueError):
            return None
    else:
        raw = content.encode("utf-8", "surrogateescape")
    named = receipt.get("recipients")
    recipients = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    return ReceivedMail(raw, recipients[:MAX_ADDRESSES])


def _mail_id(event: Mapping[str, Any]) -> UUID | None:
    """The id of the mail, by its own `Message-ID`, where SES was asked to include headers."""
    mail = _object(event, "mail")
    found = _object(mail, "commonHeaders").get("messageId")
    headers = [each.get("value") for each in _objects(mail, "headers") if str(each.get("name")).lower() == "message-id"]
    for value in (found, *headers):
        if isinstance(value, str) and (match := _MESSAGE_ID.fullmatch(value.strip().lower())):
            return UUID(match[1])
    return None


def _object(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _objects(values: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = values.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
