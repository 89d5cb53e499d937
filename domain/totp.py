"""Time-based one-time passwords (RFC 6238), as authenticator apps show them: SHA-1, six digits, steps of 30 seconds.

The algorithm is twenty lines of HMAC, so no library is used; what libraries leave to their callers is here too: a code is good
once, and a clock may be one step off.
"""

import base64
import hmac
import secrets
import struct
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
DIGITS: Final = 6
_SECRET_BYTES: Final = 20  # RFC 4226, section 4: the length of the hash
_TOLERATED_STEPS: Final = 1


def generate_secret() -> bytes:
    """A new secret of 160 bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def step_at(now: datetime) -> int:
    """The number of the step that an instant belongs to."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """The code of a step, with leading zeros."""
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = mac[-1] & 15
    (number,) = struct.unpack(">I", mac[offset : offset + 4])
    return str((number & 0x7FFFFFFF) % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is: that of now, or one before or after it. `after` is the last step that was used: only later
    ones count."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdecimal():
        return None
    found = None
    present = step_at(now)
    for step in range(present - _TOLERATED_STEPS, present + _TOLERATED_STEPS + 1):
        # All are compared, so that the time does not tell which one it was.
        if hmac.compare_digest(code_at(secret, step), digits) and step > after:
            found = step
    return found


def provisioning_uri(secret: bytes, account: str, issuer: str) -> str:
    """The `otpauth:` address that an authenticator app reads from a QR code."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    parameters = {"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer}
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"
