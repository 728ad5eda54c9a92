"""What templates are read into is kept, the last used ones, within a bound in bytes."""

from __future__ import annotations

import tracemalloc

import pytest

from services.delivery.rendering import links, liquid
from services.delivery.rendering.cached import OVERHEAD, CachedByBytes


def cache(most: int, made: list[str]) -> CachedByBytes[str, str]:
    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    return CachedByBytes(make, len, max_bytes=most * (OVERHEAD + 1))


def test_the_last_used_are_kept() -> None:
    made: list[str] = []
    kept = cache(2, made)
    assert [kept(key) for key in "abacab"] == list("ABACAB")
    assert made == list("abcb")
    assert (len(kept), kept.bytes) == (2, 2 * (OVERHEAD + 1))


def test_one_that_is_too_large_is_not_kept_and_drives_out_nothing() -> None:
    made: list[str] = []
    kept = cache(1, made)
    for key in ("a", "b" * 9_999, "a", "b" * 9_999):
        kept(key)
    assert [key[0] for key in made] == ["a", "b", "b"]
    assert len(kept) == 1


def test_what_cannot_be_made_is_not_kept() -> None:
    def fail(_: str) -> str:
        raise KeyError

    kept = CachedByBytes(fail, len, max_bytes=9_999)
    with pytest.raises(KeyError):
        kept("a")
    assert (len(kept), kept.bytes) == (0, 0)


def test_templates_are_kept_by_what_they_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty large ones are no 30 times as much memory."""
    bound = 1 << 20
    monkeypatch.setattr(liquid._templates, "_max", bound)
    tracemalloc.start()
    try:
        for number in range(30):
            source = f"{number}" + "{{ data.x }}" * 300
            liquid.render(source, None, {"data": {"x": 1}})
            links._own_schemes(source)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert liquid._templates.bytes <= bound
    assert held < 3 * bound
    assert links._own_schemes.bytes <= links.MAX_BYTES
