"""Take screenshots of the emulator's page for the docs, with a browser of this machine.

    python docs/_ext/emulator_pictures.py

The emulator has forty workflows in two environments, and a run that is under way.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parent.parent
IMAGES: Final = DOCS / "images"
sys.path.insert(0, str(DOCS.parent))

from tests.emulator.fleet import (  # noqa: E402
    KEYS,
    PEOPLE,
    REGIONS,
    deploy_fleet,
    run_in,
)
from tests.emulator.pages import connected  # noqa: E402

from flow64.emulator import Emulator, Switches  # noqa: E402 - tests are found now
from tests.emulator.support import start  # noqa: E402

SHOTS: Final = {
    "emulator-workflows-light": ("workflows", 1280, 560, "light"),
    "emulator-workflows-dark": ("workflows", 1280, 560, "dark"),
    "emulator-run-light": ("run", 1280, 860, "light"),
    "emulator-run-dark": ("run", 1280, 860, "dark"),
    "emulator-phone": ("run", 375, 812, "light"),
}
"""Each picture: what it shows, its width and height, and the scheme."""


HALF: Final = 0.5


def start_run(emulator: Emulator, workflow_id: str) -> str:
    """Start a run, and return its id once its third block has half of its rows."""
    emulator.switches = Switches(speed=10)
    with connected(emulator, KEYS["prod"]) as client:
        run_id: str = start(client, workflow_id, PEOPLE * 4).json()["job_id"]
    while emulator.store.blocks.of(run_id)[2].progress < HALF:
        time.sleep(0.05)
    return run_id


def main() -> None:
    """Take all screenshots."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a test needs none

    with Emulator() as emulator, sync_playwright() as playwright:
        ids = deploy_fleet(emulator, REGIONS)
        for region in REGIONS[:3]:
            run_in(emulator, "prod", ids["prod", region])
        run_id = start_run(emulator, ids["prod", "us"])
        places = {"workflows": "workflows", "run": f"run/{run_id}/1"}
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (place, width, height, scheme) in SHOTS.items():
            shown = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # light or dark
            )
            shown.goto(f"{emulator.url}/#{places[place]}")
            shown.wait_for_selector(".list" if place == "workflows" else ".rows")
            shown.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
