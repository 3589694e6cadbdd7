"""One emulator for all commands; each test is an organisation of its own."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest

from flow64.cli import main
from flow64.emulator import Emulator, Switches
from tests.cli.pipelines import OF_LEADS, SUFFIX, settings, written

LEADS = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD, input_schema={"email": "string"}) >> LeadEnrichment(
    return_fields={"title": "Job title"}
)
inbound = Workflow("Inbound leads", flow, key="inbound", project=growth)
"""


@pytest.fixture(scope="session")
def served():
    """An emulator on a port of this machine."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def service(served, monkeypatch, tmp_path):
    """The emulator as the service of this test, in a folder of its own."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", served.url)
    monkeypatch.setenv("SIXTYFOUR_API_KEY", f"sk_test_not_a_real_key_{uuid4().hex}")
    for name in ("FLOW64_JOURNAL", "FLOW64_HISTORY"):  # those of the working folder
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield served
    served.faults.clear()
    served.switches = Switches()
    served.blocks = None


@pytest.fixture
def namespace():
    """A namespace for this test, since all tests share one service."""
    return f"{uuid4().hex}.example"


@pytest.fixture
def leads(tmp_path, monkeypatch, namespace):
    """A file with one workflow, `inbound`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "leads.py"
    path.write_text(LEADS.replace("acme.example", namespace), "utf-8")
    return path


@pytest.fixture
def configured(leads):
    """A project with the environments staging and prod, in the working folder."""
    text = settings(OF_LEADS, staging=[SUFFIX], prod=[])
    leads.with_name("pyproject.toml").write_text(text, "utf-8")
    return leads


@pytest.fixture
def write(tmp_path, namespace):
    """Write a file of workflows, and give its name."""
    return lambda text: written(tmp_path, namespace, text)


@pytest.fixture
def people(tmp_path):
    """Two rows, one of them a formula."""
    path = tmp_path / "people.csv"
    path.write_text("email,company\nada@acme.example,Acme\ng@x.example,=1+1\n", "utf-8")
    return path


@pytest.fixture
def flow64(capsys):
    """Do what a command line says: exit code, stdout, stderr."""

    def done(*arguments):
        code = main([*map(str, arguments)])
        return code, *capsys.readouterr()

    return done


@pytest.fixture
def answering(monkeypatch):
    """Simulate a person who answers questions."""

    def answers(text):
        monkeypatch.setattr("flow64.cli.printing.is_interactive", lambda: True)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return answers
