"""Templates of mails: what people typed is text in them, in HTML, in text and in the subject."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from mail.rendering import MailTemplates, RenderedMail

ORIGIN = "https://hive.example.com"
URL = f"{ORIGIN}/reset?token=a&next=%2F"


def render(**changes: object) -> RenderedMail:
    values: dict[str, object] = {
        "heading": "Choose a new password",
        "paragraphs": ["Somebody asked for a new password.", "The link works for an hour."],
        "url": URL,
        "label": "Choose a password",
        "reason": "You get this because your address was entered.",
    }
    return MailTemplates(ORIGIN).render("action", **values | changes)


def test_a_mail_says_the_same_in_text_and_in_html() -> None:
    mail = render()
    assert mail.subject == "Choose a new password"
    assert mail.text == (
        "Choose a new password\n\nSomebody asked for a new password.\n\nThe link works for an hour.\n\n"
        f"Choose a password:\n{URL}\n\n-- \nYou get this because your address was entered.\nPantheraHive, {ORIGIN}\n"
    )
    assert "<h1>Choose a new password</h1>" in mail.html
    assert f'href="{URL.replace("&", "&amp;")}"' in mail.html
    assert "prefers-color-scheme: dark" in mail.html


def test_markup_that_people_typed_is_shown_and_not_run() -> None:
    mail = render(heading="<script>alert(1)</script>", paragraphs=['"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}{% raw %}"])
    assert "<script" not in mail.html
    assert "<img" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in mail.html
    assert "{{ 7 * 7 }}{% raw %}" in mail.html
    assert mail.subject == "<script>alert(1)</script>"


def test_a_typed_text_is_one_line_of_the_text_and_of_the_subject() -> None:
    mail = render(heading="Hi\r\nBcc: eve@evil.example", paragraphs=["a\n\n-- \nYour account was closed: http://evil.example"])
    assert mail.subject == "Hi Bcc: eve@evil.example"
    assert "a -- Your account was closed: http://evil.example\n" in mail.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a.example/ b"])
def test_only_links_to_the_web_stand_in_a_mail(url: str) -> None:
    with pytest.raises(ValueError, match="only links to the web"):
        render(url=url)


def test_a_value_that_is_missing_is_a_bug() -> None:
    with pytest.raises(UndefinedError):
        MailTemplates(ORIGIN).render("action", heading="Hi")


def test_a_template_of_another_folder_uses_the_layout(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("Subject: Hello {{ name|line }}\n\nHello {{ name|line }}.\n")
    (tmp_path / "hello.html").write_text('{% extends "layout.html" %}{% block content %}<p>Hello {{ name }}.</p>{% endblock %}')
    mail = MailTemplates(ORIGIN, folder=tmp_path).render("hello", name="O'Brien & Sons")
    assert (mail.subject, mail.text) == ("Hello O'Brien & Sons", "Hello O'Brien & Sons.\n")
    assert "<p>Hello O&#39;Brien &amp; Sons.</p>" in mail.html
    assert "<title>Hello O&#39;Brien &amp; Sons</title>" in mail.html
