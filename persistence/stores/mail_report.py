"""Reports of mail services: the store."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from domain.email_address import email_key
from domain.mail_report import MailReport
from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, mail_reports, users

_r = mail_reports
_USER = bindparam("user", type_=Uuid)
_FIND_USER = Statement(select(users.c.id).where(users.c.email_key == bindparam("email_key", type_=Text)))
_ADD = Statement(
    insert(_r)
    .values(
        id=bindparam("id", type_=Uuid),
        user_id=_USER,
        kind=bindparam("kind", type_=_r.c.kind.type),
        reason=bindparam("reason", type_=Text),
        at=bindparam("at", type_=INSTANT),
    )
    .on_conflict_do_nothing()
)
_COUNT_SOFT = Statement(
    select(func.count())
    .select_from(_r)
    .where(_r.c.user_id == _USER, _r.c.at >= bindparam("since", type_=INSTANT), _r.c.kind == literal_column("'SOFT_BOUNCE'"))
)
_DELETE_ALL = Statement(_r.delete().where(_r.c.user_id == _USER))
_old = (
    select(_r.c.id).where(_r.c.at < bindparam("before", type_=INSTANT)).order_by(_r.c.at).limit(bindparam("size", type_=Integer))
)
_DELETE_OLDER = Statement(_r.delete().where(_r.c.id.in_(_old)))


class SqlMailReports:
    """Reports over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_user(self, address: str) -> UUID | None:
        """Whose address it is now, however it is written."""
        found: UUID | None = await self._connection.fetch_value(_FIND_USER, email_key=email_key(address))
        return found

    async def add(self, report: MailReport, user_id: UUID) -> bool:
        """Insert a report; False where it is there."""
        values = {"id": report.id, "kind": report.kind, "reason": report.reason, "at": report.at}
        return await self._connection.execute(_ADD, user=user_id, **values) == 1

    async def count_soft(self, user_id: UUID, since: datetime) -> int:
        """How many soft bounces are stored of a person since an instant."""
        count: int = await self._connection.fetch_value(_COUNT_SOFT, user=user_id, since=since)
        return count

    async def remove_all(self, user_id: UUID) -> None:
        """Delete all reports of a person's mails."""
        await self._connection.execute(_DELETE_ALL, user=user_id)


async def delete_older(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete the oldest reports from before an instant; how many."""
    return await connection.execute(_DELETE_OLDER, before=before, size=limit)
