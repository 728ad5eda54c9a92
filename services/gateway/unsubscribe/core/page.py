"""The pages of an unsubscribe link: they load nothing, run nothing, and read in light and dark."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from html import escape
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d1d21; --soft: #5c5c66; --paper: #f4f4f6; --card: #fff; --line: #dcdce2; --act: #2b50c8; --on: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf1; --soft: #a9a9b6; --paper: #131316; --card: #1e1e23; --line: #36363f; --act: #9db2ff; --on: #10142b }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif }
main { width: 100%; max-width: 30rem; padding: 2.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
p:last-child { margin-bottom: 0 }
.soft { color: var(--soft); font-size: .9375rem }
button { width: 100%; margin: .5rem 0 1.25rem; padding: .8rem 1.25rem; border: 0; border-radius: 9px; background: var(--act); color: var(--on); font: inherit; font-weight: 600; cursor: pointer }
button:hover { filter: brightness(1.08) }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px }
"""
_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language",
}
FIELD: Final = ("List-Unsubscribe", "One-Click")


class Page(StrEnum):
    """What a page says."""

    ASK = "ask"
    DONE = "done"
    UNKNOWN = "unknown"
    LATER = "later"


_TEXTS: Final[Mapping[str, Mapping[Page, tuple[str, ...]]]] = {
    "en": {
        Page.ASK: (
            "Unsubscribe?",
            "You will get no more messages of the kind “{kind}”.",
            "Unsubscribe",
            "Important messages, such as those about your security, are still sent.",
        ),
        Page.DONE: (
            "You are unsubscribed",
            "You will get no more messages of the kind “{kind}”. One that was already on its way may still arrive.",
            "You can close this page.",
        ),
        Page.UNKNOWN: (
            "This link is not valid",
            "It is incomplete, or the account that it belongs to is closed. Nothing was changed.",
            "Open the link in the e-mail again, or take that of a newer e-mail.",
        ),
        Page.LATER: (
            "That did not work",
            "Your wish could not be stored just now. Please try again in a minute.",
        ),
    },
    "de": {
        Page.ASK: (
            "Abmelden?",
            "Sie erhalten dann keine Nachrichten der Art „{kind}“ mehr.",
            "Abmelden",
            "Wichtige Nachrichten, etwa zu Ihrer Sicherheit, kommen weiterhin.",
        ),
        Page.DONE: (
            "Sie sind abgemeldet",
            "Sie erhalten keine Nachrichten der Art „{kind}“ mehr. Eine, die schon unterwegs war, kann noch ankommen.",
            "Sie können diese Seite schließen.",
        ),
        Page.UNKNOWN: (
            "Dieser Link ist ungültig",
            "Er ist unvollständig, oder das Konto, zu dem er gehört, ist geschlossen. Es wurde nichts geändert.",
            "Öffnen Sie den Link in der E-Mail noch einmal, oder nehmen Sie den einer neueren E-Mail.",
        ),
        Page.LATER: (
            "Das hat nicht geklappt",
            "Ihr Wunsch konnte gerade nicht gespeichert werden. Bitte versuchen Sie es in einer Minute noch einmal.",
        ),
    },
}
LANGUAGES: Final = tuple(_TEXTS)


def page(kind: Page, language: str, about: str = "") -> str:
    """The HTML of a page; `about` is the category or workflow that it names."""
    title, *texts = (escape(text.format(kind=about) if about else text) for text in _TEXTS[language][kind])
    if kind is Page.ASK:
        what, button, rest = texts
        name, value = FIELD
        body = (
            f'<p id="what">{what}</p><form method="post"><input type="hidden" name="{name}" value="{value}">'
            f'<button aria-describedby="what">{button}</button></form><p class="soft">{rest}</p>'
        )
    else:
        first, *others = texts
        role = ' role="status"' if kind is Page.DONE else ""
        body = f"<p{role}>{first}</p>" + "".join(f'<p class="soft">{text}</p>' for text in others)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
