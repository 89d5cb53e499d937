"""How connections end: close codes of the websocket, and the errors behind them."""

from dataclasses import dataclass
from enum import Enum

from domain.errors import (
    CursorExpired,
    DomainError,
    Forbidden,
    InsufficientScope,
    Invalid,
    LimitExceeded,
    NotFound,
    SubscriptionLagged,
    Unauthenticated,
)


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """A close code and its reason."""

    code: int
    reason: str


class StandardClose(Enum):
    """Ends that are no client's error."""

    GOING_AWAY = CloseFrame(1001, "The server is going away.")
    NO_RESPONSE = CloseFrame(4508, "NO_ANSWER")
    TOO_BIG = CloseFrame(1009, "TOO_BIG")
    NORMAL = CloseFrame(1000, "")


def close_frame_for(error: DomainError | None) -> CloseFrame:
    """How a connection ends after an error; the reason is the error's code."""
    match error:
        case None:
            return StandardClose.GOING_AWAY.value
        case Unauthenticated():
            return CloseFrame(4401, error.code)
        case Forbidden() | InsufficientScope():
            return CloseFrame(4403, error.code)
        case NotFound():
            return CloseFrame(4404, error.code)
        case SubscriptionLagged() | CursorExpired():
            return CloseFrame(4508, "RESYNC")
        case Invalid() | LimitExceeded():
            return CloseFrame(4400, error.code)
        case _:
            return CloseFrame(4503, error.code)
