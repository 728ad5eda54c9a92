"""Times: milliseconds, RFC 3339 and datetimes are one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.timestamps import from_datetime, parse_rfc3339, rfc3339, to_datetime


@given(st.integers(0, 4_102_444_800_000))
def test_times_survive_every_form(ms: int) -> None:
    assert from_datetime(to_datetime(ms)) == ms
    assert parse_rfc3339(rfc3339(ms)) == ms


def test_rfc3339() -> None:
    assert rfc3339(1767607872131) == "2026-01-05T10:11:12.131Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert parse_rfc3339("2026-01-05T12:11:12.131+02:00") == 1767607872131
    for text in ("2026-01-05T10:11:12", "2026-01-05", "soon", ""):
        with pytest.raises(ValueError, match=r"."):
            parse_rfc3339(text)
