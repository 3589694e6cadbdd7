"""Four realistic changes in every rendering; `make golden` writes the files anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import external_file

from flow64.render.review import as_data, as_html, as_markdown, as_text
from tests.review.support import CHANGES

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", CHANGES)
def test_markdown(name):
    text = as_markdown(CHANGES[name]())

    assert text == external_file(GOLDEN / f"{name}.md", format=".txt")


@pytest.mark.parametrize("name", CHANGES)
def test_text(name):
    assert as_text(CHANGES[name]()) == external_file(GOLDEN / f"{name}.txt")


@pytest.mark.parametrize("name", CHANGES)
def test_json(name):
    text = json.dumps(as_data(CHANGES[name]()), indent=1, ensure_ascii=False) + "\n"

    assert text == external_file(GOLDEN / f"{name}.json", format=".txt")


@pytest.mark.parametrize("name", CHANGES)
def test_page(name):
    text = as_html(CHANGES[name]())

    assert text == external_file(GOLDEN / f"{name}.html", format=".txt")
