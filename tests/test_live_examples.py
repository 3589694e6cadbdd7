"""The examples with classes made from a list of blocks, and how these are typed."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import external_file

from flow64 import Workflow
from flow64.analysis import LiveCatalogue
from flow64.blocks import CATALOGUE, specs_schema
from flow64.generation import BlockFacts, write_blocks
from flow64.loading import load_source
from tests.catalogue.answer import ANSWER, DAMAGED, HOSTILE, SECRET

FOLDER = Path(__file__).parent.parent / "examples" / "live_catalogue"
NAMES = ("send_slack_message", "transform_data")


@pytest.fixture
def run(monkeypatch, own_kinds):
    """Run an example as a script in its folder."""
    monkeypatch.syspath_prepend(FOLDER)
    yield lambda name: runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    sys.modules.pop("blocks", None)


@pytest.mark.parametrize("name", NAMES)
def test_prints_its_json(name, run, capsys):
    """Run as a script, an example prints what is in the file beside it."""
    run(name)

    printed = capsys.readouterr().out

    assert printed == external_file(FOLDER / f"{name}.json", format=".txt")
    assert Workflow.from_json(printed).to_json() == printed


@pytest.mark.parametrize("name", NAMES)
def test_findings(name, own_kinds):
    """With the list in the settings, a check finds nothing but notes about money."""
    (loaded,) = load_source(str(FOLDER / f"{name}.py")).workflows

    found = loaded.workflow.check()

    assert [one.code for one in found] == ["effects", "cost-estimate"]


def test_types_of_an_unloaded_module(own_kinds):
    """Types are known after the source was loaded, when its modules are gone."""
    load_source(str(FOLDER / "send_slack_message.py"))

    fields = specs_schema(CATALOGUE["score_lead"])["properties"]

    assert "blocks" not in sys.modules
    assert fields["signals"]["items"]["required"] == ["column", "weight"]
    assert fields["scale"]["enum"] == [5, 10, 100]


def test_list():
    """The list is the made-up answer, without what is damaged or hostile in it."""
    usable = [one for one in ANSWER if one["block_name"] not in (HOSTILE, *DAMAGED)]
    text = json.dumps(usable).replace(f" Not {SECRET}.", "")

    made = LiveCatalogue.of(json.loads(text), date="2026-11-28").as_text()

    assert made == external_file(FOLDER / "blocks.json", format=".txt")


def test_module_is_current():
    """The module is what the list and the facts give."""
    live = LiveCatalogue.read(FOLDER / "blocks.json")
    facts = BlockFacts.read(FOLDER / "blocks.toml")

    made = write_blocks(live, facts).text

    assert made == external_file(FOLDER / "blocks.py", format=".txt")


# -- Types -----------------------------------------------------------------------------

RIGHT = """\
from __future__ import annotations

from blocks import Filter, FindEmail, RedditSearch, ScoreLead, Search
from blocks import SendSlackMessage, TransformData

from flow64 import LEAD, Flow, Lead, Start, Workflow
from flow64.blocks import OutgoingWebhook, Webhook

found: Flow[Start, Lead] = RedditSearch(query="crm", sort="new") >> FindEmail(
    mode="BOTH"
)
flow = (
    Webhook(LEAD, input_schema={"email": "string"})
    >> ScoreLead(signals=[{"column": "title", "weight": 1.5}], scale=10, explain=None)
    >> Filter.where("score").greater(5).and_("size").compare("greater_or_equal", 50)
    >> Filter(filters=[{"column": "a", "operator": "greater_or_equal", "value": 1}])
    >> TransformData(instructions="Trim.", output_schema={"a": "b"}, on_error="skip")
    >> SendSlackMessage(channel="#a", message="b", mention=["c"])
)
listed = Search(dataframe_type=LEAD, query="founders", freshness="day") >> FindEmail()
workflow = Workflow("Right", flow, found >> OutgoingWebhook(url="https://a.example"))
"""

HEAD = """\
from __future__ import annotations

from blocks import Filter, FindEmail, RedditSearch, ScoreLead, Search, SendSlackMessage

from flow64 import COMPANY, LEAD
from flow64.blocks import CompanyToLeads, Webhook

"""

WRONG = {
    "SendSlackMessage(channel='#a')": ("call-arg", "reportCallIssue"),
    "SendSlackMessage(channel=1, message='b')": ("arg-type", "reportArgumentType"),
    "SendSlackMessage(channel='#a', message='b', messages='c')": (
        "call-arg",
        "reportCallIssue",
    ),
    "SendSlackMessage('#a', 'b')": ("call-arg|misc", "reportCallIssue"),
    "Filter.where('a').compare('greater_or_eqal', 1)": (
        "arg-type",
        "reportArgumentType",
    ),
    "FindEmail(mode='ALL')": ("arg-type", "reportArgumentType"),
    "RedditSearch(query='a', sort='old')": ("arg-type", "reportArgumentType"),
    "ScoreLead(signals=[{'column': 'a'}])": ("typeddict-item", "reportArgumentType"),
    "ScoreLead(signals=[], scale=7)": ("arg-type", "reportArgumentType"),
    "Search(dataframe_type=LEAD, query='a', freshness='year')": (
        "arg-type",
        "reportArgumentType",
    ),
    "Webhook(COMPANY) >> ScoreLead(signals=[])": ("operator", "reportOperatorIssue"),
    "RedditSearch(query='a') >> CompanyToLeads()": ("operator", "reportOperatorIssue"),
}


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """What both strict checkers say of the module, of right and of wrong use."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "blocks.py").write_text((FOLDER / "blocks.py").read_text("utf-8"))
    for name in NAMES:
        text = (FOLDER / f"{name}.py").read_text("utf-8")
        (folder / f"{name}.py").write_text(text, "utf-8")
    (folder / "right.py").write_text(RIGHT, "utf-8")
    lines = [f"w{number} = {line}" for number, line in enumerate(WRONG)]
    (folder / "wrong.py").write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
    settings = {"include": ["."], "pythonVersion": "3.11", "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    src = str(FOLDER.parent.parent / "src")
    environment = os.environ | {"MYPYPATH": src, "COVERAGE_PROCESS_START": ""}
    python = (sys.executable, "-m")
    mypy = (*python, "mypy", "--strict", "--config-file=", "--python-version=3.11")
    names = sorted(path.name for path in folder.glob("*.py"))
    options = (f"--python-executable={sys.executable}", "--cache-dir=cache", "-Ojson")
    pyright = (*python, "basedpyright", "--outputjson", "-p", str(folder))
    running = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        for command in (
            (*mypy, *options, *names),
            (*pyright, "--pythonpath", sys.executable),
        )
    ]
    texts = [process.communicate()[0] for process in running]
    of_mypy = [json.loads(line) for line in texts[0].splitlines() if line[:1] == "{"]
    of_pyright = json.loads(texts[1])["generalDiagnostics"]
    return {
        "mypy": {
            (one["file"], one["line"], one["code"])
            for one in of_mypy
            if one["severity"] == "error"
        },
        "basedpyright": {
            (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["rule"])
            for one in of_pyright
        },
    }


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_right_use(checker, reported):
    """The module, the examples and right use have no mistake under strict checks."""
    assert [one for one in reported[checker] if one[0] != "wrong.py"] == []


@pytest.mark.slow
@pytest.mark.parametrize("line", WRONG)
def test_wrong_use(line, reported):
    """Both checkers see each mistake."""
    number = len(HEAD.splitlines()) + [*WRONG].index(line) + 1

    for checker, codes in zip(("mypy", "basedpyright"), WRONG[line], strict=True):
        found = [code for _, at, code in reported[checker] if at == number]
        assert [code for code in found if re.fullmatch(codes, code)], (checker, found)
