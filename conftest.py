"""The examples in README, docs and docstrings are tests too."""

from __future__ import annotations

import os
from collections.abc import Generator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from tempfile import TemporaryDirectory

import pytest
from coverage import Coverage
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import myst, rest
from sybil.sybil import SybilCollection

# Runs of examples are remembered nowhere; whoever wants a journal names its place.
os.environ["FLOW64_JOURNAL"] = ""
# What they replace is kept apart, for as long as the tests run.
_history = TemporaryDirectory(prefix="flow64-history-")
os.environ["FLOW64_HISTORY"] = _history.name


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since tests wait for sockets and programs."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Measure no coverage by laws, and by what other programs take part in.

    They would take twice as long, and each line and branch is to be run by a test that
    is about it.
    """
    is_long = item.get_closest_marker("once") or "laws" in item.path.parts
    coverage = Coverage.current()
    if coverage is None or not is_long:
        return (yield)
    inherited = os.environ.pop(_INHERITED, None)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()
        if inherited is not None:
            os.environ[_INHERITED] = inherited


_INHERITED = "COVERAGE_PROCESS_CONFIG"  # what coverage gives the programs of a test

LAYOUT = ELLIPSIS | NORMALIZE_WHITESPACE

in_markdown = [
    myst.PythonCodeBlockParser(doctest_optionflags=LAYOUT),
    myst.SkipParser(),
]
in_docstrings = [rest.DocTestParser(LAYOUT), rest.SkipParser()]

readme = Sybil(in_markdown, pattern="README.md")
# The story is played by a test of its own, commands and all.
docs = Sybil(in_markdown, path="docs", pattern="*.md", excludes=["story.md"])
docstrings = Sybil(
    in_docstrings,
    path="src",
    pattern="*.py",
    document_types={".py": PythonDocStringDocument},
)

pytest_collect_file = SybilCollection([readme, docs, docstrings]).pytest()
