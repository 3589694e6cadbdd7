"""Load the code of a base, in a process of its own.

    python -P -m flow64.cli._load_base ROOT FOLDER OUTCOME

FOLDER has the files of the base, ROOT those of the working tree. What is found is
written to OUTCOME. If code of the working tree runs, as with an editable install, the
outcome is a problem: the base would be compared with itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import flow64

from ..definition import Definition, dumps
from ..errors import FlowError
from ..files import relative_path
from ..loading import load_source, lower_leniently


def main(root: str, folder: str, outcome: str) -> None:
    """Load the workflows of the working folder, and write them to a file."""
    foreign: list[str] = []
    watch_code(Path(root), Path(folder), foreign)
    data: dict[str, Any]
    try:
        loaded = load_source(None, may_be_empty=True)
        workflows = [
            _as_data(workflow.name, lower_leniently(workflow.workflow), Path(folder))
            for workflow in loaded.workflows
        ]
        data = {"workflows": workflows}
    except (FlowError, TypeError, ValueError) as error:
        data = {"problem": str(error)}
    if foreign:
        problem = f"{foreign[0]} of the working tree was loaded in its place"
        advice = "install the project without --editable, or commit compiled JSON"
        data = {"problem": f"{problem}; {advice}"}
    Path(outcome).write_text(json.dumps(data), "utf-8")


def watch_code(root: Path, folder: Path, foreign: list[str]) -> None:
    """Collect the files of the working tree whose code runs from now on."""
    ours = Path(flow64.__file__).parent
    trusted = [folder, ours, Path(sys.prefix), Path(sys.base_prefix)]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "exec":
            return
        file = Path(getattr(arguments[0], "co_filename", ""))
        if file.is_relative_to(root) and not any(map(file.is_relative_to, trusted)):
            foreign.append(str(file.relative_to(root)))

    sys.addaudithook(hear)


def _as_data(name: str, definition: Definition, folder: Path) -> dict[str, Any]:
    origins = [definition.origins[at] for at in range(len(definition.blocks))]
    place = definition.place
    if place is not None:
        place = place._replace(file=relative_path(place.file, folder))
    return {
        "name": name,
        "text": dumps(definition),
        "path": definition.path,
        "allowed": [*definition.allowed],
        "place": place,
        "origins": [[origin.path, origin.allowed, origin.extra] for origin in origins],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
