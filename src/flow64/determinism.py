"""Determinism: compile a source in several processes, and find what differs.

Each process has another hash seed, time zone, locale or working folder than the first
one, and only that, so a difference names its cause.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import field, frozen

from .definition import dumps, pointer
from .diagnostics import as_text
from .errors import CompileError, FlowError
from .loading import Loaded, Selection, load_source

TIMEOUT: Final = 120.0
"""Seconds that a process may take."""

AT_ONCE: Final = 4
"""The most processes that run at one time."""

TAIL: Final = 2_000
"""Characters of its output that are shown if a process ended without an answer."""

SAME: Final = "no setting"
"""The cause of a difference between two processes with the same settings."""

_CHILD: Final = (
    "import json, sys; job = json.load(sys.stdin); sys.path[:] = job['path']; "
    "from flow64.determinism import answer; answer(job)"
)
"""The program of a process. What it finds on its path is what its parent finds."""

_PLAIN: Final = {"PYTHONHASHSEED": "0", "TZ": "UTC0", "LC_ALL": "C.UTF-8"}


@frozen
class Variation:
    """A difference of a process from the first one.

    Attributes:
        name: The setting, as a user writes it.
        variables: Environment variables.
        in_empty_folder: Whether its working folder is an empty one.
    """

    name: str
    variables: Mapping[str, str] = field(factory=dict[str, str])
    in_empty_folder: bool = False


@frozen
class Difference:
    """The first place where a process differs from the first one.

    Attributes:
        cause: The setting that makes the difference.
        key: The name of the workflow; None if a process compiled none.
        pointer: The JSON pointer into its JSON; empty for all of it.
        before: The value in the first process.
        after: The value in the other process.
        place: File and line of the block, or the file of the workflow.
    """

    cause: str
    key: str | None
    pointer: str
    before: Any
    after: Any
    place: str | None


@frozen
class Verification:
    """The outcome of all processes.

    Attributes:
        keys: The workflows of the source.
        difference: The first difference; None if all processes gave the same bytes.
        problem: Why even the first process compiled nothing; None if it did.
    """

    keys: Sequence[str]
    difference: Difference | None = None
    problem: str | None = None


def compare_processes(loaded: Loaded, env: str | None, processes: int) -> Verification:
    """Compile a source in several processes, and compare ids and bytes.

    Args:
        loaded: The source, with the workflows to compare.
        env: The environment of the ids; None for `default`.
        processes: How many, 3 or more. Those beyond 6 have further hash seeds.
    """
    home, place = Path.cwd(), Path(loaded.source)
    job = {
        "source": str(place.absolute()) if place.exists() else loaded.source,
        "select": loaded.names if loaded.is_picked else (),
        "env": env,
        "path": [*(entry or str(home) for entry in sys.path), str(home)],
    }
    variations = [*_list_variations(processes - 1)]
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        first, *others = pool.map(
            lambda variation: _run(json.dumps(job), variation, home),
            (Variation(""), *variations),
        )
    finally:  # Ctrl-C reaches the processes too, and starts no further one
        pool.shutdown(cancel_futures=True)
    if isinstance(first, str):
        return Verification((), problem=first)
    keys = [*first]
    for variation, other in zip(variations, others, strict=True):
        for difference in _compare(variation.name, first, other):
            return Verification(keys, difference)
    return Verification(keys)


def _list_variations(count: int) -> Iterator[Variation]:
    # Two alike come first: if they differ, no setting is to blame for later ones.
    first = [
        Variation(SAME),
        Variation("PYTHONHASHSEED=1", {"PYTHONHASHSEED": "1"}),
        Variation("TZ=AAA-14", {"TZ": "AAA-14"}),
        # Else Python takes UTF-8 in this locale, and a difference would not show.
        Variation(
            "LC_ALL=C",
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        ),
        Variation("an empty working folder", in_empty_folder=True),
    ]
    yield from first[:count]
    for seed in range(2, count - len(first) + 2):
        yield Variation(f"PYTHONHASHSEED={seed}", {"PYTHONHASHSEED": str(seed)})


def _run(job: str, variation: Variation, home: Path) -> dict[str, Any] | str:
    """Compile in a process. Return the workflows by name, or what went wrong."""
    with TemporaryDirectory(prefix="flow64-") as empty:
        try:
            process = subprocess.run(  # noqa: S603 - it is Python itself, and no shell
                [sys.executable, "-P", "-c", _CHILD],
                input=job.encode(),
                capture_output=True,
                check=False,
                env={**os.environ, **_PLAIN, **variation.variables},
                cwd=empty if variation.in_empty_folder else home,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return f"the source was not compiled within {TIMEOUT:g} s"
    try:
        answer: dict[str, Any] | str = json.loads(process.stdout)
        return answer
    except ValueError:
        output = process.stderr.decode(errors="replace")[-TAIL:].strip()
        return f"a process ended with {process.returncode}, without answer:\n{output}"


def answer(job: Mapping[str, Any]) -> None:
    """Compile a source, and write the answer to stdout: the main of a process."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what the user's modules print is not part of the answer
        out.write(json.dumps(_compile(job)).encode())


def _compile(job: Mapping[str, Any]) -> dict[str, Any] | str:
    workflows: dict[str, Any] = {}
    try:
        selection = Selection(job["select"])
        for loaded in load_source(job["source"], selection=selection).workflows:
            definition = loaded.workflow.compile(job["env"])
            origins = (definition.origins[at] for at in range(len(definition.blocks)))
            workflows[loaded.name] = {
                "place": loaded.where,
                "places": [
                    str(origin.place) if origin.place else None for origin in origins
                ],
                "text": dumps(definition),
            }
    except CompileError as error:
        return as_text(error.findings).rstrip("\n")
    except FlowError as error:
        return str(error)
    return workflows


def _compare(
    cause: str, first: dict[str, Any], other: dict[str, Any] | str
) -> Iterator[Difference]:
    if isinstance(other, str):
        yield Difference(cause, None, "", "compiles", other, None)
        return
    if [*first] != [*other]:
        yield Difference(cause, None, "", [*first], [*other], None)
        return
    for key, workflow in first.items():
        before, after = workflow["text"], other[key]["text"]
        if before != after:
            pair = json.loads(before), json.loads(after)
            for path, old, new in _find_differences(*pair, ()):
                place = workflow["place"]
                if path[:2] == ("workflow_definition", "blocks") and len(path) > 2:
                    place = workflow["places"][path[2]] or place
                yield Difference(cause, key, pointer(path), old, new, place)


def _find_differences(
    before: Any, after: Any, path: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Yield the places where two JSON trees differ, also in the order of their keys."""
    if isinstance(before, dict) and isinstance(after, dict):
        if [*before] != [*after]:
            yield path, [*before], [*after]
        for key in [key for key in before if key in after]:
            yield from _find_differences(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield path, before, after
        for at, pair in enumerate(zip(before, after, strict=False)):
            yield from _find_differences(*pair, (*path, at))
    elif (type(before), before) != (type(after), after):
        yield path, before, after
