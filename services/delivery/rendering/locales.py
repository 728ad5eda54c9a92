"""Choosing the text of a locale."""

from __future__ import annotations

from shared.model.templates import Text


def localized(text: Text, locale: str | None) -> str:
    """`pt-BR`, then `pt`, then `en`, then whichever comes first (BCP 47 fallback)."""
    if isinstance(text, str):
        return text
    wanted = locale or "en"
    for name in (wanted, wanted.split("-")[0], "en"):
        if name in text:
            return text[name]
    return next(iter(text.values()), "")
