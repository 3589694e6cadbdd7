"""What the laws of plans share: examples, histories of code, and what tidies."""

from __future__ import annotations

import runpy
from pathlib import Path

from hypothesis import strategies as st

from flow64 import Workflow
from flow64.definition import unbound_names
from flow64.deploy import target_of
from tests.deploy.planned import History, target
from tests.laws.test_compiler import workflows

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "demo")
TIDYING = ("fill_defaults", "reorder", "drop_unknown")
SWITCHES = [{}, *({name: True} for name in TIDYING), dict.fromkeys(TIDYING, True)]


def targets_of(name):
    """What an example wants of the environment whose values stand in it."""
    module = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    made = module.get("workflows") or {"": module["workflow"]}
    return [target(one, **module.get("STAGING", {})) for one in made.values()]


def filled(workflow):
    """A target whose values are filled in, secrets among them."""
    names = unbound_names(workflow.compile())
    values = {name: f"what {name} stands for" for name in names}
    return target_of(workflow, "default", values, git=History())


@st.composite
def histories(draw):
    """A workflow, and what became of it: another title and flow under the same key."""
    before = draw(workflows())
    after = draw(workflows())
    later = Workflow(
        after.name,
        *after.flows,
        key=before.key,
        project=before.project,
        description=after.identity.description,
    )
    return filled(before), filled(later)
