"""Files made of others: what they say, how they go out, and that they are made again when they would be others."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from loantracker import static_files
from loantracker.static_files import Joined, joined, shorter_script, shorter_styles


def test_styles_lose_comments_and_spaces_that_mean_nothing() -> None:
    text = """
    /* Words; and { more } */
    a:hover, .row > li:first-child { color: rgb(0 0 0 / .5);  margin: calc(1px + 2px) 0; }
    @media (max-width: 639px) { .row :is(b, i)::before { content: "· "; } }
    """
    assert shorter_styles(text) == (
        "a:hover,.row > li:first-child{color:rgb(0 0 0 / .5);margin:calc(1px + 2px) 0}"
        '@media (max-width:639px){.row :is(b,i)::before{content:"· "}}'
    )


def test_a_script_loses_indentation_and_lines_of_comment() -> None:
    text = '// What it is for.\n(() => {\n  "use strict";\n\n  // Why.\n  go("//there"); // here\n})();\n'
    assert shorter_script(text) == '(() => {\n"use strict";\ngo("//there"); // here\n})();'


@pytest.mark.parametrize("name", static_files.JOINED)
def test_a_joined_file_goes_out_packed_and_is_not_sent_twice(name: str) -> None:
    packed = Client().get(f"/static/{name}", HTTP_ACCEPT_ENCODING="gzip")
    body = b"".join(packed.streaming_content)
    assert (packed["Content-Encoding"], packed["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(body).decode() == joined(name)
    assert b"".join(Client().get(f"/static/{name}").streaming_content).decode() == joined(name)
    assert packed["Cache-Control"] == "max-age=2592000, public"
    again = Client().get(f"/static/{name}", HTTP_IF_MODIFIED_SINCE=packed["Last-Modified"], HTTP_ACCEPT_ENCODING="gzip")
    assert again.status_code == 304


def test_all_of_the_styles_and_of_the_script_is_in_them() -> None:
    assert joined("all.css").startswith(":root{color-scheme:light;--paper:")
    assert joined("all.css").count("{") == sum(
        shorter_styles((settings.BASE_DIR / "static" / source).read_text()).count("{")
        for source in static_files.JOINED["all.css"]
    )
    assert joined("all.js").startswith("var htmx=")
    assert joined("all.js").endswith("})();")


def test_they_are_made_again_only_when_they_would_be_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(settings, "VAR", tmp_path)
    finder = Joined()
    made = Path(finder.find("all.css"))
    first, day = made.read_text(), made.stat().st_mtime_ns
    assert (made, first) == (tmp_path / "static" / "all.css", joined("all.css"))
    assert (finder.find("all.css", find_all=True), made.stat().st_mtime_ns) == ([str(made)], day)
    monkeypatch.setitem(static_files.JOINED, "all.css", ("css/tokens.css",))
    finder.find("all.css")
    assert made.read_text() == joined("all.css") != first
    assert gzip.decompress(Path(f"{made}.gz").read_bytes()).decode() == joined("all.css")
    assert sorted(path.name for path in made.parent.iterdir()) == ["all.css", "all.css.gz"]


def test_collecting_finds_them_and_no_other_name_is_theirs() -> None:
    assert {path for path, _ in Joined().list(None)} == {"all.css", "all.css.gz", "all.js", "all.js.gz"}
    assert (Joined().find("css/tokens.css"), finders.find("nowhere.css")) == ([], None)
