"""Signatures of providers: what their own documentation and libraries have as examples, and everything else refused."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from starlette.datastructures import Headers

from services.ingest.callbacks.keys import CallbackKeys, VonageSignature
from services.ingest.callbacks.provider import ProviderCall
from services.ingest.callbacks.sendgrid import SendGridCallbacks
from services.ingest.callbacks.twilio import TwilioCallbacks
from services.ingest.callbacks.vonage import VonageCallbacks, signature

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
OTHER_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R"
    "1NGe1OPzpA=="
)
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="


def twilio(url: str, given: str, fields: Any = FIELDS, token: str = "12345") -> bool:
    call = ProviderCall(url, b"", Headers({"X-Twilio-Signature": given}), urlencode(fields).encode())
    return TwilioCallbacks(token).is_genuine(call)


@pytest.mark.parametrize(
    ("url", "given"),
    [
        (URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace(".com", ".com:1234").replace("https", "http"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_twilios_own_examples(url: str, given: str) -> None:
    assert twilio(url, given)
    assert not twilio(url, given, FIELDS | {"Digits": "1235"})
    assert not twilio(url, given, token="12346")
    assert not twilio(url + "x", given)


def test_twilios_example_of_a_field_that_is_repeated() -> None:
    fields = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    assert twilio(URL, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", fields)


@pytest.mark.parametrize("given", ["", "=", "RSOYDt4T1cUTdK1PDd93", "\xe4", "RSOYDt4T1cUTdK1PDd93/VVr8B8= "])
def test_what_twilio_did_not_sign(given: str) -> None:
    assert not twilio(URL, given)


def test_a_body_that_is_no_form_is_not_genuine() -> None:
    for body in (b"\xff\xfe", b"&".join(b"a%d=1" % number for number in range(1_000))):
        call = ProviderCall(URL, b"", Headers({"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}), body)
        assert not TwilioCallbacks("12345").is_genuine(call)


RECEIPT = {
    "msisdn": "447700900000", "to": "AcmeInc", "network-code": "12345", "messageId": "0A0000001234567B",
    "price": "0.03330000", "status": "delivered", "scts": "2001011400", "err-code": "0", "api-key": "abcd1234",
    "client-ref": "my & personal=reference", "message-timestamp": "2020-01-01 12:00:00", "timestamp": "1582650446",
    "nonce": "ec11dd3e-1e7f-4db5-9467-82b02cd223b9",
}  # fmt: skip
TEXT = (
    "&api-key=abcd1234&client-ref=my _ personal_reference&err-code=0&message-timestamp=2020-01-01 12:00:00"
    "&messageId=0A0000001234567B&msisdn=447700900000&network-code=12345&nonce=ec11dd3e-1e7f-4db5-9467-82b02cd223b9"
    "&price=0.03330000&scts=2001011400&status=delivered&timestamp=1582650446&to=AcmeInc"
)
"""What is signed of it: by name, `&` and `=` of the values as `_`."""


def expected(method: VonageSignature) -> str:
    if method is VonageSignature.MD5_HASH:
        return hashlib.md5((TEXT + "secret").encode()).hexdigest()
    return hmac.new(b"secret", TEXT.encode(), str(method)).hexdigest()


def vonage(fields: dict[str, Any], method: VonageSignature, how: str = "json") -> bool:
    form = urlencode(fields).encode()
    calls = {
        "json": ProviderCall(URL, b"", Headers({"Content-Type": "application/json"}), orjson.dumps(fields)),
        "form": ProviderCall(URL, b"", Headers({"Content-Type": "application/x-www-form-urlencoded"}), form),
        "query": ProviderCall(URL, form, Headers({}), b""),
    }
    return VonageCallbacks("secret", method).is_genuine(calls[how])


@pytest.mark.parametrize("method", VonageSignature)
@pytest.mark.parametrize("how", ["json", "form", "query"])
def test_vonages_signature(method: VonageSignature, how: str) -> None:
    assert signature("secret", method, RECEIPT) == expected(method)
    assert vonage(RECEIPT | {"sig": expected(method)}, method, how)
    assert vonage(RECEIPT | {"sig": expected(method).upper()}, method, how)
    assert not vonage(RECEIPT | {"sig": expected(method), "status": "failed"}, method, how)
    assert not vonage(RECEIPT | {"sig": expected(method)[:-1]}, method, how)
    assert not vonage(RECEIPT, method, how)
    assert not vonage(RECEIPT | {"sig": "\xe4\u0661"}, method, how)


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"sig": {}}', b"1", b"null"])
def test_what_is_no_receipt_is_not_genuine(body: bytes) -> None:
    call = ProviderCall(URL, b"", Headers({"Content-Type": "application/json"}), body)
    assert not VonageCallbacks("secret", VonageSignature.SHA256).is_genuine(call)


def sendgrid(key: str = SENDGRID_KEY, body: bytes = SENDGRID_BODY, **changed: str) -> bool:
    headers = {"signature": SENDGRID_SIGNATURE, "timestamp": "1600112502"} | changed
    named = {f"X-Twilio-Email-Event-Webhook-{name.title()}": value for name, value in headers.items()}
    return SendGridCallbacks(key).is_genuine(ProviderCall(URL, b"", Headers(named), body))


def test_sendgrids_own_example() -> None:
    assert sendgrid()
    assert sendgrid(f"-----BEGIN PUBLIC KEY-----\n{SENDGRID_KEY}\n-----END PUBLIC KEY-----\n")
    assert not sendgrid(OTHER_KEY)
    assert not sendgrid(body=SENDGRID_BODY.rstrip())
    assert not sendgrid(timestamp="1600112503")
    for given in (
        "",
        "x",
        "\xe4",
        "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nl",
    ):
        assert not sendgrid(signature=given)


@pytest.mark.parametrize(
    "key", ["x", "MFkw", SENDGRID_KEY[:-8], "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="]
)
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        CallbackKeys(sendgrid_public_key=key)


def test_a_place_to_call_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="CARILLON_CALLBACK_URL needs it"):
        CallbackKeys(callback_url="https://in.example.com")
    with pytest.raises(ValueError, match="at least 24"):
        CallbackKeys(callback_secret="short")


def test_without_a_key_the_path_alone_says_whose_call_it_is() -> None:
    call = ProviderCall(URL, b"", Headers({}), b"")
    assert TwilioCallbacks("").is_genuine(call)
    assert VonageCallbacks("", VonageSignature.SHA256).is_genuine(call)
