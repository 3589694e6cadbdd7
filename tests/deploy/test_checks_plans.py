"""Plans, and what happens until they are applied (D5, F15, F19, L7), over sockets."""

from __future__ import annotations

import runpy

import pytest

from flow64 import errors
from flow64.api.calls import delete_workflow
from flow64.deploy import Agreement, apply_saved_plan, load_plan, save_plan
from tests.deploy.planned import digest_quickly

# -- What renaming and moving does (D5) ------------------------------------------------

BEFORE = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

project = Project("growth", namespace={namespace!r})
flow = Webhook(LEAD) >> FindEmail(mode="PERSONAL")
inbound = Workflow("Leads", flow, key="inbound", project=project)
"""

AFTER = """
# A comment, in a file that was moved; every variable has another name.
import flow64 as f
from flow64 import blocks

mail = blocks.FindEmail(
    mode="PERSONAL",
)
start = blocks.Webhook(f.LEAD)


theirs = f.Project("growth", namespace={namespace!r})
renamed = f.Workflow("Leads", start >> mail, {more}, project=theirs)
"""


def loaded(place, path, text, name, **more):
    """A workflow out of a file of that text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(namespace=place.project.namespace, **more))
    return runpy.run_path(str(path))[name]


def test_another_variable_and_another_file_change_nothing(place, tmp_path):
    """D5: ids come from keys, and from nothing else."""
    before = loaded(place, tmp_path / "a.py", BEFORE, "inbound")
    after = loaded(
        place, tmp_path / "sub" / "b.py", AFTER, "renamed", more='key="inbound"'
    )
    place.put(before)

    plan = place.plan(after)

    assert [step.state for step in plan.steps] == ["unchanged"]
    assert before.to_json() == after.to_json()


def test_another_key_is_one_create_and_one_orphan(place, tmp_path):
    """D5: with the line that keeps the id, and that does keep it."""
    path = tmp_path / "b.py"
    before = loaded(place, tmp_path / "a.py", BEFORE, "inbound")
    after = loaded(place, path, AFTER, "renamed", more='key="leads"')
    workflow_id = place.put(before)

    plan = place.plan(after, create=[])
    (rename,) = plan.renames
    with pytest.raises(errors.PlanRefusedError, match="--create leads"):
        place.apply(plan)
    kept = loaded(
        place, path, AFTER, "renamed", more=f'key="leads", was={rename.was!r}'
    )
    then = place.plan(kept, create=[])

    states = [(step.key, step.state) for step in plan.steps]
    assert states == [("leads", "new"), ("inbound", "orphan")]
    assert (rename.key, rename.orphan, rename.was) == ("leads", "inbound", "inbound")
    assert [(step.id, step.state) for step in then.steps] == [
        (workflow_id, "unchanged")
    ]
    assert (then.is_empty, then.renames) == (True, ())


# -- What happens between plan and apply (F15) -----------------------------------------


def recreated(place, workflow_id, **more):
    """Deleted, and made again by other code."""
    place.direct(delete_workflow, workflow_id)
    place.put(place.workflow("a", **more))


@pytest.mark.parametrize("is_saved", [True, False])
def test_what_was_made_again_is_stale_only_where_it_is_another(
    place, tmp_path, monkeypatch, is_saved
):
    digest_quickly(monkeypatch)
    path = tmp_path / "plan.json"
    workflow_id = place.put(place.workflow("b"), place.workflow("a"))
    wanted = [place.workflow(key, mode="PERSONAL") for key in "ba"]
    plan = place.plan(*wanted)
    save_plan(plan, path)

    def apply(agreed=None):
        if not is_saved:
            return place.apply(plan, agreed=agreed)
        return place.play(
            apply_saved_plan,
            load_plan(path),
            agreed or Agreement(),
            env="default",
            endpoint=place.url,
            history=place.history,
        )

    recreated(place, workflow_id, url="https://other.example.com/hook")
    with pytest.raises(errors.StalePlanError) as caught:
        apply(Agreement(force=["a"]))
    writes = place.writes()
    recreated(place, workflow_id)
    summary = apply()

    told = str(caught.value)
    for part in ("other.example.com", '"PROFESSIONAL" → "PERSONAL"', "another deploy"):
        assert part in told
    for way in ("into the code", "--force a", "--skip-drifted"):
        assert way in told
    assert writes == []
    assert [one.key for one in summary.done] == ["b", "a"]


# -- Only reads (F19) ------------------------------------------------------------------


def test_plan_sends_nothing_but_reads(place):
    """With every state that a plan of a project can find at once."""
    ids = {key: place.put(place.workflow(key)) for key in ("a", "b", "c", "gone")}
    place.edit(ids["b"], mode="NONE")
    place.edit(ids["c"], mode="PERSONAL")
    place.emulator.copy(ids["a"])
    foreign = place.put(place.workflow("f"))
    place.emulator.edit(foreign, description="By hand", name="By hand")
    keys = ("a", "b", "c", "f", "new")
    wanted = [place.workflow(key, mode="PERSONAL") for key in keys]
    place.forget()

    plan = place.plan(*wanted, prune=True)

    assert {one.method for one in place.emulator.requests} == {"GET"}
    assert [step.state for step in plan.steps] == [
        "update", "conflict", "converged", "foreign", "new", "orphan", "copy",
    ]  # fmt: skip
    assert plan.requests == len(place.emulator.requests)


# -- Files of later releases, and torn ones (L7) ---------------------------------------
