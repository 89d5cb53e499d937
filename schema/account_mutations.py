"""Defines the mutations of factors, the calendar feed and administrators, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.administration
import resolvers.calendar_feed
import resolvers.external_identity
import resolvers.factor
import resolvers.session
from domain.actor import Scope
from resolvers.inputs import administration as administration_inputs
from resolvers.inputs import factor as inputs
from resolvers.inputs import team as shared
from resolvers.inputs import user as user_inputs
from schema.payload import live_mutation, mutation
from schema.types.user import DeletePayload, FactorPayload, PasskeyRequestPayload, SessionPayload, UserPayload

_RECENT = "Needs a sign-in of the last ten minutes."


@strawberry.type
class AccountMutations:
    """Mutations of factors and of administrators. Each field runs in its own transaction."""

    user_suspend: UserPayload | None = mutation(
        resolvers.administration.suspend,
        administration_inputs.UserSuspendInput,
        f"Suspends an account and ends its sessions. For administrators of the server. {_RECENT}",
        guard=Scope.ADMIN,
    )
    user_reactivate: UserPayload | None = mutation(
        resolvers.administration.reactivate,
        administration_inputs.UserSuspendInput,
        f"Lets a suspended account sign in again. For administrators of the server. {_RECENT}",
        guard=Scope.ADMIN,
    )
    calendar_feed_rotate: UserPayload | None = mutation(
        resolvers.calendar_feed.rotate,
        user_inputs.BasicInput,
        "Gives the viewer's calendar feed another address, or makes the feed; the address before ends at once.",
        guard=Scope.ADMIN,
    )
    passkey_request_create: PasskeyRequestPayload | None = live_mutation(
        resolvers.session.request_passkey,
        user_inputs.PasskeyRequestCreateInput,
        "Options with which a passkey signs: the viewer in again, or anybody in. They are good for five minutes, and once.",
        guard="public",
    )
    session_create_with_passkey: SessionPayload | None = mutation(
        resolvers.session.create,
        user_inputs.SessionCreateWithPasskeyInput,
        "Signs in with a passkey, without a password.",
        guard="public",
        prepare=resolvers.session.check_passkey,
    )
    factor_start: FactorPayload | None = mutation(
        resolvers.factor.start,
        inputs.FactorStartInput,
        f"Begins a second factor or a passkey, which counts once it is confirmed; or renews the recovery codes. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        holds_secrets=True,
    )
    factor_confirm: FactorPayload | None = mutation(
        resolvers.factor.confirm,
        inputs.FactorConfirmInput,
        f"Makes a factor count, with a code of it or the passkey that was made, and ends all other sessions. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        prepare=resolvers.factor.check_shown,
        holds_secrets=True,
    )
    factor_remove: DeletePayload | None = mutation(
        resolvers.factor.remove,
        shared.DeleteInput,
        f"Removes a second factor or a passkey; the recovery codes go with the last one. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        delete=["Factor"],
    )
    external_identity_remove: DeletePayload | None = mutation(
        resolvers.external_identity.remove,
        shared.DeleteInput,
        f"Removes an identity of an outside OpenID provider, which then signs nobody in. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        delete=["ExternalIdentity"],
    )
