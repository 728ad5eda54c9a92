"""Unsubscribe links: whoever did not get one cannot make one, and none tells an address."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.channels import Channel
from shared.model.owners import address_ids
from shared.model.signed_tokens import MAX_TOKEN, parse_secrets
from shared.model.unsubscribing import UnsubscribeLink, link_of, read, sign
from tests.support import samples as a

OLD, NEW = b"old-secret-of-unsubscribe-links", b"new-secret-of-unsubscribe-links"
LINK = UnsubscribeLink(tenant="acme", user="ada", life=2, category="orders", delivery=a.delivery().id)


def test_it_comes_back_as_it_was_signed_and_fits_its_line() -> None:
    token = sign(LINK, NEW)
    assert read(token, [NEW]) == LINK
    assert len(token) < MAX_TOKEN / 4


def test_secrets_are_changed_one_after_the_other() -> None:
    assert read(sign(LINK, OLD), [NEW, OLD]) == LINK
    assert read(sign(LINK, OLD), [NEW]) is None
    assert read(sign(LINK, OLD), []) is None


@given(st.data())
def test_what_is_changed_in_any_place_is_nobodys(data: st.DataObject) -> None:
    token = sign(LINK, NEW)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    assert read(token[:place] + other + token[place + 1 :], [NEW]) is None


@given(st.text())
def test_anything_else_is_nobodys(text: str) -> None:
    assert read(text, [NEW]) is None


def test_an_address_is_named_by_its_id_alone() -> None:
    link = link_of(a.delivery(profile_version=0, notification=a.notification(user="hash")), a.workflow())
    assert link is not None
    assert (link.user, link.address) == (None, address_ids({"email": "ada@example.com"})[0])
    payload = sign(link, NEW).partition(".")[0]
    assert b"example.com" not in urlsafe_b64decode(payload + "==")


@pytest.mark.parametrize(
    ("delivery", "workflow", "expected"),
    [
        ({}, {}, ("ada", "orders", None)),
        ({}, {"critical": True}, None),
        ({}, {"category": "$where"}, ("ada", None, "order.shipped")),
        ({"profile_version": 0}, {"category": "$where"}, (None, "$where", None)),
        ({"profile_version": 0, "channel": Channel.IN_APP}, {}, None),
    ],
)
def test_what_a_delivery_is_unsubscribed_from(delivery: Any, workflow: Any, expected: Any) -> None:
    link = link_of(a.delivery(**delivery), a.workflow(**workflow))
    assert (link and (link.user, link.category, link.workflow)) == expected


def test_secrets_are_written_with_commas_or_spaces_and_are_long() -> None:
    assert parse_secrets(f" {NEW.decode()},{OLD.decode()}\n") == (NEW, OLD)
    assert parse_secrets("") == ()
    with pytest.raises(ValueError, match="24"):
        parse_secrets(f"{NEW.decode()},short")
