"""The texts of a workflow, by channel: which parts each channel's template has."""

from __future__ import annotations

import msgspec

Text = str | dict[str, str]
"""A Liquid template, or one per locale (BCP 47)."""


class InAppTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an inbox row shows. `type` groups rows for clients, as `new_message`."""

    title: Text
    body: Text = ""
    url: str | None = None
    type: str | None = None


class EmailTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A multipart message; without `html` only the text part is sent."""

    subject: Text
    text: Text
    html: Text | None = None


class PushTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a device shows; `url` opens when it is tapped."""

    title: Text
    body: Text = ""
    url: str | None = None


class SmsTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One text of at most ten parts, as providers count them."""

    text: Text
