"""The examples: what they print, that it reads back, and what is found in them.

`make golden` writes the expected JSON beside each example anew.
"""

from __future__ import annotations

import ast
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import external_file, snapshot

from flow64 import Workflow

FOLDER = Path(__file__).parent.parent / "examples"

# The others are programs that talk to an emulator.
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def workflows(name):
    """The workflows of an example: one, or several by name."""
    module = runpy.run_path(str(FOLDER / f"{name}.py"))
    return module.get("workflows") or {"": module["workflow"]}


def golden(name):
    return (FOLDER / f"{name}.json").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_prints_its_json(name, capsys):
    """Run as a script, an example prints exactly what is in the file beside it."""
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")

    printed = capsys.readouterr().out

    assert printed == external_file(FOLDER / f"{name}.json", format=".txt")


@pytest.mark.parametrize("name", NAMES)
def test_file_is_json(name):
    """The file holds one create body, or an array of them."""
    data = json.loads(golden(name))

    bodies = data if isinstance(data, list) else [data]

    assert [body["workflow_name"] for body in bodies] == [
        workflow.name for workflow in workflows(name).values()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_reads_back_to_the_same_bytes(name):
    """What was written is read, and written again as it was."""
    texts = [workflow.to_json() for workflow in workflows(name).values()]

    again = [Workflow.from_json(text).to_json() for text in texts]

    assert again == texts


def test_findings():
    """No example has an error; these are the warnings and notes of each."""
    found = {}
    for name in NAMES:
        for variant, workflow in workflows(name).items():
            codes = [f"{f.severity} {f.code}" for f in workflow.check()]
            # Variants that differ in nothing but words are listed once.
            if codes not in (found.get(key) for key in found if key.startswith(name)):
                found[f"{name} {variant}".strip()] = codes

    assert not [code for codes in found.values() for code in codes if "error" in code]
    assert found == snapshot(
        {
            "company_research": ["note effects", "note cost-estimate"],
            "regional_variants ae": ["note effects", "note cost-estimate"],
        }
    )


def test_ids():
    """Ids are a wire format: these never change, whatever else does."""
    assert {
        (name, variant): (workflow.id(), workflow.id("staging"))
        for name in NAMES
        for variant, workflow in workflows(name).items()
        if variant in {"", "de", "us"}
    } == IDS


def test_one_variant_differs():
    """Of the forty regions one has a step that the others do not have."""
    kinds = {
        region: [block.kind for block in workflow.compile().blocks]
        for region, workflow in workflows("regional_variants").items()
    }

    assert len(kinds) == 40
    assert [region for region in kinds if "filter" in kinds[region]] == ["de"]


def test_review(tmp_path, monkeypatch, capsys):
    """The plan shows both sides of a conflict, and nothing is written."""
    printed = run_program("review", tmp_path, monkeypatch, capsys)

    assert [line for line in printed.splitlines() if line.startswith(("+", "-"))] == [
        '- title: "Leads (paused)"  on the service, lost with --force',
        '+ title: "Leads"           in code',
        '- find_email.mode: "PROFESSIONAL"  on the service, lost with --force',
        '+ find_email.mode: "PERSONAL"      in code',
        "+ output personal_email to https://crm.acme.example",
    ]
    assert "needs --force leads" in printed


def test_batches(tmp_path, monkeypatch, capsys):
    """A hundred rows are four runs, in the order of the input."""
    printed = run_program("batches", tmp_path, monkeypatch, capsys)

    assert printed.splitlines() == [
        f"batch {number}: completed, {count} titles"
        for number, count in enumerate([30, 30, 30, 10])
    ]


def test_webhooks(tmp_path, monkeypatch, capsys):
    """A delivery is kept once, and one without a signature is refused."""
    printed = run_program("webhooks", tmp_path, monkeypatch, capsys)

    assert printed.split()[:3] == ["204", "204", "400"]
    assert printed.count("ada@example.com") == 1


def test_rules(tmp_path):
    """The rules hold for what is there, and fail for another host and price."""
    for name in ("test_rules.py", "regional_variants.py", "regional_variants.json"):
        shutil.copy(FOLDER / name, tmp_path)
    code = tmp_path / "regional_variants.py"
    passes = run_pytest(tmp_path)
    text = code.read_text("utf-8").replace("crm.acme.example", "evil.example")
    code.write_text(text.replace('"str"}}', '"str"}}, tier="high"'), "utf-8")
    fails = run_pytest(tmp_path)

    assert (passes.returncode, fails.returncode) == (0, 1)
    assert "2 failed" in fails.stdout


def run_pytest(folder):
    """Run the tests of a folder, without the settings and plugins of this one."""
    plugins = [f"-pno:{name}" for name in ("schemathesis", "cacheprovider")]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", folder]
    return subprocess.run(
        [*command, folder], cwd=folder, capture_output=True, text=True, check=False
    )


def run_program(name, folder, monkeypatch, capsys):
    """Run an example in an empty folder, and return what it prints."""
    for variable in ("FLOW64_JOURNAL", "FLOW64_HISTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(folder)
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def test_notebook(tmp_path, monkeypatch):
    """Each cell runs, and its last line has something to show."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads((FOLDER / "notebook.ipynb").read_text("utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    names = {}
    shown = []
    try:
        for source in sources:
            tree = ast.parse(source)
            last = ast.Expression(tree.body.pop().value)
            exec(compile(tree, "cell", "exec"), names)
            shown.append(eval(compile(last, "cell", "eval"), names))
    finally:
        names["client"].close()
        names["emulator"].stop()

    names_of = [
        ("_repr_mimebundle_", "_repr_html_", "_repr_html_", "__len__", "_repr_html_")
    ]
    assert all(map(hasattr, shown, *names_of))
    assert len(shown[3]) == 2


@pytest.mark.slow
def test_demo():
    """The demo runs from its folder to its end, and shows what it promises."""
    done = subprocess.run(
        [sys.executable, "demo.py"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )

    found = {
        part: len(re.findall(part, done.stdout, re.MULTILINE))
        for part in (
            r" error\[row-kind-mismatch\]",
            r" error\[unknown-word\]",
            r"^completed$",
            r"^\w+ \w+ +Person\(title='",
            r"^! find_email.mode",
        )
    }
    assert (done.returncode, done.stderr, [*found.values()]) == (0, "", [1, 1, 1, 3, 1])


# By example and variant: the id in the environment `default`, and in `staging`.
IDS = {
    ("company_research", ""): (
        "02a78b5a-fbb4-5b86-ab0c-a4d891bf2ff1",
        "6ce4d81f-0b9e-5455-b3ef-bfc1584f93ba",
    ),
    ("regional_variants", "de"): (
        "989e3065-1452-5b0b-9150-661c6a391a45",
        "b591e3ac-5b48-5660-a987-2a6aeb01898d",
    ),
    ("regional_variants", "us"): (
        "ed14fdd9-6ab5-51ed-b9ec-3c81782cd853",
        "8b45d74c-3d4f-50a8-abfa-eade25b1c310",
    ),
}
