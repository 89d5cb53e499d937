"""The laws of challenges, and that no bytes break the judgement of passkeys."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.relying_party import WebAuthnRelyingParty
from auth.server_secret import ServerSecret
from domain.factor import Factor, FactorKind
from domain.passkey import CHALLENGE_SECONDS, Assertion
from domain.user import User
from tests.support.authenticator import RP_ORIGIN, SoftAuthenticator, decode, encode
from tests.support.examples import examples

NOW = datetime.now(UTC)
ADA = User(id=uuid4(), created_at=NOW, updated_at=NOW, email_address="ada@example.com", first_name="Ada", last_name="Lovelace")


def party_at(origin: str) -> WebAuthnRelyingParty:
    return WebAuthnRelyingParty(ServerSecret("a secret of tests"), origin=origin)


PARTY = party_at(RP_ORIGIN)
DEVICE = SoftAuthenticator(counts=False)
PASSKEY = Factor(
    id=uuid4(),
    user_id=ADA.id,
    kind=FactorKind.PASSKEY,
    label=None,
    created_at=NOW,
    confirmed_at=NOW,
    credential_id=DEVICE.credential_id,
    public_key=DEVICE.public_key,
)


@pytest.fixture(scope="module")
def credentials() -> dict[str, dict[str, Any]]:
    """What the device made and signed. Not at import, as challenges may have run out when a long run comes to these tests."""
    made = DEVICE.create(PARTY.creation_options(ADA, [], audience="x"))
    return {"made": made, "signed": DEVICE.sign(PARTY.request_options(audience="x"))}


def test_the_relying_party_is_the_name_of_the_public_url() -> None:
    named = party_at("https://hive.example.com:8443")
    assert named.is_available
    assert named.request_options(audience="x")["rpId"] == "hive.example.com"
    for loopback in ("http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"):
        assert party_at(loopback).request_options(audience="x")["rpId"] == "localhost"
    assert not party_at("http://192.0.2.7:8000").is_available


async def test_a_server_without_a_name_takes_no_passkey() -> None:
    nameless = party_at("http://192.0.2.7:8000")
    device = SoftAuthenticator(origin="http://192.0.2.7:8000", rp_id="")
    assert await nameless.verify_creation(device.create(nameless.creation_options(ADA, [], audience="x")), audience="x") is None


def test_a_challenge_is_good_for_five_minutes_and_for_its_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    challenge = decode(PARTY.request_options(audience="browser a")["challenge"])
    assert PARTY._issued_at(challenge, "browser a") is not None
    assert PARTY._issued_at(challenge, "browser b") is None
    for place in range(len(challenge)):
        forged = challenge[:place] + bytes([challenge[place] ^ 1]) + challenge[place + 1 :]
        assert PARTY._issued_at(forged, "browser a") is None
        assert PARTY._issued_at(challenge[:place], "browser a") is None
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + CHALLENGE_SECONDS * 10**9)
    assert PARTY._issued_at(challenge, "browser a") is None


_RUNNER = asyncio.Runner()


def judge(credential: Any) -> tuple[bool, bool]:
    """Whether it is taken for a new passkey, and for an assertion."""

    async def run() -> tuple[bool, bool]:
        made = await PARTY.verify_creation(credential, audience="x")
        assertion = Assertion(credential=credential, audience="x")
        return made is not None, await PARTY.verify_assertion(assertion, PASSKEY, needs_user_handle=True) is not None

    return _RUNNER.run(run())


def test_what_a_device_made_and_signed_is_taken(credentials: dict[str, dict[str, Any]]) -> None:
    assert judge(credentials["made"]) == (True, False)
    assert judge(credentials["signed"]) == (False, True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(encode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@examples(25, many=500, database=None)
@given(kind=st.sampled_from(["made", "signed"]), noise=_JSON, place=st.sampled_from(["id", "rawId", "type", "response"]))
def test_no_json_is_taken_for_a_credential(credentials: dict[str, dict[str, Any]], kind: str, noise: Any, place: str) -> None:
    credential = credentials[kind]
    assert judge(noise) == (False, False)
    if noise != credential[place]:
        assert judge(credential | {place: noise}) == (False, False)


@examples(20, many=800, database=None)
@given(kind=st.sampled_from(["made", "signed"]), noise=st.binary(max_size=40), data=st.data())
def test_no_change_of_the_bytes_goes_unnoticed(
    credentials: dict[str, dict[str, Any]], kind: str, noise: bytes, data: st.DataObject
) -> None:
    credential = credentials[kind]
    response = credential["response"]
    name = data.draw(st.sampled_from(sorted(response)))
    whole = decode(response[name])
    start = data.draw(st.integers(0, len(whole)))
    changed = whole[:start] + noise + whole[data.draw(st.integers(start, len(whole))) :]
    taken = judge(credential | {"response": response | {name: encode(changed)}})
    if name != "attestationObject":  # which nobody has signed
        assert any(taken) is (changed == whole)
