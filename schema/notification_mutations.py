"""Declares the mutations of notifications, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.notification
import resolvers.notification_settings
import resolvers.push_device
from domain.actor import Scope
from resolvers.inputs import notification as notification_inputs
from resolvers.inputs import push_device as push_device_inputs
from resolvers.inputs import team as shared
from resolvers.inputs import user as user_inputs
from schema.payload import mutation
from schema.types.notification import NotificationsPayload
from schema.types.push_device import PushDevicePayload
from schema.types.user import BasicPayload, DeletePayload, UserPayload


@strawberry.type
class NotificationMutations:
    """Mutations of notifications, their settings and devices. Each field runs in its own transaction."""

    notifications_mark: NotificationsPayload | None = mutation(
        resolvers.notification.mark,
        notification_inputs.NotificationsMarkInput,
        "Marks notifications of the viewer as read, archived or snoozed, and back.",
        guard=Scope.NOTIFICATIONS_WRITE,
    )
    notification_preferences_update: UserPayload | None = mutation(
        resolvers.notification_settings.update,
        notification_inputs.NotificationPreferencesUpdateInput,
        "Changes how the viewer wants to be notified.",
        guard=Scope.NOTIFICATIONS_WRITE,
    )
    notifications_unsubscribe: BasicPayload | None = mutation(
        resolvers.notification_settings.unsubscribe,
        user_inputs.TokenInput,
        "Ends mails of one kind, or all, with the token of the link in a mail; needs no sign-in.",
        guard="public",
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
