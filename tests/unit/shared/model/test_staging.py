"""Where a test goes: nowhere, unless its tenant says so."""

from __future__ import annotations

import pytest

from shared.model.formats import OLDEST
from shared.model.staging import SendMode, Staging, mode_of
from tests.support import samples as a

ADA = "ada@example.com"
REDIRECT = Staging(redirect={"email": "qa@acme.example"})


@pytest.mark.parametrize(
    ("test", "staging", "mode", "address"),
    [
        (False, None, SendMode.LIVE, ADA),
        (False, REDIRECT, SendMode.LIVE, ADA),
        (False, Staging(everything=True), SendMode.SIMULATED, ADA),
        (True, None, SendMode.SIMULATED, ADA),
        (True, Staging(), SendMode.SIMULATED, ADA),
        (True, REDIRECT, SendMode.REDIRECTED, "qa@acme.example"),
        (True, Staging(redirect={"sms": "+4915112345678"}), SendMode.SIMULATED, ADA),
        (True, Staging(allow={"email": (ADA,)}, redirect={"email": "qa@acme.example"}), SendMode.LIVE, ADA),
        (True, Staging(allow={"email": ("@Example.com",)}), SendMode.LIVE, ADA),
        (True, Staging(allow={"email": ("@ample.com",)}), SendMode.SIMULATED, ADA),
        (True, Staging(allow={"sms": (ADA,)}), SendMode.SIMULATED, ADA),
    ],
)
def test_mode(test: bool, staging: Staging | None, mode: SendMode, address: str) -> None:
    assert mode_of("email", ADA, test=test, staging=staging) == (mode, address)


def test_a_version_that_knows_no_tests_leaves_them_alone() -> None:
    assert a.notification(test=True).format > a.notification().format == OLDEST
