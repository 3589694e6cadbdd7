"""The plugin of pytest, and what is asserted with it."""

from __future__ import annotations

import asyncio
import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from flow64 import COMPANY, LEAD, Client, Workflow, tap, value
from flow64.blocks import (
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Search,
    Webhook,
)
from flow64.emulator import Emulator, Switches
from flow64.errors import (
    BuildError,
    CompileError,
    ConsentError,
    RowsError,
    RunFailedError,
    WaitTimeoutError,
)
from flow64.testing import KEY, try_out

FOLDER = Path(__file__).parent.parent
HOOK = "https://crm.acme.example/hooks/contacts"
PEOPLE = [
    {"full_name": "Ada Lovelace", "company": "Engines"},
    {"full_name": "Ada Lovelace", "company": "Engines"},
    {"full_name": "Grace Hopper", "company": "Compilers"},
]


def found(row):
    status = "OK" if row["full_name"].startswith("Ada") else "NOT_FOUND"
    return {"email": "ada@example.com", "email_status": status}


def contacts(**more):
    """A workflow without a project, some of whose keys are in a scope."""
    lookup = FindEmail() >> Filter.where("email_status").equals("OK")
    flow = (
        Webhook(LEAD)
        >> Deduplicate()
        >> lookup.scoped("work")
        >> OutgoingWebhook(url=HOOK)
    )
    return Workflow("Contacts", flow, **more)


def archived():
    """A workflow that ends in two blocks."""
    archive = OutgoingWebhook(key="archive", url="https://archive.acme.example/in")
    flow = Webhook(LEAD) >> tap(archive) >> OutgoingWebhook(url=HOOK)
    return Workflow("Archived", flow)


# -- What came of a run ---------------------------------------------------------------


def test_rows_after_each_block(flow64_emulator):
    """Rows are found by key path; without one, those of the last block."""
    flow64_emulator.fixtures["find_email"] = found

    outcome = try_out(contacts(), PEOPLE, flow64_emulator)

    ada = {**PEOPLE[0], "email": "ada@example.com", "email_status": "OK"}
    assert outcome.rows("webhook") == PEOPLE
    assert outcome.rows("deduplicate") == PEOPLE[1:]
    assert outcome.rows("work/filter") == outcome.rows() == [ada]


def test_counts_are_in_the_order_of_the_blocks(flow64_emulator):
    """One comparison says how many rows every block gave."""
    flow64_emulator.fixtures["find_email"] = found

    outcome = try_out(contacts(), PEOPLE, flow64_emulator)

    assert list(outcome.counts.items()) == [
        ("webhook", 3),
        ("deduplicate", 2),
        ("work/find_email", 2),
        ("work/filter", 1),
        ("outgoing_webhook", 1),
    ]
    assert repr(outcome) == (
        "<Outcome completed; rows: webhook 3, deduplicate 2, work/find_email 2, "
        "work/filter 1, outgoing_webhook 1>"
    )


def test_columns():
    """Columns come in the order in which rows first have them."""
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields={"title": "Job title"})

    outcome = try_out(Workflow("Titles", flow), [{"a": 1}, {"b": 2, "a": 3}])

    assert outcome.columns("webhook") == ["a", "b"]
    assert outcome.columns() == ["a", "title", "b"]


def test_outbox_is_that_of_the_run(flow64_emulator):
    """What was written outside is that of this run alone, with its target."""
    first = try_out(contacts(), PEOPLE[:1], flow64_emulator)
    second = try_out(archived(), PEOPLE[:1], flow64_emulator)

    targets = [sorted(entry.target for entry in o.outbox) for o in (first, second)]

    assert targets == [[HOOK], ["https://archive.acme.example/in", HOOK]]


def test_several_ends():
    """Where a workflow ends in several blocks, rows are those of one that is named."""
    outcome = try_out(archived(), PEOPLE)

    with pytest.raises(BuildError, match="several blocks, so name one; it takes"):
        outcome.rows()
    assert outcome.rows("archive") == PEOPLE


def test_no_such_block():
    """A key path that does not exist is an error that names those that do."""
    outcome = try_out(contacts(), PEOPLE)

    with pytest.raises(BuildError) as raised:
        outcome.rows("find_email")

    assert str(raised.value) == (
        "no block has the key path 'find_email' (did you mean 'work/find_email'?)"
        "; it takes webhook, deduplicate, work/find_email, work/filter, "
        "outgoing_webhook"
    )


def test_a_block_that_fails(flow64_emulator):
    """A run that fails is an outcome: the block, its words, and the rows before it."""
    flow64_emulator.fail_block("find_email", "out of credits")

    outcome = try_out(contacts(), PEOPLE, flow64_emulator)

    assert outcome.status == "failed"
    assert outcome.failure == "work/find_email: out of credits"
    assert outcome.counts == {"webhook": 3, "deduplicate": 2}
    assert "failed in work/find_email: out of credits" in repr(outcome)
    with pytest.raises(RunFailedError, match="work/find_email: out of credits"):
        outcome.rows()


def test_what_fails_in_one_run_alone(flow64_emulator):
    """Afterwards, what the emulator was told holds again."""
    flow64_emulator.fail_block("find_email", "out of credits")

    failing = {"find_email": "no answer"}
    outcome = try_out(contacts(), PEOPLE, flow64_emulator, failing=failing)

    assert outcome.failure == "work/find_email: no answer"
    assert flow64_emulator.failures == {"find_email": "out of credits"}


def test_a_completed_run_has_no_failure():
    """Nothing is blamed where nothing failed."""
    outcome = try_out(contacts(), PEOPLE)

    assert (outcome.status, outcome.failure) == ("completed", None)


def test_a_run_that_takes_too_long():
    """A slow run is waited for until the time given is over."""
    with (
        Emulator(switches=Switches(speed=5)) as emulator,
        pytest.raises(WaitTimeoutError, match="still running after"),
    ):
        try_out(contacts(), PEOPLE, emulator, timeout=0.2)


# -- What is tried out ----------------------------------------------------------------


def test_a_source_of_its_own():
    """A workflow that brings its own rows is tried out without any; nobody pays."""
    search = Search(LEAD, query="people", max_results=4, auto_execute=True)

    outcome = try_out(Workflow("Found", search >> FindEmail()))

    assert outcome.counts == {"search": 4, "find_email": 4}


EXAMPLES = sorted(p.stem for p in (FOLDER / "examples").glob("*.json"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    """Every example deploys, and runs to its end."""
    module = runpy.run_path(str(FOLDER / "examples" / f"{name}.py"))
    workflow = module.get("workflow") or module["workflows"]["de"]
    source, *_ = workflow.compile().blocks
    columns = source.specs.get("input_schema", {})
    row = {column: True if word == "bool" else "a" for column, word in columns.items()}
    rows = [row] if source.kind == "webhook" else []

    outcome = try_out(workflow, rows)

    blocks = len(workflow.compile().blocks)
    assert (outcome.failure, len(outcome.counts)) == (None, blocks)


def test_values():
    """Values are filled in, as in a deploy."""
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))

    outcome = try_out(Workflow("Hooked", flow), PEOPLE, values={"hook": HOOK})

    assert [entry.target for entry in outcome.outbox] == [HOOK]


def test_what_was_read():
    """A workflow from JSON has no key paths, so its blocks are named by their ids."""
    workflow = Workflow.from_json(contacts().to_json())

    outcome = try_out(workflow, PEOPLE)

    assert list(outcome.counts) == [str(b.id) for b in workflow.compile().blocks]


def test_mistakes_show_before_the_run():
    """What cannot be compiled, or sent, is an error as ever."""
    wrong = Workflow("Wrong", Webhook(COMPANY) >> FindEmail())

    with pytest.raises(CompileError, match="row-kind-mismatch"):
        try_out(wrong, PEOPLE)
    with pytest.raises(RowsError, match="not int"):
        try_out(contacts(), [1])


def test_an_edit_by_hand_is_not_overwritten(flow64_emulator):
    """After an edit on the emulator a deploy is refused, and so is trying out."""
    try_out(contacts(), PEOPLE, flow64_emulator)
    flow64_emulator.edit(contacts().id(), name="Renamed")

    with pytest.raises(ConsentError) as raised:
        try_out(contacts(), PEOPLE, flow64_emulator)

    assert "edited on the service" in str(raised.value)


def test_a_client_of_ones_own():
    """Where keys are given out, a client says whose workflow it is."""
    with (
        Emulator(api_keys=["ours"]) as emulator,
        Client("ours", base_url=emulator.url, journal=None) as client,
    ):
        outcome = try_out(contacts(), PEOPLE, emulator, client=client)
        again = contacts().deploy(client)

    assert (outcome.status, again.state) == ("completed", "unchanged")


# -- Fixtures -------------------------------------------------------------------------


def test_client_sees_what_was_tried_out(flow64_emulator, flow64_client):
    """The client is of the emulator of the same test, and of the same organisation."""
    outcome = try_out(contacts(), PEOPLE, flow64_emulator)

    deployment = contacts().deploy(flow64_client)

    assert (deployment.state, deployment.id) == (
        "unchanged",
        outcome.workflow_id,
    )


def test_client_waits_and_reads(flow64_client):
    """The client does what any client does."""
    contacts().deploy(flow64_client)

    run = contacts().run(PEOPLE, flow64_client).wait(every=0.01)

    assert len(list(run.rows(block="deduplicate"))) == 2


def test_address(flow64_url, flow64_client):
    """Where a test asks for it, the same emulator has an address."""
    contacts().deploy(flow64_client)

    with Client(KEY, base_url=flow64_url, journal=None) as over_a_socket:
        found = contacts().deploy(over_a_socket).state

    assert found == "unchanged"


def twice():
    """A workflow with two blocks of a kind."""
    flow = Webhook(LEAD) >> FindEmail(key="first") >> FindEmail().scoped("work")
    return Workflow("Twice", flow)


def test_fixtures_of_one_block(flow64_emulator):
    """By its key path, for one run; a kind is for all others, as before afterwards."""
    flow64_emulator.fixtures["find_email"] = {"email": "before"}
    given = {"work/find_email": {"email": "work"}, "find_email": {"email": "kind"}}

    found = try_out(twice(), [{}], flow64_emulator, fixtures=given)
    after = try_out(twice(), [{}], flow64_emulator)

    assert found.rows("first")[0]["email"] == "kind"
    assert found.rows("work/find_email")[0]["email"] == "work"
    assert after.rows()[0]["email"] == "before"
    assert dict(flow64_emulator.fixtures) == {"find_email": {"email": "before"}}


def test_one_block_fails(flow64_emulator):
    """By its key path, for one run."""
    failing = {"work/find_email": "out of credits"}

    found = try_out(twice(), PEOPLE, flow64_emulator, failing=failing)
    after = try_out(twice(), PEOPLE, flow64_emulator)

    assert found.failure == "work/find_email: out of credits"
    assert list(found.counts) == ["webhook", "first"]
    assert after.failure is None


@pytest.mark.parametrize("option", ["fixtures", "failing"])
def test_fixtures_of_no_block(option):
    """A name that no block of the workflow has is refused, with those they have."""
    with pytest.raises(BuildError) as raised:
        try_out(twice(), **{option: {"work/find_emial": {}}})

    assert str(raised.value) == (
        f"{option}: no block has the key path or kind 'work/find_emial' (did you mean "
        "'work/find_email'?); it takes webhook, first, work/find_email"
    )


def test_failure_names_its_block_once():
    """Also where the block says by itself why it failed."""
    outcome = try_out(
        contacts(), PEOPLE, fixtures={"work/find_email": lambda row: row["x"]}
    )

    words = "work/find_email: the fixture failed: KeyError: 'x'"
    assert outcome.failure == words


# -- The plugin -----------------------------------------------------------------------


# Plugins that take long to load, and have no part in this.
UNUSED = (
    "anyio",
    "cacheprovider",
    "hypothesispytest",
    "inline_snapshot",
    "schemathesis",
)
LITTLE = [f"-pno:{name}" for name in UNUSED]


def pytest_in(folder, *arguments):
    """Run pytest as users do, in a folder that knows nothing of this one."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *LITTLE, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_each_test_has_an_emulator_of_its_own(tmp_path):
    """Nothing of one test is there in another, in whatever order and process."""
    (tmp_path / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_own(flow64_emulator, flow64_url, n):\n"
        "    assert flow64_emulator.store.workflows.all() == []\n"
        "    flow64_emulator.fixtures['find_email'] = {'email': str(n)}\n"
        "    assert len(flow64_emulator.fixtures) == 1\n",
        "utf-8",
    )

    printed = pytest_in(tmp_path, "-n", "2")

    assert "6 passed" in printed, printed


def test_plugin_loads_nothing():
    """Until a test asks for a fixture: every run of pytest loads the plugin."""
    program = (
        "import sys, pytest; before = {*sys.modules}\n"
        "import flow64.pytest_plugin\n"
        "print(*sorted({*sys.modules} - before))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["flow64", "flow64.pytest_plugin"]


def test_plugin_is_found():
    """By its entry point: with the module that has the fixtures."""
    (found,) = entry_points(group="pytest11", name="flow64")

    assert found.value == "flow64.pytest_plugin"


def test_async_client(flow64_emulator, flow64_async_client, flow64_client):
    """It sees the same workflows as the other client; any event loop may use it."""
    workflow = contacts()
    for _ in range(2):
        state = asyncio.run(flow64_async_client.deploy(workflow)).state

    assert (state, workflow.deploy(flow64_client).state) == ("unchanged", "unchanged")
    assert len(flow64_emulator.store.workflows.all()) == 1


def test_try_out_without_pytest():
    """Where pytest is not installed, workflows can be tried out all the same."""
    program = (
        "import sys; sys.modules['pytest'] = None\n"
        "from flow64 import LEAD, Workflow\n"
        "from flow64.blocks import FindEmail, Webhook\n"
        "from flow64.testing import try_out\n"
        "print(try_out(Workflow('A', Webhook(LEAD) >> FindEmail()), [{}]).counts)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("{'webhook': 1, 'find_email': 1}\n", "")


def test_plugin_loads_little(tmp_path):
    """Where no test asks for an emulator, neither it nor httpx is loaded."""
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_other(request):\n"
        "    assert request.config.pluginmanager.has_plugin('flow64')\n"
        "    heavy = {'httpx', "
        "'flask', 'cattrs', 'click', 'flow64.emulator'}\n"
        "    assert heavy & sys.modules.keys() == set()\n",
        "utf-8",
    )

    printed = pytest_in(tmp_path, "-p", "no:xdist")

    assert "1 passed" in printed, printed


def test_plugin_without_its_extra(tmp_path):
    """Without the emulator's packages, a test that needs one says what to install."""
    (tmp_path / "conftest.py").write_text(
        "import sys\nsys.modules['flask'] = None\n", "utf-8"
    )
    (tmp_path / "test_it.py").write_text(
        "def test_it(flow64_emulator):\n    assert False\n", "utf-8"
    )

    printed = pytest_in(tmp_path)

    assert "pip install '.[emulator]'" in printed, printed
    assert "1 error" in printed
