"""Letters as bytes: read back by a mail program they are what was written."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from hypothesis import given
from hypothesis import strategies as st

from reminders.mime import wire_text


def letter(subject: str = "Due", text: str = "Due\n", html: str = "<p>Due</p>", **more: Any) -> EmailMultiAlternatives:
    made = EmailMultiAlternatives(subject, text, "Loantracker <loan@example.com>", ["a@example.com"], **more)
    made.attach_alternative(html, "text/html")
    return made


def read(wire: bytes) -> Any:
    """What a mail program makes of it once the doubled dots are taken out."""
    assert wire.endswith(b"\r\n")
    assert all(len(line) <= 998 and b"\r" not in line for line in wire.split(b"\r\n"))
    assert wire.isascii()
    return message_from_bytes(wire.replace(b"\r\n..", b"\r\n."), policy=policy.default)


def part(mail: Any, kind: str) -> str:
    return str(mail.get_body((kind,)).get_content()).rstrip("\r\n").replace("\r\n", "\n")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"))


@given(TEXTS, TEXTS)
def test_both_parts_arrive_as_they_were(text: str, html: str) -> None:
    mail = read(wire_text(letter(text=text, html=html)))
    assert [one.get_content_type() for one in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (part(mail, "plain"), part(mail, "html")) == (text.rstrip("\n"), html.rstrip("\n"))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]) | st.just(" ")).map(lambda s: " ".join(s.split())))
def test_any_subject_arrives_as_it_was(subject: str) -> None:
    assert str(read(wire_text(letter(subject=subject)))["Subject"] or "") == subject


@pytest.mark.parametrize(
    "text",
    ["." * 2000, ".\n..\n...\nend", "x" * 5000, "中" * 3000, "=" * 200 + "\n.", " trailing \n\ttabs\t\n", "--=_two"],
)
def test_awkward_texts_arrive_as_they_were(text: str) -> None:
    mail = read(wire_text(letter(text=text, html=text)))
    assert (part(mail, "plain"), part(mail, "html")) == (text.rstrip("\n"), text.rstrip("\n"))


def test_the_headers_are_those_of_the_message() -> None:
    mail = read(
        wire_text(letter(subject="京东白条 ¥1,066.19 明天到期", headers={"Message-ID": "<a@x>", "X-Long": "y" * 2000}))
    )
    assert str(mail["Subject"]) == "京东白条 ¥1,066.19 明天到期"
    assert (str(mail["From"]), str(mail["To"])) == ("Loantracker <loan@example.com>", "a@example.com")
    assert (mail["Message-ID"], str(mail["X-Long"]).replace(" ", "")) == ("<a@x>", "y" * 2000)


def test_mostly_english_text_can_be_read_as_it_is_sent() -> None:
    wire = wire_text(letter(text="Bank of Tests expects ¥1,066.19 by 10 Mar.\n", html="<p>中文中文中文</p>"))
    assert b"Bank of Tests expects =C2=A51,066.19 by 10 Mar." in wire
    assert wire.count(b"Content-Transfer-Encoding: base64") == 1


@pytest.mark.parametrize("more", [{"subject": "a\nBcc: b@x.org"}, {"headers": {"X": "a\r\nb"}}])
def test_no_header_can_be_smuggled_in(more: Any) -> None:
    with pytest.raises(ValueError, match="header"):
        wire_text(letter(**more))


def test_anything_else_goes_the_general_way() -> None:
    made = letter(text="See the file.\n.\n")
    made.attach("bills.csv", "a,b", "text/csv")
    mail = read(wire_text(made))
    assert [one.get_filename() for one in mail.iter_attachments()] == ["bills.csv"]
    assert part(mail, "plain") == "See the file.\n."
