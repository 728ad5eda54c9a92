"""The texts of a workflow, by channel: which parts each channel's template has."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.tracking import Tracked

Text = str | dict[str, str]
"""A Liquid template, or one per locale (BCP 47)."""


class InAppButton(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Either `url`, which opens, or `action`, a name that the client knows."""

    label: Text
    url: Text | None = None
    action: str | None = None


class InAppTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an inbox row shows. `type` groups rows for clients, as `new_message`."""

    title: Text
    body: Text = ""
    url: str | None = None
    type: str | None = None
    buttons: tuple[InAppButton, ...] = ()
    """In their order, MAX_BUTTONS at most."""
    data: dict[str, str] | None = None
    """What clients get of the data: paths by name, `{issue: data.issues}`; None: all of it."""


class EmailTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A multipart message; without `html` and `mjml` only the text part is sent."""

    subject: Text
    text: Text
    html: Text | None = None
    mjml: Text | None = None
    """Instead of `html`: what becomes it."""
    track: tuple[Tracked, ...] = ()
    """What of its HTML part is told by statuses: nothing, unless it is asked for."""


class PushTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a device shows; `url` opens when it is tapped."""

    title: Text
    body: Text = ""
    url: str | None = None


class SmsTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One text of at most ten parts, as providers count them."""

    text: Text


class WhatsAppTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `text`, which goes out within 24 h of what the recipient wrote last, or a template that Meta approved."""

    text: Text | None = None
    template: str | None = None
    """Its name at Meta."""
    language: Text | None = None
    """Which of its languages, as Meta writes it: `en_US`; or one per locale."""
    parameters: tuple[Text, ...] = ()
    """What stands in the places of its body, in their order."""
    url_parameter: Text | None = None
    """What follows the address of its first button."""


class ParseMode(StrEnum):
    """How Telegram reads a text that is not plain."""

    HTML = "HTML"


class TelegramButton(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A button below the message that opens a link."""

    text: Text
    url: Text


class TelegramTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text of at most 4,096 UTF-16 units; what data puts into an HTML one is escaped."""

    text: Text
    parse_mode: ParseMode | None = None
    button: TelegramButton | None = None


class ChatTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message in Slack's mrkdwn, a title above it and a link below."""

    text: Text
    title: Text | None = None
    url: str | None = None


class AppriseTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plain text, and a title where the service shows one; else it stands above the text."""

    text: Text
    title: Text | None = None


MAX_BUTTONS: Final = 3
MAX_MEMBERS: Final = 50
"""Of the data that an inbox item chooses."""
NO_TEXTS: Final = frozenset({"data", "track"})
"""Parts whose values are paths, or names."""
PARTS_SINCE: Final = 2
"""The format of a template with `mjml` or `track`, or with buttons or chosen data of an inbox item."""


def format_of(template: msgspec.Struct | None) -> int:
    """The smallest that reads it."""
    match template:
        case EmailTemplate(mjml=str() | dict()) | EmailTemplate(track=(_, *_)):
            return PARTS_SINCE
        case InAppTemplate(buttons=(_, *_)) | InAppTemplate(data=dict()):
            return PARTS_SINCE
        case _:
            return formats.OLDEST
