"""Write the blocking client from the async one: `python scripts/unasync.py`.

Each method of the async classes is written once, with its documentation. This script
drops `async` and `await`, and gives the classes the names of their blocking twins. A
test holds that the written files are current.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parent.parent / "src" / "flow64" / "client"

MODULES = {
    "_async_client.py": "_client.py",
    "_async_calls.py": "_calls.py",
    "_async_run.py": "_run.py",
}

HEAD = "# Written by scripts/unasync.py from {source}. Change that file instead.\n"

REPLACEMENTS = (
    (
        r"an `async with` block, or await `close\(\)`",
        "a `with` block, or call `close()`",
    ),
    (r"Tasks may share it", "Threads may share it"),
    (r"async (def|for|with) ", r"\1 "),
    (r"from asyncio import to_thread\n", ""),
    (r"await to_thread\(\s*(\w+), ", r"\1("),
    (r"for (\w+) in (\w+):\n +yield \1\n", r"yield from \2\n"),
    (r"\bawait ", ""),
    (r"\baclosing\b", "closing"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsync(Client|Core|Run|Runs|Workflows|Schedules|SigningSecrets)\b", r"\1"),
    (r"\b_async_(client|calls|run)\b", r"_\1"),
    (r"\basync_run_of\b", "run_of"),
    (r"\n *# Async only: .*", ""),
    (r"  # noqa: ASYNC109.*", ""),
)
"""Patterns and what they become, in this order."""


def unasync(source: Path) -> str:
    """Return the blocking form of a module, formatted."""
    text = source.read_text()
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text)
    for command in (("check", "--select", "I,SIM117", "--fix-only"), ("format",)):
        ruff = ("-m", "ruff", *command, "-q", "--stdin-filename", str(source), "-")
        made = subprocess.run(
            (sys.executable, *ruff),
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = made.stdout
    return HEAD.format(source=source.name) + text


def main() -> None:
    """Write all modules."""
    for source, target in MODULES.items():
        (CLIENT / target).write_text(unasync(CLIENT / source))


if __name__ == "__main__":
    main()
