"""Public keys of those who sign with ECDSA."""

from __future__ import annotations

from base64 import b64decode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def parse_public_key(text: str) -> EllipticCurvePublicKey:
    """A key as a dashboard shows it: base64 of its DER form, with or without the lines around it. Raises ValueError."""
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines()]
    try:
        key = load_der_public_key(
            b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)
        )
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it is no public key") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("it is a key of another kind than ECDSA's")  # noqa: TRY004  # as pydantic wants it
    return key


def has_signed(key: EllipticCurvePublicKey, signature: str, content: bytes) -> bool:
    """Whether it is the key's signature (base64, SHA-256) of the content."""
    try:
        key.verify(b64decode(signature, validate=True), content, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
