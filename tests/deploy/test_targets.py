"""What a target is made of, and what paths say."""

from __future__ import annotations

import copy
import pickle

import pytest
from attrs import asdict

from flow64 import LEAD, Project, Workflow, errors, variants
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import DEFAULT_ENV
from flow64.deploy import bases_of, key_of, owner_path, target_of
from flow64.deploy._target import describe_owner
from flow64.plan import Held
from tests.deploy import planned as at
from tests.deploy.planned import OLD, OURS, History, sent, target
from tests.service.support import GROWTH, SECRET, leads, secret_leads

ID = "11111111-1111-4111-8111-111111111111"


def made(key="leads", **more):
    flow = Webhook(LEAD) >> OutgoingWebhook(url="https://example.com")
    return Workflow("Leads", flow, key=key, project=GROWTH, **more)


def test_target_is_what_code_wants_there():
    """Its definition, the stamp of it, and the file it was written in."""
    found = target(OLD, "staging")

    assert found.id == OLD.id("staging")
    assert (found.key, found.name, found.file) == ("leads", "Leads", OLD.file)
    assert found.stamp.path == (
        "ns:acme.example/project:growth/env:staging/workflow:leads"
    )
    assert found.stamp.unbound == OLD.fingerprint()[:16]
    assert found.stamp.commit == OURS
    assert not found.is_pinned


@pytest.mark.parametrize(
    ("workflow", "key"),
    [
        (made(), "leads"),
        (made(was="old"), "leads"),
        (made(key="a/b c"), "a/b c"),
        (variants(lambda **_: made(), {"us": {}})["us"], "leads/us"),
        (
            variants(lambda **_: made(), at=["us"], size=["big"])["us", "big"],
            "leads/us/big",
        ),
        (Workflow.from_json(OLD.to_json()), "leads"),
        (made(id=ID), "leads"),
    ],
)
def test_key_is_what_people_call_it(workflow, key):
    """The key in the code, and the variants."""
    assert target(workflow).key == key


def test_key_may_be_given():
    """A file of JSON is called by its name."""
    assert target(OLD, key="leads.json").key == "leads.json"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("ns:a/project:b/workflow:c", "c"),
        ("ns:a/project:b/env:e/workflow:c%2Fd", "c/d"),
        ("ns:a/project:b/workflow:c/pin:1", "c"),
        ("ns:local/pin:1", ""),
    ],
)
def test_path_has_the_key(path, key):
    """As a stamp has it."""
    assert key_of(path) == key


@pytest.mark.parametrize("env", [DEFAULT_ENV, "staging", "a/b"])
def test_owner_is_that_of_its_workflows(env):
    """So a project knows its own by the stamps that they carry."""
    project = Project("über uns", namespace="acme.example")
    found = target(leads(project=project), env)

    owner, _, _ = found.stamp.path.partition("/workflow:")
    assert owner == owner_path(project, env)


def test_values_have_to_be_filled_in():
    """Before anything is asked."""
    with pytest.raises(errors.UnboundValueError, match="hook"):
        target_of(secret_leads(), "default", git=History())


def test_faulty_workflow_has_no_target():
    """All of its errors are told at once."""
    with pytest.raises(errors.CompileError):
        target(Workflow("x", Webhook(LEAD), key=""))


def test_bases_are_found_by_either_fingerprint():
    """As a stamp has both."""
    found = target(secret_leads(), hook=SECRET)
    bases = bases_of([found.definition, OLD.compile()])

    assert bases(found.stamp.unbound) is found.definition
    assert bases(found.stamp.bound) is found.definition
    assert bases("0" * 16) is None


def test_held_shows_nothing():
    """A3: what is held for a request is in no list of fields, and in no pickle."""
    wanted = target(OLD)
    held, other = Held(sent(wanted)), Held(wanted.definition)

    assert repr(held) == f"Held({OLD.id()})"
    assert (held == Held(sent(wanted)), held == other, held == 1) == (
        True,
        False,
        False,
    )
    assert hash(held) == hash(Held(sent(wanted)))
    assert copy.copy(held) is copy.deepcopy(held) is held
    with pytest.raises(TypeError, match="secrets"):
        pickle.dumps(held)


def test_plan_shows_no_secret_in_its_fields():
    """Live text in the place of a secret is behind `Held`."""
    with at.service() as here:
        wanted, options = at.secret(here)
        plan = here.plan(*wanted, **options)

    (step,) = plan.steps
    listed = [asdict(part, recurse=False) for part in (plan, step, step.live)]
    assert "SENTINEL" in str(step.live.definition.blocks)
    assert "SENTINEL" not in str(listed)
    assert "SENTINEL" not in repr(plan)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "ns:acme.example/project:growth/workflow:inbound",
            "workflow inbound of project growth (acme.example)",
        ),
        (
            "ns:acme.example/project:growth/env:eu/workflow:a/variant:us/pin:1",
            "workflow a/us of project growth (acme.example) in environment eu by a pin",
        ),
        ("ns:local/pin:1", "a workflow of no project by a pin"),
    ],
)
def test_owner_of_a_stamp_in_words(path, words):
    assert describe_owner(path) == words


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("MAX_BLOCKS", 1, "2 blocks, and at most 1 are read"),
        ("MAX_EDGES", 0, "1 edges, and at most 0 are read"),
        ("MAX_VALUES", 20, "more than 500,000 JSON values"),
    ],
)
def test_what_could_not_be_read_back_is_not_deployed(monkeypatch, name, most, words):
    """Nothing is written that no later plan could look at."""
    monkeypatch.setattr(f"flow64.definition.reading.{name}", most)

    with pytest.raises(errors.ReadError, match=words):
        target(made())
