"""Which keys of a set are taken, each for one algorithm."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.gateway.core.limits import MAX_TOKEN_KEYS
from services.gateway.keys.key_set import UnusableKeySet, parse_key_set
from tests.support.token_keys import Signer, key_set

RSA, EC, ED = Signer("rsa", "RS256"), Signer("ec", "ES256"), Signer("ed", "EdDSA")
SHORT = RSAAlgorithm.to_jwk(rsa.generate_private_key(65_537, 1_024).public_key(), as_dict=True)
P384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)


def test_the_algorithm_is_the_keys() -> None:
    found = parse_key_set(key_set(RSA.jwk(alg="RS256"), EC, ED.jwk(use="sig", key_ops=["verify"], more={"x": 1})))
    assert {kid: key.algorithm_name for kid, key in found.keys.items()} == {
        "rsa": "RS256",
        "ec": "ES256",
        "ed": "EdDSA",
    }
    assert found.left_out == 0


@pytest.mark.parametrize(
    "left_out",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"},
        {"kty": "oct", "kid": "rsa"},
        RSA.jwk(alg="HS256"),
        RSA.jwk(alg="none"),
        RSA.jwk(alg=""),
        RSA.jwk(alg=["RS256"]),
        RSA.jwk(alg="PS256"),
        RSA.jwk(alg="ES256"),
        RSA.jwk(kty="EC"),
        RSA.jwk(use="enc"),
        RSA.jwk(key_ops=["sign"]),
        RSA.jwk(key_ops=[]),
        RSA.jwk(n=7),
        RSA.jwk(n=None),
        RSA.jwk(n=""),
        RSA.jwk(e="AA"),
        RSA.jwk(kid=7),
        RSA.jwk(d="c2VjcmV0"),
        {"kid": "rsa", **SHORT},
        EC.jwk(kid="rsa", d="c2VjcmV0"),
        EC.jwk(kid="rsa", crv="P-384"),
        EC.jwk(kid="rsa", x="AAAA"),
        EC.jwk(kid="rsa", y=EC.jwk()["x"]),
        P384 | {"kid": "rsa"},
        P384 | {"kid": "rsa", "alg": "ES256"},
        ED.jwk(kid="rsa", crv="X25519"),
        ED.jwk(kid="rsa", x="AAAA"),
        None,
        7,
        [],
        "rsa",
        {},
    ],
)
def test_what_is_no_public_key_for_signatures_of_ours_is_left_out(left_out: object) -> None:
    found = parse_key_set(json.dumps({"keys": [left_out, EC.jwk()]}).encode())
    assert (list(found.keys), found.left_out) == (["ec"], 1)


def test_of_two_keys_with_one_id_the_first_counts() -> None:
    found = parse_key_set(key_set(EC, ED.jwk(kid="ec")))
    assert found.find("ec").algorithm_name == "ES256"
    assert found.left_out == 1


def test_who_names_no_key_means_the_only_one() -> None:
    assert parse_key_set(key_set(EC)).find(None) is not None
    assert parse_key_set(key_set(EC.jwk(kid=None))).find(None) is not None
    assert parse_key_set(key_set(EC, ED)).find(None) is None
    assert parse_key_set(key_set(EC.jwk(kid=None))).find("ec") is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON Web Key Set"),
        (b"<html>", "no JSON Web Key Set"),
        (b"\xff\xfe", "no JSON Web Key Set"),
        (b"[]", "no JSON Web Key Set"),
        (b'{"keys": {}}', "no JSON Web Key Set"),
        (b'{"keys": [' + b"[" * 100_000, "no JSON Web Key Set"),
        (b'{"keys": []}', "none of its 0 keys"),
        (key_set(RSA.jwk(use="enc")), "none of its 1 keys"),
        (b'{"keys": [' + b"1," * MAX_TOKEN_KEYS + b"1]}", f"may have {MAX_TOKEN_KEYS}"),
    ],
)
def test_what_is_no_usable_set_is_said(body: bytes, said: str) -> None:
    with pytest.raises(UnusableKeySet, match=said):
        parse_key_set(body)
