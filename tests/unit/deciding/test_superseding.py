"""One that names an earlier event: whose place it takes, and what became of the earlier one when it comes back."""

from __future__ import annotations

from shared.deciding.asked import asked as asks
from shared.deciding.facts import superseded_id
from shared.deciding.history import History
from shared.deciding.items import Replaced
from shared.deciding.routing import route
from shared.deciding.sentences import item_sentence, shown
from shared.model import ids
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from tests.support import samples as a
from tests.unit.deciding.runs import EMAIL, MAIL, SHOW, SHOWN, asked, ends

EARLIER = ids.notification_id("e-1", "order.shipped", "ada")
NAMED = History(superseded_by="n")


def test_one_that_names_another_takes_its_place_and_says_so() -> None:
    mark, item = route(asked(SHOW, n_supersedes="e-1", history=History()))
    slot = superseded_id(a.notification(), 0, EARLIER)
    assert mark == Replaced(rule=Rule.COLLAPSE, slot=slot, notification=EARLIER, named=True)
    assert item == SHOWN, "its row gives way by the name, not as one of the same collapse key"
    said = item_sentence(shown({"type": "replace", "rule": "collapse", "notification": "n-1", "named": True}))
    assert said.text == "It takes the place of n-1, which its sender named."


def test_what_waits_ends_when_it_comes_back() -> None:
    found = route(asked(MAIL, channel=EMAIL, step="mail", event=Kind.RELEASE, history=NAMED))
    assert list(found) == [ends(Reason.SUPERSEDED, Rule.COLLAPSE, "mail", channel=EMAIL)]


def test_a_digest_goes_on_though_the_one_that_holds_it_is_named() -> None:
    assert list(route(asked(SHOW, step="show", event=Kind.RELEASE, digest="d", history=NAMED))) == [SHOWN]


def test_who_has_a_collapse_key_as_well_is_asked_about_both() -> None:
    found = route(asked(SHOW, n_supersedes="e-1", n_collapse_key="k", history=History()))
    assert [item.named for item in found if isinstance(item, Replaced)] == [True, False]


def test_new_ones_do_not_ask_whether_somebody_has_named_them() -> None:
    assert asks(asked(SHOW)) is None
    back = asks(asked(MAIL, channel=EMAIL, step="mail", event=Kind.RETRY))
    assert back is not None
    assert back.superseded == superseded_id(a.notification(), 0, a.ID)
    assert asks(asked(MAIL, channel=EMAIL, step="mail", event=Kind.REDRIVE, forced=True)) is None


def test_tests_and_users_and_lives_are_apart() -> None:
    about = [a.notification(), a.notification(test=True), a.notification(user="bob"), a.notification(tenant="other")]
    assert len({superseded_id(one, life, EARLIER) for one in about for life in (0, 1)}) == 8
