"""Addresses, names and language tags: what people have is taken, what would break a header or a log is not."""

from __future__ import annotations

import pytest

from shared.model.addresses import check_chat, check_email, check_locale, check_name, check_webhook
from shared.model.errors import InvalidProfile
from shared.model.recipients import recipient


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.O'Neil+tag@Example.COM", "Ada.O'Neil+tag@Example.COM"),
        ("info@münchen.de", "info@xn--mnchen-3ya.de"),
        ("info@MÜNCHEN.de", "info@xn--mnchen-3ya.de"),
        ("info@faß.de", "info@xn--fa-hia.de"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"),
        ('"a b"@example.com', '"a b"@example.com'),
        (r'"a\"b\\"@example.com', r'"a\"b\\"@example.com'),
        ('"ada"@example.com', "ada@example.com"),
        (r'"a\da.x"@example.com', "ada.x@example.com"),
        (r'"a\ b"@example.com', '"a b"@example.com'),
        ('""@example.com', '""@example.com'),
        ("try..this@docomo.ne.jp", '"try..this"@docomo.ne.jp'),
        ("ends.@docomo.ne.jp", '"ends."@docomo.ne.jp'),
    ],
)
def test_an_email_address_is_stored_as_mail_servers_take_it(given: str, stored: str) -> None:
    assert check_email(given, "/here") == stored
    assert check_email(stored, "/here") == stored, "what was stored is taken again"


@pytest.mark.parametrize(
    "value",
    [
        "", "@", "a@", ".starts@docomo.ne.jp", "..@docomo.ne.jp", "@b.de", "a b@example.com", "Ada <a@b.de>", "a@b.de (Ada)", "a@b@c.de", "a@[127.0.0.1]",
        "a@-b.de", "a@b..de", "a@b.de.", "a@b_c.de", "a@b.de\n", "a\n@b.de", '"a\nb"@b.de', '"a\x00"@b.de', '"a"b"@b.de',
        '"a\\"@b.de', f"{'x' * 65}@b.de", f"a@{'b.' * 130}de", "a@münchen\u2028.de", "a@\u200b.de", "a@ü\ud800.de",
        "a@" + "ü" * 64 + ".de", "a@" + "ü." * 100_000 + "de",
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_email_address_is_refused(value: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_email(value, "/here")
    assert (refused.value.code, refused.value.pointer) == ("invalid_email", "/here")


def test_a_local_part_in_other_letters_is_refused_with_that_reason() -> None:
    with pytest.raises(InvalidProfile, match="SMTPUTF8"):
        check_email("üser@example.com", "/here")


@pytest.mark.parametrize(
    "name",
    [
        "Ada", "O'Neil-Smith", "山田\u3000太郎", "نرم\u200cافزار", "क्\u200dष", "Jean\u00a0Paul", "Ада", "👩\u200d💻",
        "محمد \u200eAbc", "x" * 200,
    ],
)  # fmt: skip
def test_names_as_people_write_them(name: str) -> None:
    assert check_name(name, "/name") == name


@pytest.mark.parametrize(
    "name",
    [
        "", "x" * 201, "a\nb", "a\rb", "a\tb", "a\0b", "\x1b[31m", "a\x7f", "a\x85b", "a\u2028b", "a\u2029b", "a\ud800b",
        *(f"a{chr(code)}b" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    ],
    ids=ascii,
)  # fmt: skip
def test_names_that_would_break_a_line_or_turn_it_around_are_refused(name: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_name(name, "/name")
    assert (refused.value.code, refused.value.pointer) == ("invalid_name", "/name")


@pytest.mark.parametrize(
    "tag",
    ["en", "pt-BR", "pt-br", "zh-Hant-TW", "en_US", "de-DE-u-co-phonebk", "sl-rozaj-biske", "de_DE.UTF-8",
     "sr_RS@latin", "x-klingon", "i-default", "art-lojban", "es-419", "de-CH-1901"],
)  # fmt: skip
def test_language_tags_are_taken_as_devices_send_them(tag: str) -> None:
    assert check_locale(tag, "/locale") == tag


@pytest.mark.parametrize(
    "tag", ["", "deutsch!", "en US", "en\n", "-en", "en--US", "é", "a" * 9, "en-" * 40 + "US", "4"]
)
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_locale(tag, "/locale")
    assert refused.value.code == "invalid_locale"


def test_a_url_stays_as_it_is() -> None:
    assert check_webhook("https://X.example/a%2Fb?sig=%7E", "/w") == "https://X.example/a%2Fb?sig=%7E"


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/T0/B0/x?y=%2F", "http://127.0.0.1:8025/s", "http://[::1]/s"]
)
def test_chat_is_https_or_this_machine(url: str) -> None:
    assert check_chat(url, "/chat") == url


@pytest.mark.parametrize(
    "url",
    ["http://hooks.slack.com/services/secret", "http://127.0.0.1.example.com/secret", "https://u:secret@hooks.slack.com/",
     "ftp://localhost/secret", "https://hooks.slack.com/secret#f", "https://hooks.slack.com/ secret", "https://[secret",
     "https:///secret", "http://127.0.0.1@evil.example/secret", "https://hooks.slack.com/secret\n", "secret",
     "https://hooks.slack.com/secret" + "x" * 2048],
)  # fmt: skip
def test_what_is_no_chat_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_chat(url, "/chat")
    assert (refused.value.code, refused.value.pointer) == ("invalid_chat", "/chat")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"webhook": "https://x.example/A"}, {"webhook": "https://x.example/a"}, False),
        ({"webhook": "https://x.example/?k=A"}, {"webhook": "https://x.example/?k=a"}, False),
        ({"webhook": "HTTPS://X.example/a"}, {"webhook": "https://x.example/a"}, True),
        ({"email": "Ada@Example.com"}, {"email": "ada@example.com"}, True),
        ({"email": "info@münchen.de"}, {"email": "info@XN--mnchen-3ya.de"}, True),
        ({"email": '"ada"@example.com'}, {"email": "Ada@example.com"}, True),
        ({"email": "a..b@docomo.ne.jp"}, {"email": '"a..b"@docomo.ne.jp'}, True),
        ({"phone": "+4915112345678"}, {"phone": "+4915112345679"}, False),
        ({"chat": "https://Hooks.example/A"}, {"chat": "https://hooks.example/A"}, True),
        ({"chat": "https://hooks.example/A"}, {"chat": "https://hooks.example/a"}, False),
    ],
)
def test_who_is_the_same_inline_person(one: object, other: object, same: bool) -> None:
    assert (recipient(one, "").id == recipient(other, "").id) is same


def test_an_inline_person_is_written_to_at_the_stored_form() -> None:
    found = recipient({"email": "info@münchen.de", "name": "山田\u3000太郎", "locale": "en_US"}, "")
    assert found.contact is not None
    assert found.contact.addresses == {"email": "info@xn--mnchen-3ya.de"}
