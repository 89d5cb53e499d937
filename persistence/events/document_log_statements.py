"""The statements of the documents' logs: each takes arrays, whatever the number of updates and documents."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, Integer, LargeBinary, Text, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.selectable import TableValuedAlias

from domain.document.update import LoggedUpdate
from persistence.access import any_id
from persistence.engine.rows import columns, row_class
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, document_clients, document_heads, document_updates


def _unnested(name: str, **types: Any) -> TableValuedAlias:
    """Parameters that are arrays of equal length, as the columns of rows."""
    unnested = func.unnest(*(bindparam(each, type_=ARRAY(kind)) for each, kind in types.items()))
    return unnested.table_valued(*(column(each, kind) for each, kind in types.items()), name=name).render_derived()


_heads_param = _unnested("wanted", head_ids=Uuid, counts=BigInteger)
_advance_heads = (
    insert(document_heads)
    .from_select(
        ["document_id", "position"], select(_heads_param.c.head_ids, _heads_param.c.counts).order_by(_heads_param.c.head_ids)
    )
    .on_conflict_do_update(
        index_elements=[document_heads.c.document_id],
        set_={"position": document_heads.c.position + insert(document_heads).excluded.position},
    )
    .returning(document_heads.c.document_id, document_heads.c.position)
)
_updates_param = _unnested(
    "given", document_ids=Uuid, behind=BigInteger, datas=LargeBinary, authors=Uuid, sessions=Text, names=Text
)
_head = _advance_heads.cte("head")
_inserted = (
    insert(document_updates)
    .from_select(
        ["document_id", "position", "data", "author_id", "session_id", "client_mutation_id", "at"],
        select(
            _updates_param.c.document_ids,
            _head.c.position - _updates_param.c.behind,
            _updates_param.c.datas,
            _updates_param.c.authors,
            _updates_param.c.sessions,
            _updates_param.c.names,
            bindparam("at", type_=INSTANT),
        ).select_from(_updates_param.join(_head, _head.c.document_id == _updates_param.c.document_ids)),
    )
    .cte("inserted")
)
APPEND = Statement(select(_head.c.document_id, _head.c.position).add_cte(_inserted))
LOCK_HEADS = Statement(
    insert(document_heads)
    .from_select(
        ["document_id", "position"], select(_heads_param.c.head_ids, _heads_param.c.counts).order_by(_heads_param.c.head_ids)
    )
    .on_conflict_do_update(index_elements=[document_heads.c.document_id], set_={"position": document_heads.c.position})
)
_keys_param = _unnested("asked", document_ids=Uuid, authors=Uuid, names=Text)
FIND_BY_KEY = Statement(
    select(
        document_updates.c.document_id,
        document_updates.c.author_id.label("author_id"),
        document_updates.c.client_mutation_id,
        document_updates.c.position,
        document_updates.c.data,
    ).select_from(
        _keys_param.join(
            document_updates,
            (document_updates.c.document_id == _keys_param.c.document_ids)
            & (document_updates.c.author_id == _keys_param.c.authors)
            & (document_updates.c.client_mutation_id == _keys_param.c.names),
        )
    )
)
_clients_param = _unnested("shown", document_ids=Uuid, clients=BigInteger, users=Uuid)
REGISTER_CLIENTS = Statement(
    insert(document_clients)
    .from_select(
        ["document_id", "client_id", "user_id", "since"],
        select(
            _clients_param.c.document_ids, _clients_param.c.clients, _clients_param.c.users, bindparam("at", type_=INSTANT)
        ).order_by(_clients_param.c.document_ids, _clients_param.c.clients),
    )
    .on_conflict_do_nothing()
)
CLIENTS = Statement(
    select(document_clients.c.client_id, document_clients.c.user_id).where(
        document_clients.c.document_id == bindparam("document_id", type_=Uuid)
    )
)
HEADS = Statement(
    select(document_heads.c.document_id, document_heads.c.trimmed_to, document_heads.c.position).where(
        document_heads.c.document_id == any_id()
    )
)
_page = (
    select(*columns(LoggedUpdate, document_updates))
    .where(
        document_updates.c.document_id == bindparam("document_id", type_=Uuid),
        document_updates.c.position > bindparam("after", type_=BigInteger),
    )
    .order_by(document_updates.c.position)
    .limit(bindparam("size", type_=Integer))
    .subquery("page")
)
_sized_page = select(
    *_page.c, func.sum(func.octet_length(_page.c.data)).over(order_by=_page.c.position).label("weight")
).subquery()
READ = Statement(
    select(*(_sized_page.c[each.name] for each in _page.c))
    .where(_sized_page.c.weight - func.octet_length(_sized_page.c.data) < bindparam("bytes", type_=BigInteger))
    .order_by(_sized_page.c.position),
    row_class(LoggedUpdate),
)
TRIM_HEAD = Statement(
    document_heads.update()
    .where(
        document_heads.c.document_id == bindparam("of", type_=Uuid),
        document_heads.c.trimmed_to < bindparam("to", type_=BigInteger),
        document_heads.c.position >= bindparam("to", type_=BigInteger),
    )
    .values(trimmed_to=bindparam("to", type_=BigInteger))
)
TRIM = Statement(
    document_updates.delete().where(
        document_updates.c.document_id == bindparam("of", type_=Uuid),
        document_updates.c.position <= bindparam("to", type_=BigInteger),
    )
)
