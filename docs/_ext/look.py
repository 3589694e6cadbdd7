"""Look at the built pages with the browser of this machine.

    python docs/_ext/look.py docs/_build/html

No page may be wider than a phone, a tablet or a desk, and no script may fail. Axe may
find nothing in a page of each sort, narrow in light and wide in dark.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

WIDTHS: Final = (390, 768, 1280)
COLOURS: Final[dict[int, Literal["light", "dark"]]] = {390: "light", 1280: "dark"}
EACH_SORT: Final = (
    "index",
    "search",
    "commands/deploy",
    "commands/index",
    "changelog",
    "comparison",
    "emulator",
    "how-to-plan",
    "how-to-run",
    "limits",
)
"""Pages for axe. It takes over ten seconds for the long ones, which look like these."""

CUT: Final = """() => {
  const scrolls = (one) => /auto|scroll/.test(getComputedStyle(one).overflowX);
  const isInside = (one) =>
    one.tagName !== 'ARTICLE' && (scrolls(one) || isInside(one.parentElement));
  const isBeyond = (one) => one.getBoundingClientRect().right > innerWidth + 1;
  return [...document.querySelectorAll('html, article *')]
    .filter((one) => one.tagName === 'HTML'
      ? one.scrollWidth > innerWidth
      : isBeyond(one) && !isInside(one))
    .map((one) => 'cut: ' + one.outerHTML.slice(0, 80));
}"""
"""What is beyond the right edge, and in no box that scrolls."""


def find_faults(shown: Page, root: Path) -> Iterator[str]:
    """Yield what is wrong, with its page, width and colours."""
    failures: list[str] = []
    shown.on("pageerror", lambda error: failures.append(str(error)))
    for page in sorted(root.rglob("*.html")):
        name = str(page.relative_to(root).with_suffix(""))
        if name.startswith("_static"):
            continue
        failures.clear()
        shown.goto(page.as_uri())
        for width in WIDTHS:
            shown.set_viewport_size({"width": width, "height": 900})
            # The page hears of its new size before its next frame.
            shown.evaluate("() => new Promise(requestAnimationFrame)")
            found = find_cut(shown) + failures
            if name in EACH_SORT and width in COLOURS:
                shown.emulate_media(color_scheme=COLOURS[width])
                found += find_violations(shown)
            yield from (f"{name}, {width} wide: {fault}" for fault in found)


def find_cut(shown: Page) -> list[str]:
    """Return what is cut off at the right edge."""
    found: list[str] = shown.evaluate(CUT)
    return found


def find_violations(shown: Page) -> list[str]:
    """Return what axe complains of."""
    violations = Axe().run(shown).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in violations]


def main() -> None:
    """End with 1 if anything is wrong, and say what."""
    path = shutil.which("chromium")
    if path is None:
        words = "the pages were not looked at: install Debian's package chromium"
        if "CI" in os.environ:
            sys.exit(words)
        sys.stderr.write(f"{words}\n")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        faults = [*find_faults(browser.new_page(), Path(sys.argv[1]).resolve())]
        browser.close()
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
