"""Forged access tokens: 5,000 of them, of every kind that RFC 8725 and RFC 9700 know, and not one is accepted."""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from auth.keys import SigningKey, SigningKeys
from auth.tokens import AccessTokens
from domain.errors import Unauthenticated
from domain.session import Device, Session, open_session
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.teams import create_person

ISSUER = "https://hive.example"
FORGERIES = 5_000
Forge = Callable[[random.Random], str]


def part(value: Any) -> str:
    """A part of a compact JWS."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forger:
    """Somebody who knows the public keys, and one valid token, but no private key."""

    def __init__(self, key: ECKey, session: Session, valid: str) -> None:
        self.public = key
        self.kid = key.kid
        self.session = session
        self.valid = valid
        self.own = ECKey.generate_key("P-256", auto_kid=True)
        self.rsa = RSAKey.generate_key(2048)

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(self.session.user_id),
            "sid": str(self.session.id),
            "iat": now,
            "exp": now + 600,
            "scope": "TASKS_READ",
        }
        return {name: value for name, value in (usual | changed).items() if value is not None}

    def header(self, **changed: Any) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "at+jwt", "kid": self.kid} | changed

    def signed_by_own(self, header: dict[str, Any], **claims: Any) -> str:
        return jwt.encode(header, self.claims(**claims), self.own, algorithms=["ES256"])

    def unsigned(self, draw: random.Random) -> str:
        alg = draw.choice(["none", "None", "NONE", "nOnE", "", None, "ES256"])
        return f"{part(self.header(alg=alg))}.{part(self.claims())}.{draw.choice(['', 'AA', part(draw.randbytes(64))])}"

    def symmetric_with_public_key(self, draw: random.Random) -> str:
        alg, hashed = draw.choice([("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)])
        secret = draw.choice(
            [
                self.public.as_pem(private=False),
                self.public.as_der(private=False),
                json.dumps(self.public.as_dict(private=False)).encode(),
                str(self.public.as_dict(private=False)["x"]).encode(),
                b"",
            ]
        )
        signed = f"{part(self.header(alg=alg))}.{part(self.claims())}"
        return f"{signed}.{part(hmac.new(secret, signed.encode(), hashed).digest())}"

    def another_algorithm(self, draw: random.Random) -> str:
        alg = draw.choice(["RS256", "PS256", "RS512"])
        return jwt.encode(self.header(alg=alg), self.claims(), self.rsa, algorithms=[alg])

    def unknown_key(self, draw: random.Random) -> str:
        kid = draw.choice([self.own.kid, "", "../../dev/null", "' OR 1=1 --", "x" * 200, 7, None, [self.kid], {"a": 1}])
        token = self.signed_by_own(self.header(kid=self.own.kid))
        return f"{part(self.header(kid=kid))}.{token.partition('.')[2]}"

    def known_key_of_another(self, draw: random.Random) -> str:
        return self.signed_by_own(self.header(), scope=draw.choice(["TASKS_READ", "ADMIN"]))

    def key_in_the_header(self, draw: random.Random) -> str:
        public = self.own.as_dict(private=False)
        brought: dict[str, Any] = draw.choice(
            [
                {"jwk": public},
                {"jku": "https://evil.example/jwks.json"},
                {"x5u": "https://evil.example/cert.pem"},
                {"x5c": [part(draw.randbytes(40))]},
                {"jwk": public, "kid": self.own.kid},
            ]
        )
        token = self.signed_by_own(self.header())
        return f"{part(self.header(**brought))}.{token.partition('.')[2]}"

    def critical_extension(self, draw: random.Random) -> str:
        crit = draw.choice([["exp"], ["b64"], ["x"], [], "x", {"x": 1}])
        token = self.signed_by_own(self.header())
        return f"{part(self.header(crit=crit, x=1, b64=False))}.{token.partition('.')[2]}"

    def tampered(self, draw: random.Random) -> str:
        head, body, signature = self.valid.split(".")
        changed = json.loads(base64.urlsafe_b64decode(body + "=="))
        changed |= draw.choice([{"scope": "ADMIN"}, {"sub": str(self.session.id)}, {"exp": 4102444800}, {"aud": "x"}])
        return f"{head}.{part(changed)}.{signature}"

    def broken_signature(self, draw: random.Random) -> str:
        head, body, signature = self.valid.split(".")
        raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
        raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        return f"{head}.{body}.{draw.choice([part(bytes(raw)), part(bytes(64)), part(b''), signature[:-8], signature * 2])}"

    def der_signature(self, draw: random.Random) -> str:
        head, body, signature = self.valid.split(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        return f"{head}.{body}.{part(b'0' + bytes([68, 2, 32]) + raw[:32] + bytes([2, 32]) + raw[32:])}"

    def nested_or_garbage(self, draw: random.Random) -> str:
        return draw.choice(
            [
                part(b"[" * 2_000) + ".e30.e30",
                f"{part([])}.{part({})}.{part(b'x')}",
                f"{part(self.header())}.{part(b'not json')}.{part(b'x')}",
                ".".join(part(draw.randbytes(20)) for _ in range(draw.choice([1, 2, 4, 5]))),
                f"{self.valid}.{part(b'x')}",
                self.valid.replace(".", "..", 1),
                "hive_pat_" + part(draw.randbytes(32)),
                part(draw.randbytes(3_000)),
            ]
        )

    def encrypted(self, draw: random.Random) -> str:
        head = part({"alg": "dir", "enc": "A256GCM", "typ": "at+jwt", "kid": self.kid})
        return f"{head}..{part(draw.randbytes(12))}.{part(draw.randbytes(80))}.{part(draw.randbytes(16))}"

    def all(self) -> list[Forge]:
        """Every kind of forgery."""
        return [
            *(self.unsigned, self.symmetric_with_public_key, self.another_algorithm, self.unknown_key),
            *(self.known_key_of_another, self.key_in_the_header, self.critical_extension, self.tampered),
            *(self.broken_signature, self.der_signature, self.nested_or_garbage, self.encrypted),
        ]


@pytest.fixture
async def forger(app: App) -> tuple[Forger, AccessTokens, ECKey]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    assert key.kid is not None
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        session, _ = await open_session(uow, (await create_person(uow, "Forged")).user, Device())
    tokens = AccessTokens(SigningKeys([SigningKey(key.kid, key, 0.0)]), app.resources.database, issuer=ISSUER)
    return Forger(key, session, tokens.issue(session)), tokens, key


async def test_no_forged_token_is_accepted(forger: tuple[Forger, AccessTokens, ECKey]) -> None:
    forged, tokens, _ = forger
    draw = random.Random(9700)
    kinds = forged.all()
    for number in range(FORGERIES):
        kind = kinds[number % len(kinds)]
        token = kind(draw)
        with pytest.raises(Unauthenticated) as refused:
            await tokens.authenticate(f"Bearer {token}")
        assert refused.type is Unauthenticated, (kind.__name__, token)
    assert len(tokens._verified_tokens) == 0
    assert await tokens.authenticate(f"Bearer {forged.valid}") is not None


def signed_wrongly(now: int) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Header and claims that the server's own key signed, as it would if it signed tokens of other kinds."""
    for name, wrong in (
        ("expired", {"exp": now - 1}),
        ("far in the future", {"nbf": 4102444800}),
        ("of another issuer", {"iss": "https://evil.example"}),
        ("for another audience", {"aud": "https://evil.example"}),
        ("for many audiences but us", {"aud": ["https://a.example", "https://b.example"]}),
        ("without an audience", {"aud": None}),
        ("without an end", {"exp": None}),
        ("for nobody", {"sub": None}),
        ("for an unknown scope", {"scope": "EVERYTHING"}),
    ):
        yield name, {}, wrong
    for typ in ("JWT", "jwt", None, "id+jwt", "logout+jwt", "dpop+jwt", "at+jwt "):
        yield f"of type {typ}", {"typ": typ}, {}


@pytest.mark.parametrize(
    ("header", "claims"), [(h, c) for _, h, c in signed_wrongly(1_000)], ids=[n for n, _, _ in signed_wrongly(0)]
)
async def test_a_token_of_the_right_key_but_the_wrong_kind_is_refused(
    forger: tuple[Forger, AccessTokens, ECKey], header: dict[str, Any], claims: dict[str, Any]
) -> None:
    forged, tokens, key = forger
    whole = {name: value for name, value in forged.header(**header).items() if value is not None}
    token = jwt.encode(whole, forged.claims(**claims), key, algorithms=["ES256"])
    with pytest.raises(Unauthenticated):
        await tokens.authenticate(f"Bearer {token}")
