"""What goes out is small: text is compressed, and files that have not changed are not sent again."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loantracker import static_files

GZIP = {"HTTP_ACCEPT_ENCODING": "gzip"}


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.django_db
def test_a_page_is_compressed_for_those_who_can_read_it() -> None:
    plain = Client().get(reverse("account_signup"))
    packed = Client().get(reverse("account_signup"), **GZIP)
    assert (plain.get("Content-Encoding"), packed["Content-Encoding"]) == (None, "gzip")
    assert b"</html>" in gzip.decompress(content(packed))
    assert len(content(packed)) < len(content(plain)) / 2
    assert "Accept-Encoding" in plain["Vary"]


@pytest.mark.django_db
def test_a_piece_is_compressed_more_tightly_than_a_page() -> None:
    page, piece = (
        Client().get(reverse("account_signup"), **GZIP, **more) for more in ({}, {"HTTP_HX_REQUEST": "true"})
    )
    assert b"</html>" in gzip.decompress(piece.content)
    assert int(piece["Content-Length"]) == len(piece.content)
    assert (piece["Content-Encoding"], "Accept-Encoding" in piece["Vary"]) == ("gzip", True)
    plain = Client().get(reverse("account_signup"), HTTP_HX_REQUEST="true")
    assert (plain.get("Content-Encoding"), b"</html>" in plain.content) == (None, True)
    lengths = [len(zlib_part(answer.content)) for answer in (page, piece)]
    assert lengths[1] <= lengths[0]


def zlib_part(packed: bytes) -> bytes:
    """Without the header, which is of random length (RFC 1952: ten bytes, a name, a zero)."""
    return packed[packed.index(b"\0", 10) + 1 :]


@pytest.mark.parametrize("name", ["css/components.css", "js/app.js", "icons/sprite.svg", "icons/manifest.webmanifest"])
def test_a_static_text_is_compressed_and_not_sent_twice(name: str) -> None:
    packed = Client().get(f"/static/{name}", **GZIP)
    assert (packed["Content-Encoding"], packed.get("ETag"), "Accept-Encoding" in packed["Vary"]) == ("gzip", None, True)
    assert gzip.decompress(content(packed)).strip()
    assert packed["Cache-Control"] == "max-age=2592000, public"
    again = Client().get(f"/static/{name}", HTTP_IF_MODIFIED_SINCE=packed["Last-Modified"], **GZIP)
    assert (again.status_code, content(again)) == (304, b"")


def test_a_picture_goes_as_it_is() -> None:
    answer = Client().get("/static/icons/icon-192.png", **GZIP)
    assert answer.get("Content-Encoding") is None
    assert content(answer)[:4] == b"\x89PNG"


@pytest.mark.django_db
def test_a_changed_file_has_another_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def address() -> str:
        found = re.search(r'href="(/static/all\.css[^"]*)"', Client().get(reverse("account_signup")).content.decode())
        assert found is not None
        return found[1]

    before = address()
    assert re.fullmatch(r"/static/all\.css\?v=[0-9a-f]{8}", before)
    other = tmp_path / "all.css"
    other.write_text("other")
    monkeypatch.setattr(static_files.finders, "find", lambda name: str(other))
    static_files._version.cache_clear()
    assert address() not in {before, "/static/all.css"}
    static_files._version.cache_clear()


def test_a_file_that_is_not_there_has_its_plain_address() -> None:
    assert static_files.VersionedStorage().url("css/nowhere.css") == "/static/css/nowhere.css"
