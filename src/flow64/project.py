"""Projects, which own ids, and variants: many workflows from one function."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, overload

from attrs import field, frozen

from .definition import DEFAULT_ENV, EMPTY, ProjectKey, Tag, escape_key
from .dsl import helpful
from .errors import ArgumentError, VariantError
from .text import shortened
from .workflow import Workflow

if TYPE_CHECKING:
    from .analysis import LiveCatalogue


def _codes(allow: Sequence[str] | AbstractSet[str]) -> tuple[str, ...]:
    is_list = isinstance(allow, list | tuple | set | frozenset)
    if is_list and all(isinstance(code, str) for code in allow):
        return tuple(allow)
    problem = f"allow is {shortened(allow)}; write a list of codes"
    raise ArgumentError("Project", f'{problem}: allow=["isolated-block"]')


@frozen
class Project(ProjectKey):
    """The owner of ids: a group of workflows that is planned together.

    Args:
        key: Name of the project inside its namespace.
        namespace: A domain or repository of yours, such as `acme.example`: two projects
            of one key in two namespaces share no id.
        allow: Codes of findings to silence in all its workflows.
        blocks: The service's own list of blocks, which outranks the built-in catalogue;
            needs the extra `schemas`. `LiveCatalogue.read("blocks.json")` reads one
            that was saved.
    """

    key: str
    namespace: str
    allow: Sequence[str] = field(default=(), converter=_codes)
    blocks: LiveCatalogue | None = field(default=None, kw_only=True, repr=False)

    @blocks.validator
    def _check_blocks(self, _: object, given: object) -> None:
        if given is not None:
            from .analysis import (  # noqa: PLC0415 - few projects have a list
                as_catalogue,
                learn_kinds,
            )

            learn_kinds(as_catalogue(given, "Project"))


Project.__init__ = helpful(Project.__init__)  # type: ignore[method-assign] # made by attrs


@overload
def variants(
    build: Callable[..., Workflow], table: Mapping[str, Mapping[str, Any]]
) -> dict[str, Workflow]: ...
@overload
def variants(
    build: Callable[..., Workflow], table: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, Workflow]: ...
@helpful
def variants(build: Callable[..., Workflow], table: Any) -> dict[str, Workflow]:
    """Build one workflow for each row of a table: `build(**parameters)`.

    The variant's name becomes a segment of the workflow's path, so every variant has
    ids of its own that do not depend on the order or number of the others.

    Args:
        build: Makes a workflow from the parameters of one variant.
        table: Parameters by variant name, as a mapping or as pairs.

    Raises:
        VariantError: Two variants have one name or pin, or `build` returns
            something else.
    """
    rows: list[Any] = list(table.items()) if isinstance(table, Mapping) else list(table)
    for row in rows:
        if not isinstance(row, tuple) or len(row) != 2:
            problem = (
                f"{shortened(row)} is not a pair of a variant name and its parameters"
            )
            raise VariantError(f'{problem}: write {{"us": {{...}}, "uk": {{...}}}}')
    _unique([name for name, _ in rows])
    for name, parameters in rows:
        _arguments(name, parameters)
    made = {
        name: _build(build, parameters, [("variant", name)])
        for name, parameters in rows
    }
    _refuse_shared_pins(made)
    return made


@helpful
def matrix(
    build: Callable[..., Workflow],
    axes: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    exclude: Iterable[Mapping[str, str]] = (),
) -> dict[tuple[str, ...], Workflow]:
    """Build one workflow for each combination: `build(**parameters of all axes)`.

    Args:
        build: Makes a workflow from the parameters of one combination.
        axes: Parameters by name, by axis, as
            `{"region": {"us": {...}}, "size": {"big": {...}}}`.
        exclude: Combinations to leave out, each as axis to name; one that names fewer
            axes leaves out all combinations it fits.

    Raises:
        VariantError: Names or pins are equal, an exclusion fits nothing, or `build`
            returns something else than a workflow.
    """
    for axis, table in axes.items():
        if not isinstance(table, Mapping) or not table:
            problem = f"axis {axis!r} is {shortened(table)}, which names no variants"
            raise VariantError(f'{problem}: write {{"us": {{...}}, "uk": {{...}}}}')
        _unique(list(table))
        for name, given in table.items():
            _arguments(name, given)
    if not axes:
        example = '{"region": {"us": {...}, "uk": {...}}}'
        raise VariantError(f"a matrix needs at least one axis: write {example}")
    _unique(list(axes))
    excluded = _exclusions(exclude)
    unused = list(excluded)
    made: dict[tuple[str, ...], Workflow] = {}
    for names in itertools.product(*axes.values()):
        at = dict(zip(axes, names, strict=True))
        hits = [e for e in excluded if e.items() <= at.items()]
        unused = [e for e in unused if e not in hits]
        if hits:
            continue
        parameters: dict[str, Any] = {}
        for axis, name in at.items():
            if twice := parameters.keys() & axes[axis][name].keys():
                problem = f"two axes set {', '.join(sorted(twice))}"
                raise VariantError(f"{problem}: leave it to one of them")
            parameters |= axes[axis][name]
        made[names] = _build(build, parameters, _segments(at))
    if unused:
        problem = f"the exclusion {unused[0]} fits no combination"
        raise VariantError(f"{problem}: correct its names, or leave it out")
    _refuse_shared_pins(made)
    return made


def _arguments(name: str, parameters: Any) -> None:
    """Return a copy of parameters, which become keyword arguments."""
    is_mapping = isinstance(parameters, Mapping)
    if not is_mapping or not all(isinstance(key, str) for key in parameters):
        problem = f"the parameters of {name!r} are {shortened(parameters)}"
        raise VariantError(f'{problem}: write {{"argument": value}}')


def _exclusions(exclude: Any) -> list[dict[str, str]]:
    entries = [exclude] if isinstance(exclude, Mapping) else list(exclude)
    for entry in entries:
        if not isinstance(entry, Mapping) or not entry:
            problem = f"{shortened(entry)} excludes nothing"
            raise VariantError(f'{problem}: write exclude=[{{"region": "uk"}}]')
    return [dict(entry) for entry in entries]


def _segments(at: Mapping[str, str]) -> list[tuple[Tag, str]]:
    segments: list[tuple[Tag, str]] = []
    # By name, since the order in which axes are written is to change no id.
    for axis, name in sorted(at.items(), key=lambda item: escape_key(item[0])):
        segments.append(("axis", axis))
        segments.append(("variant", name))
    return segments


def _build(
    build: Callable[..., Workflow],
    parameters: Mapping[str, Any],
    segments: list[tuple[Tag, str]],
) -> Workflow:
    try:
        made: Any = build(**parameters)
    except Exception as error:
        names = " / ".join(name for tag, name in segments if tag == "variant")
        error.add_note(f"flow64: in the variant {names}")
        raise
    if not isinstance(made, Workflow):
        name = getattr(build, "__name__", "build")
        problem = f"{name} returns {shortened(made)}"
        raise VariantError(f"{problem}: let it return a Workflow")
    return made.varied(segments)


def _refuse_shared_pins(made: Mapping[Any, Workflow]) -> None:
    """Refuse a pin, or the id of a workflow that was read, for two variants."""
    seen: dict[tuple[str, Any], Any] = {}
    for name, workflow in made.items():
        identity = workflow.identity
        pins = {DEFAULT_ENV: identity.id} if identity.id is not None else {}
        pins |= identity.pins.get("workflow", EMPTY)
        for pin in ((env, str(pinned).lower()) for env, pinned in pins.items()):
            if pin in seen:
                problem = f"variants {seen[pin]!r} and {name!r} are pinned to one id"
                raise VariantError(f"{problem}, {shortened(pin[1])}: pin one of them")
            seen[pin] = name


def _unique(names: Sequence[Any]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not name:
            raise VariantError(f"{shortened(name)} is not a variant name: write a str")
        folded = unicodedata.normalize("NFC", name)
        if folded in seen:
            problem = f"two variants are called {name!r}, and would share ids"
            raise VariantError(f"{problem}: rename one of them")
        seen[folded] = name
