"""`flow64 graph`: workflows as text, Mermaid and SVG."""

from __future__ import annotations

import pytest

from flow64 import Workflow
from flow64.loading import load_source
from tests.cli.support import environment
from tests.cli.support import flow64 as flow64_alone

FAULTY = """
from flow64 import COMPANY, Workflow
from flow64.blocks import FindEmail, Webhook

w = Workflow("w\\x1b[31m\\u202e", Webhook(COMPANY) >> FindEmail(), key="w")
"""


@pytest.fixture(autouse=True)
def no_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def workflow(leads) -> Workflow:
    return load_source(str(leads)).only.workflow


def test_text(workflow, flow64):
    """Without more it is text, the same as Python gives."""
    assert flow64("graph", "leads.py") == (0, workflow.to_text(), "")


def test_forms(workflow, flow64):
    """Mermaid and SVG are those that Python gives."""
    assert flow64("graph", "leads.py:inbound", "--format", "mermaid") == (
        0,
        workflow.to_mermaid(),
        "",
    )
    assert flow64("graph", "leads.py", "--format", "svg") == (0, workflow.to_svg(), "")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("a.svg", "to_svg"),
        ("a.SVG", "to_svg"),
        ("a.mmd", "to_mermaid"),
        ("a.txt", "to_text"),
        ("a", "to_text"),
    ],
)
def test_files(name, method, workflow, flow64, tmp_path):
    """The ending of the file decides the format, and its path is printed."""
    assert flow64("graph", "leads.py", "-o", name) == (0, "", f"written to {name}\n")

    written = (tmp_path / name).read_text("utf-8")
    assert written == getattr(workflow, method)()


def test_format_before_name(workflow, flow64, tmp_path):
    """`--format` decides if the ending does not."""
    flow64("graph", "leads.py", "-o", "a.md", "--format", "mermaid")

    assert (tmp_path / "a.md").read_text("utf-8") == workflow.to_mermaid()


def test_folder(leads, flow64, tmp_path):
    """A folder cannot be written as a file."""
    (tmp_path / "pictures").mkdir()

    code, printed, told = flow64("graph", "leads.py", "-o", "pictures")

    assert (code, printed) == (64, "")
    assert "pictures" in told


def test_unwritable(leads, flow64, tmp_path):
    """A file that cannot be written is reported, and nothing is written."""
    (tmp_path / "file").write_text("here", "utf-8")

    code, printed, told = flow64("graph", "leads.py", "-o", "file/a.svg")

    assert (code, printed) == (1, "")
    assert "cannot be written" in told
    assert (tmp_path / "file").read_text("utf-8") == "here"


def test_environment_is_of_ids(leads, flow64):
    """An environment changes the id of the workflow alone, so no picture."""
    alone, prod = (
        flow64("graph", "leads.py", *more) for more in ((), ("--env", "prod"))
    )

    assert alone == prod


@pytest.fixture
def several(leads):
    """A file with two workflows."""
    with leads.open("a", encoding="utf-8") as file:
        file.write("other = Workflow('Other', flow, key='other', project=growth)\n")
    return leads


def test_several(several, flow64, tmp_path):
    """Text shows several workflows one after the other, on stdout or in a file."""
    code, printed, _ = flow64("graph", "leads.py")
    one = flow64("graph", "leads.py", "--select", "other")[1]
    saved = flow64("graph", "leads.py", "-o", "all.txt")

    assert (code, saved) == (0, (0, "", "written to all.txt\n"))
    assert printed.startswith("Inbound leads\n")
    assert printed.endswith(f"\n\n{one}")
    assert tmp_path.joinpath("all.txt").read_text("utf-8") == printed


@pytest.mark.parametrize(
    "options",
    [["--format", "svg"], ["-o", "a.mmd"]],
)
def test_several_in_other_formats(several, flow64, options):
    """Any other form is of one workflow, which must be named."""
    code, printed, told = flow64("graph", "leads.py", *options)

    assert (code, printed) == (64, "")
    assert "name one of them, as in leads.py:inbound" in told


def test_faulty(tmp_path, flow64, monkeypatch):
    """Workflows with errors are drawn too, with escaped names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faulty.py").write_text(FAULTY, "utf-8")

    for form in ("text", "mermaid", "svg"):
        code, printed, _ = flow64("graph", "faulty.py", "--format", form)

        assert code == 0
        assert "find" in printed
        assert all(line.isprintable() for line in printed.split("\n"))


@pytest.mark.slow
def test_bad_surroundings(leads):
    """No UTF-8, no width, a closed stdout: no traceback."""
    for more in ({"COLUMNS": "x"}, {"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "1"}):
        done = flow64_alone("graph", leads, env=environment(**more))

        assert (done.returncode, done.stderr) == (0, "")
        assert "webhook" in "".join(done.stdout.split())
