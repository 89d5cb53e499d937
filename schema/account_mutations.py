"""Defines the mutations of second factors, push devices and administrators, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.administration
import resolvers.factor
import resolvers.push_device
from domain.actor import Scope
from resolvers.inputs import administration as administration_inputs
from resolvers.inputs import factor as inputs
from resolvers.inputs import push_device as push_device_inputs
from resolvers.inputs import team as shared
from schema.payload import mutation
from schema.types.push_device import PushDevicePayload
from schema.types.user import DeletePayload, FactorPayload, UserPayload

_RECENT = "Needs a sign-in of the last ten minutes."


@strawberry.type
class AccountMutations:
    """Mutations of second factors, of push devices and of administrators. Each field runs in its own transaction."""

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
    factor_start: FactorPayload | None = mutation(
        resolvers.factor.start,
        inputs.FactorStartInput,
        f"Begins a second factor, which counts once it is confirmed; or renews the recovery codes. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        holds_secrets=True,
    )
    factor_confirm: FactorPayload | None = mutation(
        resolvers.factor.confirm,
        inputs.FactorConfirmInput,
        f"Makes a second factor count, with a code of it, and ends all other sessions. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        prepare=resolvers.factor.find_step,
        holds_secrets=True,
    )
    factor_remove: DeletePayload | None = mutation(
        resolvers.factor.remove,
        shared.DeleteInput,
        f"Removes a second factor; the recovery codes go with the last one. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        delete=["Factor"],
    )

    push_device_register: PushDevicePayload | None = mutation(
        resolvers.push_device.register,
        push_device_inputs.PushDeviceRegisterInput,
        "Registers a browser or phone for pushes, until it is removed or the session ends; again: with its new keys and label.",
        guard=Scope.NOTIFICATIONS_WRITE,
    )
    push_device_remove: DeletePayload | None = mutation(
        resolvers.push_device.remove,
        shared.DeleteInput,
        "Removes a device: no pushes are sent to it any more.",
        guard=Scope.NOTIFICATIONS_WRITE,
        delete=["PushDevice"],
    )
