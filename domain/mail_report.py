"""What mail services report later of a mail that they took: that its address refused it, or that its reader calls it spam."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from domain import notification as notifications
from domain.ports import UnitOfWork

MAX_SOFT_BOUNCES: Final = 5
"""So many within `REPORT_RETENTION` switch mails off, as one hard bounce does."""
REPORT_RETENTION: Final = timedelta(days=30)
MAX_ADDRESSES: Final = 50
"""Of one report; a mail of ours has one recipient."""
COMPLAINED: Final = "Mails to the address were reported as spam."


class MailReportKind(StrEnum):
    """What is reported."""

    HARD_BOUNCE = "HARD_BOUNCE"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    COMPLAINT = "COMPLAINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReport:
    """
    A report about one address. `id`: the same however often it is delivered. `mail_id`: the mail, where it is known. `reason`:
    what the address's server said.
    """

    id: UUID
    kind: MailReportKind
    address: str
    mail_id: UUID | None
    reason: str
    at: datetime


class MailReportStore(Protocol):
    """Stores reports for `REPORT_RETENTION`."""

    async def find_user(self, address: str) -> UUID | None:
        """Whose address it is now."""
        ...

    async def add(self, report: MailReport, user_id: UUID) -> bool:
        """Store a report; False where it is there."""
        ...

    async def count_soft(self, user_id: UUID, since: datetime) -> int:
        """How many soft bounces are stored of a person since an instant."""
        ...

    async def remove_all(self, user_id: UUID) -> None:
        """Delete all reports of a person's mails."""
        ...


async def receive_reports(uow: UnitOfWork, reports: Sequence[MailReport]) -> int:
    """
    Record reports: deliveries that came back have failed, and mails to an address that refuses them, or whose reader complains,
    are off until the person asks for them again. How many were new and of an address that somebody has.
    """
    new = 0
    for report in reports:
        user_id = await uow.mail_reports.find_user(report.address)
        if user_id is None or not await uow.mail_reports.add(report, user_id):
            continue
        new += 1
        if report.mail_id is not None and report.kind is not MailReportKind.COMPLAINT:
            await uow.deliveries.fail_sent_mail(user_id, report.mail_id, f"Came back: {report.reason}", uow.now)
        if (reason := await _off_reason(uow, report, user_id)) is not None:
            await notifications.switch_mail_off(uow, user_id, reason)
    return new


async def _off_reason(uow: UnitOfWork, report: MailReport, user_id: UUID) -> str | None:
    match report.kind:
        case MailReportKind.COMPLAINT:
            return COMPLAINED
        case MailReportKind.HARD_BOUNCE:
            return f"The address was refused: {report.reason}"
    if await uow.mail_reports.count_soft(user_id, uow.now - REPORT_RETENTION) < MAX_SOFT_BOUNCES:
        return None
    return f"The address did not take mails {MAX_SOFT_BOUNCES} times: {report.reason}"
