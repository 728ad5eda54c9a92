"""Which workflow a backend's notification is of."""

from __future__ import annotations

import pytest

from services.gateway.socketio.bookings import workflow_of


@pytest.mark.parametrize(
    ("kind", "new_booking", "workflow"),
    [
        ("new_booking", "facilitators.new_booking", "facilitators.new_booking"),
        ("new_booking", "acme.sessions.booked", "acme.sessions.booked"),
        ("booking_cancelled", "facilitators.new_booking", "facilitators.booking_cancelled"),
        ("booking_cancelled", "acme.sessions.booked", "acme.sessions.booking_cancelled"),
        ("booking_cancelled", "booked", "booking_cancelled"),
    ],
)
def test_types_are_workflows_beside_one_another(kind: str, new_booking: str, workflow: str) -> None:
    assert workflow_of(kind, new_booking) == workflow
