"""The pages say what the code says, and their links lead somewhere."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs"
FROM_CODE = runpy.run_path(str(FOLDER / "_ext" / "from_code.py"))
MARK = re.compile(r"^<!-- from code: (\w+) -->$", re.MULTILINE)
TEXTS = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
PAGES = {name: text for name, text in TEXTS.items() if MARK.search(text)}


def test_every_text_has_its_page():
    """Each text that is made from code stands in one page."""
    pages = "".join(TEXTS.values())
    placed = MARK.findall(pages)

    assert placed == re.findall(r"<!-- end of (\w+) -->", pages)
    assert sorted(placed) == sorted(FROM_CODE["TEXTS"])
    built = re.findall(r"<!-- at build: (\w+) -->", pages)
    assert sorted(built) == sorted(FROM_CODE["BUILT"])


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name):
    """A marked page is as the code is; `make golden` writes it anew."""
    page = PAGES[name]

    assert page == FROM_CODE["current"](page)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_to_files(name):
    """Sphinx checks the links of docs/; nobody clicks all those of the other pages."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / name).read_text("utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_rooms_are_listed_in_their_order():
    """The page on the inside has the layers as import-linter holds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    layers = [layer for layer in contract["layers"] if layer != "__main__"]

    assert "\n".join(layers).replace("(", "").replace(")", "") in TEXTS["inside.md"]
