"""How an operator names the providers of a channel: `twilio, vonage`, or with weights: `twilio=3, vonage=1`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from typing import Final

from pydantic import SecretStr

from services.delivery.accounts import Providers
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.not_configured import NotConfigured
from services.delivery.channels.sender import Sender
from services.delivery.core.choice import Candidate
from shared.process.settings import PREFIX

MAX_PROVIDERS: Final = 6
DESCRIPTION: Final = (
    "providers, comma separated, in the order in which they are tried; with weights, as `{first}=3`, they take turns in "
    "that proportion; empty: what is for the channel waits. There are {all}"
)


def describe(known: Sequence[str]) -> str:
    """The description of a setting that names providers."""
    return DESCRIPTION.format(first=known[0], all=", ".join(known))


def parse_providers(text: str, known: Collection[str]) -> tuple[Candidate, ...]:
    """The providers in the order in which they are tried; those with a weight take turns in that proportion.

    Raises ValueError, which says what is wrong and what there is.
    """
    found = [_candidate(part.strip(), known) for part in text.split(",") if part.strip()]
    if len({each.name for each in found}) < len(found):
        raise ValueError("name each provider once")
    if len(found) > MAX_PROVIDERS:
        raise ValueError(f"{len(found)} providers: at most {MAX_PROVIDERS} are taken")
    return tuple(found)


def check_providers(text: str, read: Mapping[str, object], needed: Mapping[str, Sequence[str]]) -> str:
    """The setting as it is. `needed`: by provider, the settings without which it cannot send; `read`: those that are.

    Raises ValueError, for what parse_providers refuses, and for what is missing.
    """
    for each in parse_providers(text, needed):
        missing = [name for name in needed[each.name] if not _said(read.get(name))]
        if missing:
            raise ValueError(f"{each.name} needs {', '.join(f'{PREFIX}{name.upper()}' for name in missing)}")
    return text


def _said(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def providers_of(
    context: ChannelContext, candidates: Sequence[Candidate], makers: Mapping[str, Callable[[], Sender]]
) -> Providers:
    """The accounts of a channel: a sender for each provider that is named; where none is, what is for it waits."""
    channel = context.channel
    if not candidates:
        return Providers(channel, {"none": NotConfigured()})
    senders = {each.name: makers[each.name]() for each in candidates}
    tenants = context.tenants
    return Providers(
        channel, senders, candidates, chosen=lambda tenant: tenants.providers(tenant, channel), load=tenants.load
    )


def _candidate(part: str, known: Collection[str]) -> Candidate:
    name, equals, weight = (each.strip() for each in part.partition("="))
    if name not in known:
        close = get_close_matches(name, list(known), n=1)
        likely = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"there is no provider {name[:40]!r}{likely}: there are {', '.join(known)}")
    if not equals:
        return Candidate(name)
    try:
        number = float(weight)
    except ValueError:
        number = 0.0
    if not isfinite(number) or number <= 0:
        raise ValueError(f"{name}={weight[:20]}: a weight is a number above 0, as {name}=3")
    return Candidate(name, number)
