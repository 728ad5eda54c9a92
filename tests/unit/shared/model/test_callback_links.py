"""Callback links: nobody but who was told one can call, and it says no address."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

from hypothesis import given
from hypothesis import strategies as st

from shared.model.callback_links import CallbackLink, callback_link, read_callback, sign_callback
from shared.model.channels import Channel
from shared.model.owners import address_ids
from shared.model.signed_tokens import MAX_TOKEN, sign_payload
from shared.model.unsubscribing import UnsubscribeLink, sign
from tests.support import samples as a

OLD, NEW = b"old-secret-of-the-callbacks", b"new-secret-of-the-callbacks"
SMS = a.delivery(channel=Channel.SMS, address="+4915112345678", generation=2)
LINK = callback_link(SMS)


def test_it_comes_back_as_it_was_signed_and_fits_a_path() -> None:
    token = sign_callback(LINK, NEW)
    assert read_callback(token, [NEW]) == LINK
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    assert len(token) < 300


def test_it_says_which_generation_and_the_address_only_by_its_id() -> None:
    (address,) = address_ids({"phone": SMS.address})
    assert CallbackLink(tenant="acme", delivery=SMS.id, generation=2, address=address) == LINK
    assert callback_link(SMS, with_address=False).address is None
    payload = sign_callback(LINK, NEW).partition(".")[0]
    assert b"15112345678" not in urlsafe_b64decode(payload + "==")


def test_secrets_are_changed_one_after_the_other() -> None:
    assert read_callback(sign_callback(LINK, OLD), [NEW, OLD]) == LINK
    assert read_callback(sign_callback(LINK, OLD), [NEW]) is None
    assert read_callback(sign_callback(LINK, OLD), []) is None


def test_what_was_signed_for_something_else_is_none() -> None:
    assert read_callback(sign(UnsubscribeLink(tenant="acme", user="ada", delivery=SMS.id), NEW), [NEW]) is None
    for payload in (b"{}", b"[]", b"\xff", b'{"t":1}'):
        assert read_callback(sign_payload(payload, NEW, b"carillon callback 1\n"), [NEW]) is None


@given(st.data())
def test_what_is_changed_in_any_place_is_nobodys(data: st.DataObject) -> None:
    token = sign_callback(LINK, NEW)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    assert read_callback(token[:place] + other + token[place + 1 :], [NEW]) is None


@given(st.text(max_size=2000))
def test_anything_else_is_nobodys(text: str) -> None:
    assert read_callback(text, [NEW]) is None
    assert read_callback("a" * (MAX_TOKEN + 1), [NEW]) is None
