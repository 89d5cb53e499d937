"""Signs URLs, such as those of the local store: who has one may do what it says, until it expires, and nothing else.

A URL is the right itself, as S3's presigned ones are: neither cookie nor token is read, so pages of any origin may use it. The
signature covers the method, the key and all parameters of the object.
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
    """Signs and verifies the URLs below a path of one server, at its public `origin`. `secret` is the same in all its
    processes."""

    def __init__(self, secret: bytes, origin: str, path: str = PATH) -> None:
        self._secret, self._origin, self._path = secret, origin, path

    def sign(self, method: str, key: str, params: Mapping[str, str | int], *, expires: int) -> str:
        """A URL that expires at `expires` (seconds since 1970), with the parameters in its query."""
        signed = {**{name: str(value) for name, value in params.items()}, "expires": str(expires)}
        query = urlencode({**signed, "signature": self._signature(method, key, signed)})
        return f"{self._origin}{self._path}/{quote(require_key(key))}?{query}"

    def verify(self, method: str, key: str, query: Mapping[str, str]) -> bool:
        """Whether this server signed all parameters of the query, and the URL has not expired."""
        signed = {name: value for name, value in query.items() if name != "signature"}
        signature = self._signature(method, key, signed)
        if not hmac.compare_digest(signature.encode(), query.get("signature", "").encode()):
            return False
        return int(signed["expires"]) > time.time()

    def _signature(self, method: str, key: str, params: Mapping[str, str]) -> str:
        text = json.dumps([method, key, sorted(params.items())], separators=(",", ":"))
        return urlsafe_b64encode(hmac.digest(self._secret, text.encode(), hashlib.sha256)).decode().rstrip("=")
