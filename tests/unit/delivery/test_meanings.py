"""What an HTTP status means where a provider says nothing more."""

from __future__ import annotations

import pytest

from services.delivery.core.meanings import Meaning, meaning_of_status

OUR_FAULT, TRANSIENT, DOWN = Meaning.OUR_FAULT, Meaning.TRANSIENT, Meaning.PROVIDER_DOWN


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 202, 299), Meaning.TAKEN),
        ((400, 413, 418, 422, 499), Meaning.PERMANENT),
        ((429,), Meaning.THROTTLED),
        ((401, 402, 403, 404, 405, 407, 501, 505), OUR_FAULT),
        ((100, 199, 300, 301, 302, 307, 399), OUR_FAULT),
        ((408, 409, 425, 500), TRANSIENT),
        ((502, 503, 504, 599, 600), DOWN),
    ],
)
def test_what_a_status_means(statuses: tuple[int, ...], meaning: Meaning) -> None:
    assert {meaning_of_status(status) for status in statuses} == {meaning}
