"""What an editor shows: hovers and completions of the language server of pyright."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """\
from flow64 import COMPANY, LEAD, RawBlock
from flow64.blocks import Filter, FindEmail, LeadEnrichment, QaAgent, Webhook

Webhook(COMPANY) >> FindEmail(key="x", mode="PERSONAL")
LeadEnrichment({}, tier="low")
Webhook(LEAD) >> QaAgent() >> RawBlock("x", specs={})
Filter.where("x").
"""


class Editor:
    """A client of the language server that has one file open."""

    def __init__(self, folder):
        program = Path(sys.executable).with_name("basedpyright-langserver")
        command = (program, "--stdio")
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.uri = (folder / "program.py").as_uri()
        workspace = {"uri": folder.as_uri(), "name": "folder"}
        can = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["markdown"]}},
        }
        self.ask("initialize", workspaceFolders=[workspace], capabilities=can)
        document = {"uri": self.uri, "languageId": "python", "version": 1}
        self.send(method="initialized", params={})
        self.send(
            method="textDocument/didOpen",
            params={"textDocument": document | {"text": PROGRAM}},
        )

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()

    def receive(self):
        length = 0
        while line := self.server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self.server.stdout.read(length))

    def ask(self, method, **params):
        self.send(id=1, method=method, params=params)
        while (message := self.receive()).get("id") != 1 or "method" in message:
            if "id" in message and "method" in message:  # it asks for its settings
                one = {"pythonPath": sys.executable}
                many = [one for _ in message["params"].get("items", ())]
                self.send(id=message["id"], result=many)
        return message["result"]

    def at(self, method, text):
        """What it says of the end of a text."""
        before = PROGRAM[: PROGRAM.index(text) + len(text)]
        lines = before.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        document = {"uri": self.uri}
        return self.ask(
            f"textDocument/{method}", textDocument=document, position=position
        )

    def hover(self, text):
        return self.at("hover", text)["contents"]["value"]


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editor")
    settings = {
        "include": ["."],
        "extraPaths": [str(Path(__file__).parents[1] / "src")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    (folder / "program.py").write_text(PROGRAM, "utf-8")
    editor = Editor(folder)
    yield editor
    editor.ask("shutdown")
    editor.send(method="exit")
    editor.server.communicate(timeout=60)


def test_hover_says_which_rows_a_block_takes(editor):
    """The class says it, and how to make such rows of the others."""
    assert "Rows: takes LEAD, gives LEAD" in editor.hover(">> FindEmail")
    assert "`CompanyToLeads` makes LEAD of COMPANY rows" in " ".join(
        editor.hover(">> FindEmail").split()
    )
    assert "Rows: takes any, gives the same" in editor.hover(">> QaAgent")
    assert "Type checkers let both" in editor.hover(">> RawBlock")


def test_hover_shows_words(editor):
    """The words of a Literal stand in the signature, and what is required is first."""
    assert "Literal['PROFESSIONAL', 'PERSONAL']" in editor.hover(">> FindEmail")
    assert "\n    return_fields: " in editor.hover("\nLeadEnrichment").split(",")[0]


@pytest.mark.parametrize("name", ["(key", "mode", "tier", "specs"])
def test_hover_over_an_argument_has_its_docs(editor, name):
    """Also those that every block takes."""
    assert len(editor.hover(name).partition("---")[2].strip()) > 20


def test_a_condition_offers_operators_only(editor):
    """Everything else that it has begins with an underscore."""
    found = editor.at("completion", 'Filter.where("x").')["items"]

    names = [one["label"] for one in found if not one["label"].startswith("_")]
    assert names == [
        "equals",
        "not_equals",
        "contains",
        "not_contains",
        "greater",
        "less",
        "in_",
        "not_in",
        "is_empty",
        "is_not_empty",
        "matches",
        "compare",
    ]
