"""The table of channels, and what is derived from it."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from shared.model import ids
from shared.model.addresses import AddressKind
from shared.model.channel_templates import Templates
from shared.model.channels import ADDRESS_KINDS, CHANNEL_SPECS, Channel, Lane
from shared.model.errors import InvalidProfile, InvalidWorkflow
from shared.model.recipients import recipient
from shared.model.templates import InAppTemplate
from shared.model.workflows import parse


def test_every_channel_has_a_row() -> None:
    assert list(CHANNEL_SPECS) == list(Channel)
    assert all(Lane.NORMAL in channel.spec.lanes for channel in Channel)


def test_every_address_that_a_channel_needs_can_be_given() -> None:
    assert all(
        spec.address is None or ADDRESS_KINDS[spec.address.name] is spec.address for spec in CHANNEL_SPECS.values()
    )
    assert list(ADDRESS_KINDS)[:3] == ["email", "phone", "webhook"], "inline people would get other ids"


@pytest.mark.parametrize("kind", ADDRESS_KINDS.values(), ids=list(ADDRESS_KINDS))
def test_an_example_is_right_and_the_schema_knows(kind: AddressKind) -> None:
    jsonschema.Draft202012Validator.check_schema(dict(kind.schema))
    jsonschema.validate(kind.example, dict(kind.schema))
    kind.check(kind.example, "/here")
    with pytest.raises(InvalidProfile) as refused:
        kind.check("\n", "/here")
    assert refused.value.pointer == "/here"
    found = recipient({kind.name: kind.example, "name": "Ada"}, "")
    assert found.contact is not None
    assert (found.id, found.contact.addresses) == (ids.inline_user_id(kind.example), {kind.name: kind.example})


def test_the_first_kind_names_an_inline_person() -> None:
    item = {name: ADDRESS_KINDS[name].example for name in ("webhook", "phone", "email")}
    found = recipient(item, "")
    assert found.id == ids.inline_user_id(item["email"])
    assert found.contact is not None
    assert found.contact.addresses == item


def test_a_workflow_has_texts_for_the_channels_that_need_some() -> None:
    needing = [channel for channel in Channel if channel.spec.template is not None]
    assert list(Templates.__struct_fields__) == needing
    for channel in Channel:
        document = {"key": "k", "category": "c", "steps": [{"key": "only", "channels": [channel]}]}
        if channel in needing:
            with pytest.raises(InvalidWorkflow) as refused:
                parse(document)
            assert (refused.value.code, refused.value.pointer) == ("missing_template", f"/templates/{channel}")
        else:
            parse(document)


def test_texts_for_a_channel_without_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="webhook"):
        msgspec.convert({"webhook": {"text": "Hi"}}, Templates)
    with pytest.raises(msgspec.ValidationError, match=r"templates|in_app"):
        msgspec.convert({"in_app": {"title": "Hi", "subject": "Hi"}}, Templates)


def test_a_workflow_says_nothing_of_channels_that_it_does_not_use() -> None:
    """A version before them reads it: unknown fields are refused there, though they say that there is no text."""
    texts = Templates(in_app=InAppTemplate(title="Hi"))
    assert list(msgspec.to_builtins(texts)) == ["in_app"]
    assert msgspec.convert(msgspec.to_builtins(texts), Templates) == texts
