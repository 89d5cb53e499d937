"""Seals, for a cookie, what must be known again of somebody who comes back from an outside provider.

Nothing is stored: the cookie holds it, encrypted and authenticated, for ten minutes. The parameter `state` binds the answer to
the browser, so nobody can be sent back with somebody else's code.
"""

import secrets
import time
import zlib
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

import orjson

from auth.secret_box import SecretBox
from auth.server_secret import ServerSecret

LIFETIME_SECONDS: Final = 600
MAX_COOKIE_CHARS: Final = 3800  # browsers hold 4 KiB with name and attributes
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFlow:
    """Somebody on their way to a provider and back; `app_name` to `returns_to` are those of their visit."""

    provider_id: str
    state: str
    nonce: str
    code_verifier: str
    ends_at: int
    app_name: str
    action: str
    continue_to: str
    returns_to: str | None


class SignInFlows:
    """Begins and recognises flows."""

    def __init__(self, secret: ServerSecret) -> None:
        self._box = SecretBox(secret, "sign-in through outside providers")

    def begin(self, provider_id: str, *, app_name: str, action: str, continue_to: str, returns_to: str | None) -> SignInFlow:
        """A flow with random values of its own."""
        return SignInFlow(
            provider_id=provider_id,
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            code_verifier=secrets.token_urlsafe(48),
            ends_at=int(time.time()) + LIFETIME_SECONDS,
            app_name=app_name,
            action=action,
            continue_to=continue_to,
            returns_to=returns_to,
        )

    def seal(self, flow: SignInFlow) -> str | None:
        """A flow as a cookie holds it; None where it is too long for one."""
        sealed = self._box.encrypt(zlib.compress(orjson.dumps(asdict(flow))), owner=_NOBODY)
        return sealed if len(sealed) <= MAX_COOKIE_CHARS else None

    def unseal(self, sealed: str, *, state: str) -> SignInFlow | None:
        """The flow that an answer with this state belongs to; None for what is none, and once it has ended."""
        opened = self._box.decrypt(sealed, owner=_NOBODY) if len(sealed) <= MAX_COOKIE_CHARS else None
        if opened is None:
            return None
        flow = SignInFlow(**orjson.loads(zlib.decompress(opened)))
        is_own = secrets.compare_digest(flow.state.encode(), state.encode(errors="replace"))
        return flow if is_own and flow.ends_at > time.time() else None
