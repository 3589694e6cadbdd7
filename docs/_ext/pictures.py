"""Take screenshots of the review pages in the docs, with the browser of this machine.

    python docs/_ext/pictures.py

The file of digests has the digest of the page behind each picture. A test compares it
with the golden page, so it finds a picture of an older page.
"""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parent.parent
PAGES: Final = DOCS.parent / "tests" / "review" / "golden"
IMAGES: Final = DOCS / "images"
DIGESTS: Final = IMAGES / "pictures.json"

SHOTS: Final = {
    "review-branch-inserted": ("branch_inserted", 1040, 1120, "light"),
    "review-branch-inserted-dark": ("branch_inserted", 1040, 1120, "dark"),
    "review-forty-variants": ("forty_variants", 1040, 1260, "light"),
}
"""Each picture: its page, the width and height that it shows, and the scheme."""


def digest_of(page: str) -> str:
    """Return the SHA-256 of a page."""
    return sha256((PAGES / f"{page}.html").read_bytes()).hexdigest()


def main() -> None:
    """Take all screenshots."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a test needs none

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (page, width, height, scheme) in SHOTS.items():
            shown = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # light or dark
            )
            shown.goto((PAGES / f"{page}.html").as_uri())
            shown.screenshot(path=IMAGES / f"{name}.png")
        browser.close()
    found = {name: digest_of(page) for name, (page, *_) in SHOTS.items()}
    DIGESTS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
