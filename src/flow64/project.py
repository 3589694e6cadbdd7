"""Projects, which own ids, and variants: many workflows from one function."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from attrs import field, frozen

from .definition import EMPTY, ProjectKey, Tag, escape_key, write_old_path
from .errors import BuildError
from .text import did_you_mean, shortened
from .workflow import Workflow

if TYPE_CHECKING:
    from .analysis.live import LiveCatalogue


def _codes(allow: Iterable[str]) -> tuple[str, ...]:
    if isinstance(allow, str):  # it would be read as a list of letters
        message = f"Project: allow is {shortened(allow)}, which is not a list of codes"
        raise BuildError(message, hint='write allow=["isolated-block"]')
    return tuple(allow)


@frozen
class Project(ProjectKey):
    """The owner of ids: a group of workflows that is planned together.

    Args:
        key: Name of the project inside its namespace.
        namespace: A domain or repository of yours, such as `acme.example`: two projects
            of one key in two namespaces share no id.
        was: Namespace and key that it had before, which keep all ids:
            `acme.example/growth`. The last slash separates them.
        allow: Codes of findings to silence in all its workflows.
        blocks: The service's own list of blocks, which outranks the built-in catalogue;
            needs the extra `schemas`. `LiveCatalogue.read("blocks.json")` reads one
            that was saved.
    """

    key: str
    namespace: str
    allow: Sequence[str] = field(default=(), converter=_codes)
    blocks: LiveCatalogue | None = field(default=None, kw_only=True, repr=False)


@overload
def variants(
    build: Callable[..., Workflow],
    table: Mapping[str, Mapping[str, Any]],
    *,
    was: Mapping[str, str | None] = ...,
) -> dict[str, Workflow]: ...
@overload
def variants(
    build: Callable[..., Workflow],
    *,
    was: Mapping[str, str | None] = ...,
    **axes: Sequence[str],
) -> dict[tuple[str, ...], Workflow]: ...
def variants(
    build: Callable[..., Workflow],
    table: Any = None,
    *,
    was: Mapping[str, str | None] = EMPTY,
    **axes: Sequence[str],
) -> Any:
    """Build one workflow for each row of a table, or for each combination of axes.

    `variants(build, {"us": {"region": "us"}})` calls `build(region="us")`, and
    `variants(build, region=["us", "de"], size=["s", "l"])` calls
    `build(region="us", size="s")` and so on. The names become segments of the
    workflow's path, so every variant has ids of its own that do not depend on the order
    or number of the others.

    Args:
        build: Makes a workflow from the parameters of one variant.
        table: Parameters by variant name.
        was: The names that variants had before, which keep their ids: `{"na": "us"}`,
            or with axes `{"region=na/size=s": "region=us/size=s"}`, by the names of the
            axes. None for a variant that was the workflow of `build` itself.
        **axes: Texts of each axis. `build` takes them by name.

    Returns:
        The workflows by name, or by the texts of all axes.

    Raises:
        BuildError: Names are equal, `was` names no variant, or `build` returns
            something else than a workflow.
    """
    if (table is None) == (not axes):
        example = '{"us": {"region": "us"}}, or region=["us", "de"]'
        raise BuildError("variants need a table or axes", hint=f"write {example}")
    is_table = isinstance(was, Mapping)
    if not is_table or not all(isinstance(old, str | None) for old in was.values()):
        problem = f"was is {shortened(was)}, which does not map names to old names"
        raise BuildError(problem, hint='write was={"na": "us"}')
    was = {unicodedata.normalize("NFC", str(name)): old for name, old in was.items()}
    rows: dict[Any, tuple[Mapping[str, Any], list[tuple[Tag, str]], str]] = {}
    if axes:
        for names, at in _combinations(axes):
            # By name, since the order in which axes are written is to change no id.
            segments: list[tuple[Tag, str]] = []
            for axis in sorted(at, key=escape_key):
                segments += [("axis", axis), ("variant", at[axis])]
            name = unicodedata.normalize("NFC", write_old_path(segments))
            rows[names] = at, segments, name
    else:
        _require_table(table)
        for name, parameters in table.items():
            normal = unicodedata.normalize("NFC", name)
            rows[name] = parameters, [("variant", name)], normal
    present = {name for *_, name in rows.values()}
    if unknown := [name for name in was if name not in present]:
        near = did_you_mean(unknown[0], present)
        problem = f"was names {shortened(unknown[0])}, which is no variant{near}"
        raise BuildError(problem, hint='write was={"new name": "old name"}')
    return {key: _build(build, *row, was) for key, row in rows.items()}


def _require_table(table: Any) -> None:
    is_table = isinstance(table, Mapping)
    if not is_table or not all(isinstance(row, Mapping) for row in table.values()):
        problem = f"{shortened(table)} does not map variant names to parameters"
        raise BuildError(problem, hint='write {"us": {"region": "us"}}')
    _require_names([*table])


def _combinations(
    axes: Mapping[str, Sequence[str]],
) -> Iterator[tuple[tuple[str, ...], Mapping[str, str]]]:
    """Yield each combination of the texts of axes, as a tuple and by axis."""
    for axis, texts in axes.items():
        if isinstance(texts, str) or not isinstance(texts, Sequence) or not texts:
            problem = f"{axis} is {shortened(texts)}, which is not a list of texts"
            raise BuildError(problem, hint=f'write {axis}=["us", "de"]')
        _require_names(texts)
    for names in itertools.product(*axes.values()):
        yield names, dict(zip(axes, names, strict=True))


def _build(
    build: Callable[..., Workflow],
    parameters: Mapping[str, Any],
    segments: list[tuple[Tag, str]],
    name: str,
    was: Mapping[str, str | None],
) -> Workflow:
    try:
        workflow: Any = build(**parameters)
    except Exception as error:
        error.add_note(f"flow64: in the variant {name}")
        raise
    if not isinstance(workflow, Workflow):
        maker = getattr(build, "__name__", "build")
        problem = f"{maker} returns {shortened(workflow)}"
        raise BuildError(problem, hint="let it return a Workflow")
    if name not in was:
        return workflow.varied(segments)
    old = write_old_path(workflow.identity.below)
    return workflow.varied(segments, old if was[name] is None else f"{old}/{was[name]}")


def _require_names(names: Sequence[Any]) -> None:
    """Refuse names that are not text, or that would share ids."""
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not name:
            message = f"{shortened(name)} is not a variant name"
            raise BuildError(message, hint="write a str")
        folded = unicodedata.normalize("NFC", name)
        if folded in seen:
            problem = f"two variants are called {name!r}, and would share ids"
            raise BuildError(problem, hint="rename one of them")
        seen.add(folded)
