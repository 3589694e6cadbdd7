"""The examples in README, docs and docstrings are tests too."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import myst, rest
from sybil.sybil import SybilCollection

from flow64.blocks import CATALOGUE, catalogue
from tests import pages

# What they replace is kept apart, for as long as the tests run.
_history = TemporaryDirectory(prefix="flow64-history-")
os.environ["FLOW64_HISTORY"] = _history.name
# Each deploy asks git about the code. From a folder in this checkout it finds none, so
# no test depends on what is committed here.
os.environ["GIT_CEILING_DIRECTORIES"] = str(Path(__file__).parent)


def pytest_configure(config: pytest.Config) -> None:
    """Let `make golden` write pages too."""
    pages.rewriting = "fix" in str(config.getoption("inline_snapshot", ""))


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor and one more: tests wait for sockets and programs."""
    return 2 * (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that none of them is the last one running."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Keep what was collected out of garbage collection: a quarter of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


LAYOUT = ELLIPSIS | NORMALIZE_WHITESPACE

in_markdown = [
    pages.FileParser("python", myst.PythonCodeBlockParser(doctest_optionflags=LAYOUT)),
    pages.FileParser("toml", myst.CodeBlockParser("toml", pages.read_settings)),
    myst.CodeBlockParser("console", pages.run_console),
    myst.SkipParser(),
]
in_docstrings = [rest.DocTestParser(LAYOUT), rest.SkipParser()]


BUILT_IN = {**CATALOGUE}


def forget_own_kinds(_: object = None) -> None:
    """Forget block classes of one's own, so that no other test knows their kinds."""
    if [*CATALOGUE.items()] != [*BUILT_IN.items()]:
        catalogue._kinds.clear()
        catalogue._kinds.update(BUILT_IN)


@pytest.fixture
def own_kinds() -> Generator[None]:
    """Lets a test define block classes of its own."""
    yield
    forget_own_kinds()


def end_page(namespace: dict[str, object]) -> None:
    """Leave nothing to the tests that follow."""
    pages.close_page(namespace)
    forget_own_kinds()


page = {"setup": pages.open_page, "teardown": end_page}
readme = Sybil(in_markdown, pattern="README.md", **page)
docs = Sybil(in_markdown, path="docs", pattern="*.md", **page)
docstrings = Sybil(
    in_docstrings,
    path="src",
    pattern="*.py",
    document_types={".py": PythonDocStringDocument},
    **page,
)

_collect_examples = SybilCollection([readme, docs, docstrings]).pytest()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> object:
    """Collect examples; to parse code without any takes a third of the collection."""
    if file_path.suffix == ".py" and b">>>" not in file_path.read_bytes():
        return None
    return _collect_examples(file_path, parent)
