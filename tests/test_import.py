"""What `import flow64` loads, and that nobody notices when a name is loaded."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import flow64


def printed(program):
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_import_loads_next_to_nothing():
    """Neither the language nor a client, until a name of theirs is asked for."""
    loaded = printed(
        "import sys, flow64\n"
        "print(*[name for name in sys.modules if name.startswith('flow64.')])"
    )

    assert loaded == []


def test_settings_load_no_client():
    loaded = printed(
        "import sys; from flow64.environments import load\n"
        "load(); print(*[name for name in sys.modules if name.startswith('httpx')])"
    )

    assert loaded == []


@pytest.mark.parametrize("name", ["check", "compile", "diff", "graph"])
def test_commands_that_send_nothing_load_no_client(name, tmp_path):
    """They take live workflows too, and only then load it."""
    (tmp_path / "leads.py").write_text(
        "from flow64 import LEAD, Project, Workflow\n"
        "from flow64.blocks import Webhook\n"
        'growth = Project("growth", namespace="acme.example")\n'
        'leads = Workflow("Leads", Webhook(LEAD), key="leads", project=growth)\n',
        "utf-8",
    )
    sources = ["leads.py", "leads.py"] if name == "diff" else ["leads.py"]
    loaded = printed(
        "import os, sys; from flow64.cli import main\n"
        f"os.chdir({str(tmp_path)!r}); code = main({[name, *sources]!r})\n"
        "print('code', code, *{'httpx', 'flow64.client'} & {*sys.modules})"
    )

    assert loaded[-2:] == ["code", "0"]


def test_a_pipeline_loads_no_client():
    """The language does without the packages that the service is spoken to with."""
    loaded = printed(
        "import sys; from flow64 import LEAD, Project, Workflow\n"
        "from flow64.blocks import FindEmail\n"
        "print(*{'httpx', 'cattrs', 'rich', 'flow64.client'} & {*sys.modules})"
    )

    assert loaded == []


def test_all_names():
    """A star gives every public name, and `dir` tells them before they are loaded."""
    found = {}
    exec("from flow64 import *", found)

    told = printed("import flow64; print(*dir(flow64))")
    assert {*flow64.__all__} <= {*found}
    assert {*flow64.__all__} <= {*told}


def test_names_keep_their_identity():
    """A name is the same thing however it is reached, also from a pickle."""
    from flow64.workflow import Workflow

    assert flow64.Workflow is Workflow
    assert pickle.loads(pickle.dumps(flow64.LEAD)).name == flow64.LEAD.name
    assert pickle.loads(pickle.dumps(Workflow)) is flow64.Workflow


def test_dir_of_blocks():
    """`dir()`, which editors and shells complete from, has public names only."""
    from flow64 import blocks

    assert dir(blocks) == sorted(blocks.__all__)


def test_doors():
    """`import flow64` is enough for its modules, as in `except flow64.errors.X`."""
    (name,) = printed("import flow64; print(flow64.errors.FlowError.__name__)")

    assert name == "FlowError"


def test_wrong_attribute_of_a_module():
    """What only asks for a name gets what Python gives, which suggests one itself."""
    with pytest.raises(AttributeError) as caught:
        flow64.blocks.FindEmial

    assert str(caught.value) == "module 'flow64.blocks' has no attribute 'FindEmial'"
    assert not hasattr(flow64.blocks, "FindEmial")
    with pytest.raises(ImportError, match="cannot import name 'find_email' from"):
        exec("from flow64.blocks import find_email")


def test_no_such_name():
    with pytest.raises(AttributeError, match="'flow64' has no attribute 'Workflo'"):
        flow64.Workflo
