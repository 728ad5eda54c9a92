"""What a caller says of the items that are meant, in a query or in a body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final
from unicodedata import category as unicode_category

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema

from services.gateway.core.limits import MAX_SEARCH_CHARACTERS, MAX_SEARCH_WORDS
from services.gateway.inbox.filters import InboxFilter
from services.gateway.inbox.types import UnknownNotificationType, type_filter
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.model.notifications import Priority
from shared.model.timestamps import parse_rfc3339, to_datetime
from shared.model.users import User

MAX_NAME: Final = 200


def _milliseconds(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("an RFC 3339 time, as text")  # noqa: TRY004  # pydantic makes a fault of this one only
    try:
        found = parse_rfc3339(value)
        to_datetime(found)  # an offset, or rounding, leads out of the years 1 to 9999
    except (ValueError, OverflowError) as error:
        hint = "; in a URL + is %2B" if " " in value else ""
        raise ValueError(f"{error}{hint}") from error
    return found


def _words(text: str) -> str:
    if any(unicode_category(character) == "Cc" for word in text.split() for character in word):
        raise ValueError("has a control character")
    if len(text.split()) > MAX_SEARCH_WORDS:
        raise ValueError(f"has more than {MAX_SEARCH_WORDS} words")
    return text


Moment = Annotated[
    int, BeforeValidator(_milliseconds), WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64})
]
NotificationType = Annotated[str | None, Query(max_length=MAX_NAME, description="only this type, as `new_message`")]
OnlyCategory = Annotated[str | None, Query(max_length=MAX_NAME, description="only of workflows of this category")]
OnlyPriority = Annotated[Priority | None, Query(description="only of this priority")]
Since = Annotated[Moment | None, Query(description="only what was created then or later, RFC 3339")]
Until = Annotated[Moment | None, Query(description="only what was created before then, RFC 3339")]
UnreadOnly = Annotated[bool, Query(description="only what was not read")]
UnseenOnly = Annotated[bool, Query(description="only what was neither seen nor read")]
Archived = Annotated[bool, Query(description="only archived ones, instead of none")]
Snoozed = Annotated[bool, Query(description="only snoozed ones, instead of none")]
Search = Annotated[
    str,
    AfterValidator(_words),
    Query(
        max_length=MAX_SEARCH_CHARACTERS,
        description=f"only what has all of these words in its title or body, {MAX_SEARCH_WORDS} at most; "
        "the newest 5,000 items are searched",
    ),
]


class FilterForm(BaseModel):
    """Which items are counted: all of it must hold."""

    model_config = ConfigDict(extra="forbid")

    notification_type: str | None = Field(None, max_length=MAX_NAME)
    category: str | None = Field(None, max_length=MAX_NAME)
    priority: Priority | None = None
    since: Moment | None = None
    until: Moment | None = None
    unread_only: StrictBool = False
    unseen_only: StrictBool = False
    archived: StrictBool = False
    snoozed: StrictBool = False


def asked_form(  # noqa: PLR0917  # FastAPI passes them by name
    notification_type: NotificationType = None,
    category: OnlyCategory = None,
    priority: OnlyPriority = None,
    since: Since = None,
    until: Until = None,
    unread_only: UnreadOnly = False,
    unseen_only: UnseenOnly = False,
    archived: Archived = False,
    snoozed: Snoozed = False,
) -> FilterForm:
    """A FastAPI dependency: the filter in a query."""
    said: dict[str, Any] = locals()
    return FilterForm.model_construct(**said)


def inbox_filter(catalog: Catalog, user: User, form: FilterForm, q: str = "") -> InboxFilter:
    """The filter that a user has asked for. Raises Problem 400 for an unknown type."""
    with unknown_type_is_400():
        only = type_filter(catalog, user.tenant, form.notification_type)
    return InboxFilter(
        type=only,
        category=form.category,
        priority=form.priority,
        since=form.since,
        until=form.until,
        unread_only=form.unread_only,
        unseen_only=form.unseen_only,
        archived=form.archived,
        snoozed=form.snoozed,
        words=tuple(q.split()),
    )


@contextmanager
def unknown_type_is_400() -> Iterator[None]:
    """Says which types there are."""
    try:
        yield
    except UnknownNotificationType as error:
        known = ", ".join(error.known) or "none is published yet (carillon catalog push)"
        raise Problem(400, error.code, error.detail, fix=f"Use one of: {known}.") from error
