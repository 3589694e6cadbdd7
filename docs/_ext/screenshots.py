"""Take the pictures of the emulator's page: `python docs/_ext/screenshots.py`.

They are committed, so that the documentation is built without a browser. Needs
Playwright's Python package and a chromium.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from flow64.emulator import Emulator, Switches

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"

PEOPLE = (
    "Ada Lovelace",
    "Grace Hopper",
    "Annie Easley",
    "Radia Perlman",
    "Mary Kenneth Keller",
)
COMPANIES = (
    "Analytical Engines",
    "Flowmatic",
    "Centaur",
    "Spanning Trees",
    "Basic College",
)


def main() -> None:
    """Fill an emulator, and look at it."""
    IMAGES.mkdir(exist_ok=True)
    with (
        Emulator(api_keys={"demo": "acme"}) as emulator,
        sync_playwright() as playwright,
    ):
        client = httpx.Client(base_url=emulator.url, headers={"x-api-key": "demo"})
        for name in ("contact_validation", "shared_fragment", "side_branch"):
            run(client, example(name))
        done = run(client, example("company_research"))
        time.sleep(1)
        emulator.switches = Switches(speed=2.0)
        live = run(client, example("side_branch"))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        time.sleep(4.9)
        url = f"{emulator.url}/#run"
        desk, hand = {"width": 1280, "height": 860}, {"width": 375, "height": 812}
        light = browser.new_page(viewport=desk, color_scheme="light")
        take(light, f"{url}/{live}/1", "run-light")
        dark = browser.new_page(viewport=desk, color_scheme="dark")
        take(dark, f"{url}/{live}/1", "run-dark")
        take(browser.new_page(viewport=hand), f"{url}/{done}", "phone")
        wide = {"width": 1280, "height": 480}
        for scheme in ("light", "dark"):
            shown = browser.new_page(viewport=wide, color_scheme=scheme)
            take(shown, f"{emulator.url}/#workflows", f"workflows-{scheme}")
        emulator.switches = Switches()
        browser.close()


def example(name: str) -> Any:
    """A workflow of the examples."""
    return json.loads((ROOT / "examples" / f"{name}.json").read_text())


def run(client: httpx.Client, workflow: Any) -> str:
    """Start a run of a workflow, and return its id."""
    saved = {key: value for key, value in workflow.items() if key != "id"}
    client.post(
        "/workflows/update_workflow",
        params={"workflow_id": workflow["id"]},
        json=saved,
    ).raise_for_status()
    first = workflow["workflow_definition"]["blocks"][0]["specs"]
    columns = first.get("input_schema", {"full_name": "string", "company": "string"})
    rows = [
        {column: text(column, number) for column in columns} for number in range(120)
    ]
    reply = client.post(
        "/workflows/run",
        params={"workflow_id": workflow["id"]},
        json={"webhook_payload": rows},
    )
    return str(reply.raise_for_status().json()["job_id"])


def text(column: str, number: int) -> str:
    """A made-up value of a column."""
    names = PEOPLE if column == "full_name" else COMPANIES
    return names[number % 5] if number < 5 else f"{names[number % 5]} {number // 5 + 1}"


def take(page: Page, url: str, name: str) -> None:
    """Take one picture, and close the page."""
    page.goto(url)
    page.wait_for_selector(".rows, .list")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"emulator-{name}.png")
    page.close()


if __name__ == "__main__":
    main()
