"""The page: what it shows, that it is accessible, and that it changes nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Filter, FindEmail, OutgoingWebhook, Webhook
from flow64.client import Client
from flow64.emulator import Emulator
from flow64.errors import RunFailedError
from tests.emulator.conftest import connect
from tests.emulator.support import WEBHOOK, block, body, run_rows

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror=alert(1)>"\u202e & `x`'


@pytest.fixture(scope="module")
def full():
    """An emulator with a deployed workflow, runs, a notebook and a schedule."""
    project = Project("growth", namespace="acme.example")
    flow = (
        Webhook(LEAD)
        >> FindEmail()
        >> Filter.where("email_status").equals("OK")
        >> OutgoingWebhook(url="https://example.com/hook")
    )
    workflow = Workflow(HOSTILE, flow, key="inbound", project=project)
    with Emulator() as emulator:
        with Client("key", base_url=emulator.url, journal=None) as client:
            client.deploy(workflow)
            rows = [{"name": f"{HOSTILE} {n}", "note": 'a,"b"\nc'} for n in range(60)]
            emulator.ran = workflow.run(rows, client, intent="a").wait(every=0.01).id
            emulator.fail_block("find_email", HOSTILE)
            failed = workflow.run(rows[:1], client, intent="b")
            with suppress(RunFailedError):
                failed.wait(every=0.01)
            emulator.failed = failed.id
            client.schedules.create(workflow.id(), "Every night", "0 3 * * *")
        with connect(emulator, "other") as other:
            notebook = block("append_to_notebook", notebook_id="leads")
            run_rows(other, body(WEBHOOK, notebook), rows)
        yield emulator


ADDRESSES = (
    "", "#workflows", "#runs", "#notebooks", "#outbox", "#schedules", "#switches",
    "#guesses", "#workflow/{workflow}", "#run/{run}", "#run/{failed}", "#run/nothing",
    "#notebook/{notebook}",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_page_is_accessible_and_fits(tab, full, address, scheme, width):
    """Axe finds nothing, nothing is wider than the window, nothing is complained of."""
    from axe_playwright_python.sync_playwright import Axe

    page = tab(width, bypass_csp=True, color_scheme=scheme)
    known = {
        "workflow": full.store.workflows.all()[0].id,
        "run": full.ran,
        "failed": full.failed,
        "notebook": full.store.notebooks.all()[0].id.replace("/", "%2F"),
    }
    page.goto(f"{full.url}/{address.format(**known)}")
    page.wait_for_selector("h1")
    page.wait_for_timeout(300)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

    assert Axe().run(page).response["violations"] == []
    assert not page.evaluate(wide)
    assert [text for text in page.complaints if "404" not in text] == []


def test_run_shows_rows_after_each_block(tab, full):
    """As text: nothing of it becomes markup, and its own policy holds."""
    page = tab()
    page.goto(f"{full.url}/#run/{full.ran}/1")
    page.wait_for_selector(".rows tbody tr")
    text = page.inner_text("main")
    page.click("text=Next")
    page.wait_for_selector("text=Rows 51 to 60 of 60")

    assert "60 in, 60 out" in text
    assert "<img src=x onerror=alert(1)>" in text
    assert "⟨U+202E⟩" in text
    assert page.complaints == []


def test_graph_leads_to_blocks(tab, full):
    page = tab()
    page.goto(f"{full.url}/#run/{full.failed}")
    page.wait_for_selector(".node.is-failed")
    page.locator(".node").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Rows after webhook")

    assert page.complaints == []


def test_page_reads_state_and_rows_and_writes_nothing(tab, full):
    changes = "SELECT total_changes()"
    before = full.store.fetch(changes)
    page = tab()
    page.goto(f"{full.url}/#run/{full.ran}")
    page.wait_for_selector(".rows")
    paths = {url.partition("?")[0].removeprefix(full.url) for url in page.asked}

    assert paths == {"/", "/_emulator/state", "/_emulator/rows"}
    assert full.store.fetch(changes) == before


def test_search_finds_items(tab, full):
    page = tab()
    page.goto(f"{full.url}/#runs")
    page.fill("input[type=search]", "failed")
    page.wait_for_selector("text=1 of 3 runs")

    assert page.locator(".list tbody tr").count() == 1
