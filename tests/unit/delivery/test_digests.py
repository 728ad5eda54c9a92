"""What a digest looks like on each channel: `digest` in texts and webhooks, the newest one's data elsewhere."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.mailboxes import Mailbox
from services.delivery.channels.in_app.render import WEB_LINKS, render_item
from services.delivery.channels.webhook.compose import payload
from services.delivery.rendering.liquid import MAX_OUTPUT, RenderFailed, context, render
from shared.model.channel_templates import Templates, Variant
from shared.model.channels import Channel
from shared.model.digests import Digest
from shared.model.templates import EmailTemplate, InAppTemplate
from shared.model.workflows import Workflow
from tests.support import samples as a

DIGEST = Digest(count=12, items=(msgspec.Raw(b'{"order":"A7"}'), msgspec.Raw(b'{"order":"A8"}')))
LIST = "{{ digest.count }}:{% for item in digest.items %} {{ item.order }}{% endfor %}"


def flow(**more: object) -> Workflow:
    texts = Templates(in_app=InAppTemplate(title=LIST), email=EmailTemplate(subject=LIST, text="{{ data.order }}"))
    return a.workflow(templates=texts, **more)


def item(**of_delivery: object):
    return render_item(a.delivery(channel=Channel.IN_APP, **of_delivery), flow(), 7, a.NOON)


def test_texts_see_how_many_and_which() -> None:
    values = context(a.delivery(digest=DIGEST))
    assert render(LIST, None, values) == "12: A7 A8"
    assert render("{{ data.order }}", None, values) == "A8"


def test_what_gathered_none_is_a_digest_of_one() -> None:
    values = context(a.delivery())
    assert render(LIST, None, values) == "1: A7"
    assert render("{{ data.order }}", None, values) == "A7"


def test_a_digest_that_shows_none_has_its_own_data() -> None:
    values = context(a.delivery(digest=Digest(count=3, items=())))
    assert render("{{ digest.count }} {{ data.order }}", None, values) == "3 A7"


@pytest.mark.parametrize("text", ["{{ digest.items[2].order }}", "{{ digest.items[0].price }}"])
def test_what_an_item_has_not_is_missing_as_in_data(text: str) -> None:
    with pytest.raises(RenderFailed, match=r"missing:digest\.items"):
        render(text, None, context(a.delivery(digest=DIGEST)))


def test_a_large_one_is_bounded_as_every_text_is() -> None:
    many = Digest(count=10_000, items=(msgspec.Raw(orjson.dumps({"order": "x" * 100})),) * 5_000)
    with pytest.raises(RenderFailed, match="OutputStreamLimitError"):
        render(LIST, None, context(a.delivery(digest=many)))
    assert sum(len(bytes(item)) for item in many.items) > MAX_OUTPUT


def test_an_inbox_item_has_the_newest_data_and_how_many() -> None:
    found = item(digest=DIGEST)
    assert (found.title, bytes(found.data), found.digest_count) == ("12: A7 A8", b'{"order":"A8"}', 12)
    assert (item().data, item().digest_count) == (a.notification().data, None)


def test_a_webhook_carries_it_beside_the_newest_data() -> None:
    body = orjson.loads(payload(a.delivery(channel=Channel.WEBHOOK, digest=DIGEST)))
    assert (body["digest"], body["data"]) == (orjson.loads(msgspec.json.encode(DIGEST)), {"order": "A8"})
    assert "digest" not in orjson.loads(payload(a.delivery(channel=Channel.WEBHOOK)))


def test_an_email_has_the_texts_of_its_variant() -> None:
    other = Variant(key="b", templates=Templates(email=EmailTemplate(subject="B {{ digest.count }}", text="b")))
    sender, workflow = Mailbox(name="", address="us@example.com"), flow(variants=(other,))
    letter = compose(a.delivery(digest=DIGEST, variant="b"), workflow, sender, WEB_LINKS)
    assert letter.subject == "B 12"
    plain = compose(a.delivery(digest=DIGEST), workflow, sender, WEB_LINKS)
    assert plain.subject == "12: A7 A8"
