"""Builds the claims about a person of ID tokens and of the userinfo endpoint (OpenID Connect Core)."""

import base64
import hashlib
from collections.abc import Collection
from typing import Any

from domain.session import Session
from domain.user import User


def user_claims(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """The claims of a person that the scopes allow."""
    claims: dict[str, Any] = {"sub": str(user.id)}
    if "profile" in scopes:
        claims |= {
            "name": user.display_name,
            "given_name": user.first_name,
            "family_name": user.last_name,
            "locale": user.locale,
            "zoneinfo": user.time_zone,
            "updated_at": int(user.updated_at.timestamp()),
        }
    if "email" in scopes:
        claims |= {"email": user.email_address, "email_verified": user.email_verified_at is not None}
    return claims


def id_token_claims(
    user: User, session: Session, scopes: Collection[str], access_token: str, nonce: str | None
) -> dict[str, Any]:
    """The claims of an ID token, but for issuer, audience and times."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims = user_claims(user, scopes) | {
        "sid": str(session.id),
        "auth_time": int(session.authenticated_at.timestamp()),
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    return claims if nonce is None else claims | {"nonce": nonce}
