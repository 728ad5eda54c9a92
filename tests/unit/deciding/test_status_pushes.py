"""Statuses go to the URL that the tenant gave."""

from __future__ import annotations

from shared.deciding.items import Deliver
from shared.deciding.routing import route
from shared.model.channels import Channel
from shared.model.notifications import Contact
from shared.model.own_workflows import STATUSES
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from tests.support import samples as a

URL = "https://bo.example/in"


def test_a_user_who_has_the_same_url_does_not_take_them_over() -> None:
    """Where that user's webhook goes next is no business of the tenant's statuses."""
    about = a.notification(workflow=STATUSES.key, contact=Contact(addresses={"webhook": URL}))
    owner = Owner(user="bo", preferences=Preferences(channel_types={"webhook": False}))
    asked = a.routing_input(notification=about, workflow=STATUSES, profile=None, owner=owner)
    assert route(asked) == (Deliver(channel=Channel.WEBHOOK, step="push", address=URL),)
