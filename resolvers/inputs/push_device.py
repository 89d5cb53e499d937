"""Defines the input of `pushDeviceRegister`."""

from domain.push_device import PushPlatform
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required

graphql_enum(
    PushPlatform,
    "By which service a device is sent pushes.",
    APNS="Apple's, to an app.",
    FCM="Google's, to an app.",
    WEB="That of a browser (Web Push).",
)


@input_type("Input of `pushDeviceRegister`.")
class PushDeviceRegisterInput:
    """Input of `pushDeviceRegister`."""

    platform: PushPlatform = required("By which service it is reached.")
    token: str = required(
        "What the platform gave the app; of a browser the JSON of its PushSubscription, made with `server.pushPublicKey`."
    )
    label: str | None = optional("What the viewer calls it.")
    client_mutation_id: str | None = client_mutation_id()
