"""`flow64 graph`: one workflow as text, Mermaid, SVG and data, alone or compared."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from flow64 import Workflow
from flow64.loading import load_source
from tests.cli.support import environment, on_terminal
from tests.cli.support import flow64 as flow64_alone

pytestmark = pytest.mark.unmeasured

CHANGED = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindPhone, LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD, input_schema={"email": "string"}) >> LeadEnrichment(
    return_fields={"title": "Job title", "city": "City of work"}
) >> FindPhone()
inbound = Workflow("Inbound leads", flow, key="inbound", project=growth)
"""


@pytest.fixture(autouse=True)
def no_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def changed(leads, namespace):
    path = leads.parent / "changed.py"
    path.write_text(CHANGED.replace("acme.example", namespace), "utf-8")
    return path


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
        ("deep/a.mermaid", "to_mermaid"),
        ("a.txt", "to_text"),
        ("a", "to_text"),
    ],
)
def test_files(name, method, workflow, flow64, tmp_path):
    """The ending of the file decides the format, and its path is printed."""
    assert flow64("graph", "leads.py", "-o", name) == (0, f"{name}\n", "")

    written = (tmp_path / name).read_text("utf-8")
    assert written == getattr(workflow, method)()


def test_against(changed, flow64):
    """Differences from another source are marked in every format."""
    against = ("graph", "changed.py", "--against", "leads.py")

    code, text, told = flow64(*against)

    assert (code, told) == (0, "")
    assert text.splitlines()[1:] == [
        "3 blocks: 1 added, 1 changed, 1 unchanged, 1 edge changed",
        "   webhook",
        "~  lead_enrichment +return_fields.city",
        "+  find_phone",
    ]
    assert ":::added" in flow64(*against, "--format", "mermaid")[1]
    assert 'class="block added"' in flow64(*against, "--format", "svg")[1]


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

    assert (code, saved) == (0, (0, "all.txt\n", ""))
    assert printed.startswith("inbound\nInbound leads\n")
    assert printed.endswith(f"\n\nother\n{one}")
    assert tmp_path.joinpath("all.txt").read_text("utf-8") == printed


@pytest.mark.parametrize("width", [20, 60])
def test_terminal(leads, width):
    """On a terminal it is as wide as that."""
    printed = on_terminal(width, "graph", leads)

    assert width / 2 < max(map(cell_len, printed.splitlines())) <= width


@pytest.mark.slow
def test_bad_surroundings(leads):
    """No UTF-8, no width, a closed stdout: no traceback."""
    for more in ({"COLUMNS": "x"}, {"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "1"}):
        done = flow64_alone("graph", leads, env=environment(**more))

        assert (done.returncode, done.stderr) == (0, "")
        assert "webhook" in "".join(done.stdout.split())
