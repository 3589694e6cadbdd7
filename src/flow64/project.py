"""Projects, which own ids, and variants: many workflows from one function."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from attrs import field, frozen

from .definition import EMPTY, ProjectKey, Tag, escape_key, write_old_path
from .errors import BuildError, require_type
from .text import did_you_mean, shortened
from .workflow import Workflow

if TYPE_CHECKING:
    from .analysis.live import LiveCatalogue


def _codes(allow: Iterable[str]) -> tuple[str, ...]:
    hint = 'write allow=["isolated-block"]'  # a text would be a list of letters
    require_type("Project: allow", allow, list | tuple | set | frozenset, hint)
    return tuple(map(str, allow))


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
    rows = [*(_read_axes(axes) if axes else _read_table(table))]
    names = {row.name for row in rows}
    if unknown := [name for name in was if name not in names]:
        near = did_you_mean(unknown[0], names)
        problem = f"was names {shortened(unknown[0])}, which is no variant{near}"
        raise BuildError(problem, hint='write was={"new name": "old name"}')
    return {row.key: _build(build, row, was) for row in rows}


@frozen
class _Variant:
    """A row of a table, or a combination of axes.

    Attributes:
        key: Its key in the result.
        segments: What it adds to the path of its workflow.
        name: Its name in `was`.
    """

    key: Any
    parameters: Mapping[str, Any]
    segments: list[tuple[Tag, str]]
    name: str


def _read_table(table: Any) -> Iterator[_Variant]:
    is_table = isinstance(table, Mapping)
    if not is_table or not all(isinstance(row, Mapping) for row in table.values()):
        problem = f"{shortened(table)} does not map variant names to parameters"
        raise BuildError(problem, hint='write {"us": {"region": "us"}}')
    for normal, name in _require_names(table).items():
        yield _Variant(name, table[name], [("variant", name)], normal)


def _read_axes(axes: Mapping[str, Sequence[str]]) -> Iterator[_Variant]:
    for axis, texts in axes.items():
        if isinstance(texts, str) or not isinstance(texts, Sequence) or not texts:
            problem = f"{axis} is {shortened(texts)}, which is not a list of texts"
            raise BuildError(problem, hint=f'write {axis}=["us", "de"]')
        _require_names(texts)
    for texts in itertools.product(*axes.values()):
        parameters = dict(zip(axes, texts, strict=True))
        segments: list[tuple[Tag, str]] = []
        # By name, since the order in which axes are written is to change no id.
        for axis in sorted(axes, key=escape_key):
            segments += [("axis", axis), ("variant", parameters[axis])]
        name = unicodedata.normalize("NFC", write_old_path(segments))
        yield _Variant(texts, parameters, segments, name)


def _require_names(names: Iterable[Any]) -> Mapping[str, str]:
    """Return names by their NFC. Refuse what is not text, or would share ids."""
    by_normal: dict[str, str] = {}
    for name in names:
        if type(name) is not str or not name:
            raise BuildError(f"{shortened(name)} is no name", hint="write a plain str")
        normal = unicodedata.normalize("NFC", name)
        if normal in by_normal:
            problem = f"two variants are called {name!r}, and would share ids"
            raise BuildError(problem, hint="rename one of them")
        by_normal[normal] = name
    return by_normal


def _build(
    build: Callable[..., Workflow], row: _Variant, was: Mapping[str, str | None]
) -> Workflow:
    try:
        workflow: Any = build(**row.parameters)
    except Exception as error:
        error.add_note(f"flow64: in the variant {row.name}")
        raise
    if not isinstance(workflow, Workflow):
        maker = getattr(build, "__name__", "build")
        problem = f"{maker} returns {shortened(workflow)}"
        raise BuildError(problem, hint="let it return a Workflow")
    if row.name not in was:
        return workflow.varied(row.segments)
    old, name = write_old_path(workflow.identity.below), was[row.name]
    return workflow.varied(row.segments, old if name is None else f"{old}/{name}")
