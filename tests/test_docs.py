"""The pages that are made from the code say what the code says."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from flow64.cli import main
from flow64.emulator import Fault
from tests.test_story import commands

FOLDER = Path(__file__).parent.parent / "docs"
FROM_CODE = runpy.run_path(str(FOLDER / "_ext" / "from_code.py"))
MARK = re.compile(r"^<!-- from code: (\w+) -->$", re.MULTILINE)

PAGES = {
    path.name: page
    for path in sorted(FOLDER.glob("*.md"))
    if MARK.search(page := path.read_text("utf-8"))
}


def test_every_text_has_its_page():
    """Each text that can be made stands in one page, between both of its marks."""
    placed = [name for page in PAGES.values() for name in MARK.findall(page)]
    ended = [n for p in PAGES.values() for n in re.findall(r"<!-- end of (\w+) -->", p)]

    assert placed == ended
    assert sorted(placed) == sorted(FROM_CODE["TEXTS"])


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name):
    """A marked page is as the code is; `make golden` writes it anew."""
    page = PAGES[name]

    assert page == FROM_CODE["current"](page)


def test_stale_text_is_replaced():
    """What stands between the marks goes, and what stands around them stays."""
    page = (
        "# Before\n\n<!-- from code: guesses -->\nold\n<!-- end of guesses -->\nafter\n"
    )

    made = FROM_CODE["current"](page)

    assert made.startswith("# Before\n\n<!-- from code: guesses -->\n\n- **")
    assert made.endswith("\n\n<!-- end of guesses -->\nafter\n")
    assert "old\n<!--" not in made


INSIDE = (FOLDER / "inside.md").read_text("utf-8")
SOURCE = FOLDER.parent / "src" / "flow64"


def test_rooms_are_listed_in_their_order():
    """The page on the inside lists the rooms as the layers contract does."""
    settings = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    layers = [layer for layer in contract["layers"] if layer != "__main__"]
    listed = re.findall(r"^\| `(\w+)` \|", INSIDE, re.MULTILINE)

    assert "\n".join(layers).replace("(", "").replace(")", "") in INSIDE
    assert listed == re.findall(r"\w+", " ".join(layers))


@pytest.mark.parametrize("path", sorted({*re.findall(r"`([\w/]+\.py)`", INSIDE)}))
def test_path_in_the_page_on_the_inside_exists(path):
    """Each module that the page names is there, from the root or from the package."""
    if not path.endswith("NAME.py"):
        assert any((root / path).is_file() for root in (FOLDER.parent, SOURCE))


def test_kinds_of_faults():
    """The page on the emulator has every kind of fault, and no other."""
    page = (FOLDER / "emulator.md").read_text("utf-8")
    rows = page.partition("| kind | what the client sees |")[2].partition("\n\n")[0]
    listed = [kind for row in rows.splitlines() for kind in row.split("|")[1:2]]

    assert sorted(re.findall(r"`(\w+)`", " ".join(listed))) == sorted(
        get_args(get_type_hints(Fault)["kind"])
    )


CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = [
    (command, output)
    for name in ("how-to-blocks", "how-to-init")
    for block in CONSOLE.findall((FOLDER / f"{name}.md").read_text("utf-8"))
    for command, output in commands(block)
    if output
]


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_page_shows_the_output_of_a_command(
    command, output, tmp_path, monkeypatch, capsys
):
    """A command prints what the page shows."""
    monkeypatch.chdir(tmp_path)

    main(shlex.split(command)[1:])

    printed = capsys.readouterr().out
    assert OutputChecker().check_output(output, printed, ELLIPSIS), printed


EDIT = {
    "https://github.com/acme/flow64": "/edit/main/docs/index.md",
    "https://gitlab.com/acme/flow64/": "/-/edit/main/docs/index.md",
    "https://git.acme.example/flow64": None,
    "": None,
}
"""For the address of a repository, where the page on `index.md` is edited."""


@pytest.mark.slow
@pytest.mark.parametrize("repository", EDIT)
def test_link_to_edit_a_page(tmp_path, monkeypatch, repository):
    """A page links to its file in the repository, but not one that the build writes."""
    from sphinx.application import Sphinx

    source = tmp_path / "source"
    for name in ("index", "changelog", "commands/plan"):
        page = source / f"{name}.md"
        page.parent.mkdir(exist_ok=True, parents=True)
        page.write_text("# A page\n", "utf-8")
    monkeypatch.setenv("FLOW64_REPOSITORY", repository)
    app = Sphinx(
        source, FOLDER, tmp_path / "html", tmp_path / "trees", "html",
        confoverrides={
            "extensions": ["myst_parser", "sphinx.ext.autodoc"],
            "suppress_warnings": ["toc"],
        },
        status=None, warningiserror=True,
    )  # fmt: skip
    app.build()

    pages = {
        name: (tmp_path / "html" / f"{name}.html").read_text("utf-8")
        for name in ("index", "changelog", "commands/plan")
    }
    found = re.findall(r'href="([^"]*)" rel="edit"', pages["index"])
    path = EDIT[repository]
    assert found == ([] if path is None else [repository.rstrip("/") + path])
    assert 'rel="edit"' not in pages["changelog"] + pages["commands/plan"]
