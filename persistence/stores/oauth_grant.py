"""Authorization codes and consents: the store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from domain.oauth_grant import AuthorizationCode, forgotten_before
from domain.user import User
from persistence.engine.database import Connection
from persistence.engine.rows import columns, insert_row, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, authorization_codes, oauth_consents, users

_a, _o = authorization_codes, oauth_consents
_ID = bindparam("id", type_=Uuid)
_USER, _CLIENT = bindparam("user", type_=Uuid), bindparam("client", type_=Uuid)
_SCOPES = bindparam("scopes", type_=ARRAY(Text))
_ADD = Statement(insert_row(AuthorizationCode, _a))
_FORGET = Statement(_a.delete().where(_a.c.created_at < bindparam("before", type_=INSTANT)))
_REDEEM = Statement(_a.update().where(_a.c.id == _ID).values(session_id=bindparam("session_id", type_=Uuid)))
_LOCK = Statement(select(*columns(AuthorizationCode, _a)).where(_a.c.id == _ID).with_for_update())
_OWNER = Statement(select(*columns(User, users)).where(users.c.id == _ID))
_CONSENTED = Statement(select(_o.c.scopes).where(_o.c.user_id == _USER, _o.c.client_id == _CLIENT))
_new = insert(_o).values(user_id=_USER, client_id=_CLIENT, scopes=_SCOPES, granted_at=bindparam("at", type_=INSTANT))
_CONSENT = Statement(
    _new.on_conflict_do_update(
        index_elements=[_o.c.user_id, _o.c.client_id],
        set_={
            "granted_at": _new.excluded.granted_at,
            "scopes": select(func.array_agg(literal_column("DISTINCT each")))
            .select_from(func.unnest(_o.c.scopes.op("||")(_new.excluded.scopes)).alias("each"))
            .scalar_subquery(),
        },
    )
)


class SqlOAuthGrants:
    """Codes and consents over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add_code(self, code: AuthorizationCode) -> None:
        """Insert a new code, and delete those that are old."""
        await self._connection.execute(_FORGET, before=forgotten_before(code.created_at))
        await self._connection.execute(_ADD, **to_params(code))

    async def save_code(self, code: AuthorizationCode) -> None:
        """Note what a code was redeemed for."""
        await self._connection.execute(_REDEEM, id=code.id, session_id=code.session_id)

    async def lock_code(self, code_id: UUID) -> tuple[AuthorizationCode, User] | None:
        """A code, locked until the end of the transaction, and its user."""
        row = await self._connection.fetch_row(_LOCK, id=code_id)
        if row is None:
            return None
        owner = await self._connection.fetch_row(_OWNER, id=row["user_id"])
        return to_entity(AuthorizationCode, row), to_entity(User, owner)

    async def consented_scopes(self, user_id: UUID, client_id: UUID) -> Collection[str]:
        """What the user has granted to the client so far."""
        return await self._connection.fetch_value(_CONSENTED, user=user_id, client=client_id) or ()

    async def consent(self, user_id: UUID, client_id: UUID, scopes: Sequence[str], at: datetime) -> None:
        """Remember that the user grants these scopes to the client, beside those of earlier."""
        await self._connection.execute(_CONSENT, user=user_id, client=client_id, scopes=list(scopes), at=at)
