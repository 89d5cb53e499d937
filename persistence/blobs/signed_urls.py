"""Signed addresses of the local store: who has one may do what it says, until it expires, and nothing else.

An address is the right itself, as S3's presigned ones are: no cookie and no token is looked at, so pages of any origin may use
it. The signature covers the method, the key and all that is promised about the object.
"""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from domain.blob import require_key

PATH = "/blobs"


class UrlSigner:
    """Makes and checks addresses of one server, `origin` being how people reach it. `secret` is the same in all its processes."""

    def __init__(self, secret: bytes, origin: str) -> None:
        self._secret, self._origin = secret, origin

    def sign(self, method: str, key: str, params: Mapping[str, str | int], *, expires: int) -> str:
        """An address that ends at `expires` (seconds since 1970); what is promised stands in its query."""
        told = {**{name: str(value) for name, value in params.items()}, "expires": str(expires)}
        query = urlencode({**told, "signature": self._signature(method, key, told)})
        return f"{self._origin}{PATH}/{quote(require_key(key))}?{query}"

    def verify(self, method: str, key: str, query: Mapping[str, str]) -> bool:
        """Whether this server signed all that the query tells, and it still holds."""
        given = {name: value for name, value in query.items() if name != "signature"}
        signature = self._signature(method, key, given)
        if not hmac.compare_digest(signature.encode(), query.get("signature", "").encode()):
            return False
        return int(given["expires"]) > time.time()

    def _signature(self, method: str, key: str, params: Mapping[str, str]) -> str:
        text = json.dumps([method, key, sorted(params.items())], separators=(",", ":"))
        return urlsafe_b64encode(hmac.digest(self._secret, text.encode(), hashlib.sha256)).decode().rstrip("=")
