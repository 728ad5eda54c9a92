"""Tokens that must get nobody in, each with a part of the reason that is said."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.token_keys import Signer

AUDIENCE, ISSUER = "carillon", "https://idp.example/"


class Hostile(NamedTuple):
    token: str
    said: str


class Scene(NamedTuple):
    """A verifier's secret and keys, and when it is."""

    secret: str
    rsa: Signer
    ec: Signer
    ed: Signer
    now: int

    def claims(self, **others: object) -> dict:
        """Good ones; None takes one out."""
        good = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "iat": self.now, "exp": self.now + 600}
        return {name: value for name, value in (good | others).items() if value is not None}

    def by_secret(self, secret: bytes | str | None = None, *, header: dict | None = None, **claims: object) -> str:
        """HS256 by hand: PyJWT refuses to sign with what looks like a public key."""
        text = self.unsigned({"alg": "HS256", "typ": "JWT"} | (header or {}), self.claims(**claims))
        key = self.secret if secret is None else secret
        signature = hmac.new(key if isinstance(key, bytes) else key.encode(), text.encode(), hashlib.sha256)
        return f"{text}.{_segment(signature.digest())}"

    def unsigned(self, header: dict, claims: dict) -> str:
        return f"{_segment(json.dumps(header).encode())}.{_segment(json.dumps(claims).encode())}"

    def resigned(self, good: str, signature: bytes) -> str:
        return f"{good.rpartition('.')[0]}.{_segment(signature)}"


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hostile_tokens(scene: Scene) -> dict[str, Hostile]:
    """The table, by what is tried; for a verifier with AUDIENCE and ISSUER."""
    not_signed, unknown, another = "not signed with", "`kid`", "another secret or key"
    return {
        name: Hostile(token, said)
        for tokens, said in (
            (_without_signature(scene), not_signed),
            (_confused(scene), another),
            (_other_algorithms(scene), not_signed),
            (_of_no_key(scene), unknown),
            (_forged(scene), another),
            (_no_jwt(scene), "no JWT"),
        )
        for name, token in tokens.items()
    } | _wrong_claims(scene)


def _without_signature(scene: Scene) -> dict[str, str]:
    found = {
        f"alg {alg}": f"{scene.unsigned({'alg': alg, **kid}, scene.claims())}."
        for alg in ("none", "None", "nOnE", "", None, ["none"], {"alg": "none"})
        for kid in ({}, {"kid": scene.rsa.kid})
    }
    return found | {"no alg": f"{scene.unsigned({'typ': 'JWT'}, scene.claims())}."}


def _confused(scene: Scene) -> dict[str, str]:
    """HS256, with what everybody may know as the secret."""
    public = scene.rsa.public
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "PKCS1": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "JWK": json.dumps(scene.rsa.jwk()).encode(),
        "modulus": scene.rsa.jwk()["n"].encode(),
        "nothing": b"",
    }
    return {
        f"HS256 by {name}, kid {kid}": scene.by_secret(secret, header={"kid": kid} if kid else None)
        for name, secret in secrets.items()
        for kid in (None, scene.rsa.kid)
    }


def _other_algorithms(scene: Scene) -> dict[str, str]:
    claims, kid = scene.claims(), {"kid": scene.rsa.kid}
    signed = {f"{alg} by the key": scene.rsa.token(claims, algorithm=alg) for alg in ("RS512", "PS256")}
    by_secret = {
        f"{alg} by the secret": jwt.encode(claims, scene.secret * 2, algorithm=alg) for alg in ("HS384", "HS512")
    }
    jwe = {"alg": "RSA-OAEP", "enc": "A256GCM", **kid}
    return signed | by_secret | {"JWE of three parts": f"{scene.unsigned(jwe, claims)}.AAAA"}


def _of_no_key(scene: Scene) -> dict[str, str]:
    claims = scene.claims()
    kids = (
        "unknown",
        "",
        "../../../../etc/passwd",
        "https://evil.example/keys",
        "' OR '1'='1",
        "\0",
        "%s%n",
        "k" * 5_000,
    )
    found = {f"kid {kid[:30]!r}": scene.rsa.token(claims, kid=kid) for kid in kids}
    attackers = Signer("attacker", "RS256")
    embedded = {"jwk": attackers.jwk(), "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    return found | {
        "no kid": scene.rsa.token(claims, kid=None),
        "a key of its own": attackers.token(claims, **embedded),
    }


def _forged(scene: Scene) -> dict[str, str]:
    claims = scene.claims()
    rsa, ec, ed = (signer.token(claims) for signer in (scene.rsa, scene.ec, scene.ed))
    own = Signer(scene.rsa.kid, "RS256")
    return {
        "another RSA key under its kid": own.token(claims),
        "another RSA key, embedded": own.token(claims, jwk=own.jwk(), jku="https://evil.example/keys"),
        "another EC key under its kid": Signer(scene.ec.kid, "ES256").token(claims),
        "another Ed25519 key under its kid": Signer(scene.ed.kid, "EdDSA").token(claims),
        "RS256 without a signature": scene.resigned(rsa, b""),
        "ES256 of zeros": scene.resigned(ec, bytes(64)),
        "ES256 too short": scene.resigned(ec, bytes(7)),
        "EdDSA of zeros": scene.resigned(ed, bytes(64)),
        "another secret": scene.by_secret("x" * 32),
    }


def _no_jwt(scene: Scene) -> dict[str, str]:
    good = scene.rsa.token(scene.claims())
    deep = _segment(b"[" * 2_500)
    kids = {
        f"kid {kid!r}": f"{scene.unsigned({'alg': 'RS256', 'kid': kid}, {})}.AAAA" for kid in (7, None, ["rsa"], {})
    }
    return kids | {
        "junk": "junk",
        "dots": "..",
        "JWE of five parts": f"{scene.unsigned({'alg': 'RSA-OAEP', 'enc': 'A256GCM'}, {})}.AAAA.AAAA.AAAA",
        "twice": f"{good}.{good}",
        "a deep header": f"{deep}.{deep}.AAAA",
        "a header that is a list": f"{_segment(b'[]')}.{_segment(b'{}')}.AAAA",
        "claims that are a list": scene.rsa.token([]),
        "b64": f"{scene.unsigned({'alg': 'HS256', 'b64': False, 'crit': ['b64']}, {})}.AAAA",
    }


def _wrong_claims(scene: Scene) -> dict[str, Hostile]:
    now = scene.now
    tried: dict[str, tuple[dict[str, object], str]] = {
        "no exp": ({"exp": None}, "no `exp`"),
        "exp as text": ({"exp": str(now + 600)}, "`exp` is not a number"),
        "exp as a word": ({"exp": "never"}, "`exp` is not a number"),
        "exp without end": ({"exp": 10**400}, "`exp`"),
        "exp in the past": ({"exp": now - 60}, "`exp` is in the past"),
        "exp true": ({"exp": True}, "`exp`"),
        "no iat": ({"iat": None}, "no `iat`"),
        "iat as text": ({"iat": str(now)}, "`iat` is not a number"),
        "iat in the future": ({"iat": now + 300}, "`iat` or `nbf`"),
        "nbf in the future": ({"nbf": now + 300}, "`iat` or `nbf`"),
        "nbf as text": ({"nbf": str(now)}, "`nbf` is not a number"),
        "another aud": ({"aud": "shop"}, "`aud`"),
        "other auds": ({"aud": ["shop", "bank"]}, "`aud`"),
        "no sub": ({"sub": None}, "no `sub`"),
        "an empty sub": ({"sub": ""}, "`sub`"),
        "a sub that is none": ({"sub": "ann\nbob"}, "`sub`"),
        "an empty tenant": ({"tenant": ""}, "`tenant`"),
        "a tenant that is a number": ({"tenant": 7}, "`tenant`"),
        "a tenant that is a path": ({"tenant": "../default"}, "`tenant`"),
        "every tenant": ({"tenant": "*"}, "`tenant`"),
    }
    of_keys: dict[str, tuple[dict[str, object], str]] = {
        "no aud": ({"aud": None}, "`aud`"),
        "an empty aud": ({"aud": []}, "`aud`"),
        "another iss": ({"iss": "https://evil.example/"}, "`iss`"),
        "an iss that begins alike": ({"iss": f"{ISSUER}x"}, "`iss`"),
        "iss in a list": ({"iss": [ISSUER]}, "`iss`"),
        "no iss": ({"iss": None}, "no `iss`"),
    }
    return (
        {f"{name}, by the secret": Hostile(scene.by_secret(**claims), said) for name, (claims, said) in tried.items()}
        | {
            f"{name}, by a key": Hostile(scene.ec.token(scene.claims(**claims)), said)
            for name, (claims, said) in (tried | of_keys).items()
        }
        | {
            "a key of another type": Hostile(scene.ec.token(scene.claims(), kid=scene.rsa.kid), "`alg`"),
            "a key of another type, the other way": Hostile(scene.rsa.token(scene.claims(), kid=scene.ec.kid), "`alg`"),
            "too long": Hostile(scene.by_secret(more="x" * 8_192), "longer than"),
            "a megabyte": Hostile(scene.by_secret(more="x" * 1_000_000), "longer than"),
        }
    )
