"""Judges by the library `webauthn` what devices have made and signed; it is imported once somebody has a passkey."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm

from domain.passkey import NewCredential

ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256 and RS256, by their numbers in COSE."""
MALFORMED: Final = (
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What comes of bytes that nobody's device has made."""
_MAX_CREDENTIAL_ID_BYTES: Final = 1023  # WebAuthn, section 4
_MAX_PUBLIC_KEY_BYTES: Final = 1024  # of which RSA with 4096 bits needs 540


def verify_creation(credential: Mapping[str, Any], challenge: bytes, rp_id: str, origin: str) -> NewCredential | None:
    """The key that a device has made for the challenge, after verifying its user; None for anything else."""
    from webauthn import verify_registration_response
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        if not _is_unattested(credential):
            return None
        made = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(each) for each in ALGORITHMS],
        )
        decoded_public_key_to_cryptography(decode_credential_public_key(made.credential_public_key))
    except (WebAuthnException, *MALFORMED):
        return None
    if len(made.credential_id) > _MAX_CREDENTIAL_ID_BYTES or len(made.credential_public_key) > _MAX_PUBLIC_KEY_BYTES:
        return None
    return NewCredential(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )


def verify_assertion(
    credential: Mapping[str, Any], challenge: bytes, rp_id: str, origin: str, *, public_key: bytes, sign_count: int
) -> int | None:
    """The count of signatures of a device that has signed the challenge with the key, after verifying its user; None for anything
    else, such as a count that is not higher than before."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        verified = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, *MALFORMED):
        return None
    return verified.new_sign_count


def _is_unattested(credential: Mapping[str, Any]) -> bool:
    """Whether no maker of devices vouches for a credential, since none is asked to; a browser may leave what a device says of
    itself in place."""
    from webauthn.helpers import base64url_to_bytes, parse_attestation_object
    from webauthn.helpers.structs import AttestationFormat

    attested = parse_attestation_object(base64url_to_bytes(credential["response"]["attestationObject"]))
    return attested.fmt == AttestationFormat.NONE or (attested.fmt == AttestationFormat.PACKED and not attested.att_stmt.x5c)
