"""Tenants for tests that change them: copies of one, where that is enough."""

from weakref import WeakKeyDictionary

from domain.blob import attachment_key
from tests.support.app import App
from tests.support.row_copies import RowCopies, next_transaction
from tests.support.teams import copies_of, uuid_of
from tests.support.tenants import Tenant, create_tenant

_NOT_FOR_COPIES = ("document", "invitation")
"""How mutations begin that need what is no row: the bytes of documents, and the tokens of invitations."""
_COPIES: WeakKeyDictionary[App, RowCopies[Tenant]] = WeakKeyDictionary()


async def create_tenant_for(app: App, mutation: str) -> Tenant:
    """A tenant of which every object will do for this mutation: a copy, of one that nobody is given, takes a twentieth of the time."""
    if mutation.startswith(_NOT_FOR_COPIES):
        return await create_tenant(app)
    if app not in _COPIES:
        since = await next_transaction(app.sql)
        tenant = await create_tenant(app)
        _COPIES[app] = await copies_of(app, tenant, tenant.team, since=since)
    made = await _COPIES[app].make(app.sql)
    for objects in (made.objects, made.private_objects):
        await app.resources.services.blobs.put(attachment_key(uuid_of(objects["upload"])), b"#")
    return made
