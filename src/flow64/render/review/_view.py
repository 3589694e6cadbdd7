"""A workflow as it is shown: blocks by name, changes as lines, and what makes it alike.

Blocks of committed JSON have ids and no keys, so the ids of forty variants would read
as forty changes. Here each block has a name that says the same in each variant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from ...definition import EMPTY, Definition, canonical_id
from ...diagnostics import Finding
from ...diff import (
    BlockRenamed,
    Change,
    Consequence,
    CostChanged,
    DescriptionChanged,
    EffectAppeared,
    FindingAppeared,
    FindingVanished,
    RowsChanged,
    TitleChanged,
    Unmanaged,
    as_data,
    as_lines,
    setting_lines,
    unshown,
)
from ...plan import Step
from ._lines import Line, Section, Sign, sections


@frozen(eq=False)
class View:
    """One workflow with all that its renderings need, each worked out once.

    Attributes:
        step: The workflow.
    """

    step: Step

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What each block is called, by its id: the same in each variant."""
        one = self.step
        renamed = {
            canonical_id(change.before.id): canonical_id(change.block.id)
            for change in (*one.changes, *one.edits)
            if isinstance(change, BlockRenamed)
        }
        return block_names(one.details.before, one.details.after, renamed)

    @cached_property
    def changes(self) -> Sequence[dict[str, Any]]:
        """The changes as data, blocks by name."""
        return [_with_names(as_data(one), self.names) for one in self.step.changes]

    @cached_property
    def edits(self) -> Sequence[dict[str, Any]]:
        """What was edited on the service as data, blocks by name."""
        return [_with_names(as_data(one), self.names) for one in self.step.edits]

    @cached_property
    def change_signatures(self) -> Sequence[str]:
        """What each change says, whatever the ids."""
        return _signatures(self.step.changes, self.changes)

    @cached_property
    def signature(self) -> str:
        """Equal for workflows that are shown as one."""
        one = self.step
        follows = [as_data(found) for found in self._consequences]
        shape: Sequence[str] = (
            [] if one.details.before and one.details.after else self.blocks
        )
        return json.dumps(
            [
                [
                    one.state,
                    one.action,
                    one.lifted_by,
                    *one.also,
                    *one.details.given,
                    one.may_skip,
                    one.are_edits_known,
                ],
                [*self.change_signatures],
                _signatures(one.edits, self.edits),
                [_signature(_without_place(found)) for found in follows],
                [repr(one.details.cost_before), repr(one.details.cost_after)],
                [*self.unmanaged],
                [*self.settings],
                [*one.spends],
                one.effects,
                [*shape],
            ]
        )

    @property
    def blocks(self) -> Sequence[str]:
        """The blocks it has, or had, by name, in the order of the flow."""
        definition = self.step.details.after or self.step.details.before
        if definition is None:
            return []
        return [self.names[canonical_id(block.id)] for block in definition.blocks]

    @cached_property
    def change_sections(self) -> Sequence[Section]:
        """The changes as lines."""
        return [*sections(self.changes)]

    @cached_property
    def edit_sections(self) -> Sequence[Section]:
        """What was edited on the service as lines."""
        return [*sections(self.edits)]

    @cached_property
    def follow_sections(self) -> Sequence[Section]:
        """What follows as lines, under what it is about."""
        # The cost is told with both sides, also where it is the same; what a new
        # workflow spends and touches is told in one sentence.
        told_apart = (CostChanged, EffectAppeared) if self.is_new else CostChanged
        found: dict[str, list[Line]] = {}
        for consequence in self._consequences:
            if not isinstance(consequence, told_apart):
                title = _TITLES.get(type(consequence).__name__, "output columns")
                lines = found.setdefault(title, [])
                lines += [_line(text, title) for text in as_lines([consequence])]
        return [Section(title, lines) for title, lines in found.items()]

    @cached_property
    def unmanaged(self) -> Sequence[str]:
        """Live fields that code does not set, blocks by name."""
        return [_BY_ID.sub(self._renamed, field) for field in self.step.unmanaged]

    @cached_property
    def settings(self) -> Sequence[str]:
        """Those of them that change what a run costs or does, as lines of text."""
        return [
            line
            for one in self.step.settings
            for line in setting_lines(one, self._name(one.block.id, str(one.block)))
        ]

    def _renamed(self, found: re.Match[str]) -> str:
        """The name of a block that a plan tells by its kind and a piece of its id."""
        names = (name for id_, name in self.names.items() if id_.startswith(found[1]))
        return next(names, found[0])

    @property
    def is_new(self) -> bool:
        """Whether the workflow was not there."""
        return self.step.details.before is None and self.step.details.after is not None

    @property
    def is_drawn(self) -> bool:
        """Whether a picture of both sides shows any of the changes."""
        words = (TitleChanged, DescriptionChanged, Unmanaged)
        return any(not isinstance(one, words) for one in self.step.changes)

    @property
    def errors(self) -> int:
        """How many findings of severity error appear."""
        return sum(
            isinstance(one, FindingAppeared) and one.finding.severity == "error"
            for one in self.step.consequences
        )

    @cached_property
    def _consequences(self) -> Sequence[Consequence]:
        return [self._name_blocks(one) for one in self.step.consequences]

    def _name_blocks(self, one: Consequence) -> Consequence:
        """What follows, blocks by name."""
        if isinstance(one, RowsChanged) and one.block is not None:
            name = self._name(one.block.id, one.block.path)
            return evolve(one, block=evolve(one.block, path=name))
        if isinstance(one, FindingAppeared | FindingVanished):
            return evolve(one, finding=self._finding(one.finding))
        return one

    def _finding(self, finding: Finding) -> Finding:
        if finding.block_id is None:
            return finding
        return evolve(finding, where=self._name(finding.block_id, finding.where))

    def _name(self, block_id: str, otherwise: str | None) -> str | None:
        return self.names.get(canonical_id(block_id), otherwise)


_BY_ID: Final = re.compile(r"^.* \(([0-9a-f]{8})\)(?=\.)")
"""A block as a plan tells it where it knows no key of it."""

_TITLES: Final = {
    "RowsChanged": "rows",
    "EffectAppeared": "effects",
    "EffectVanished": "effects",
    "FindingAppeared": "findings",
    "FindingVanished": "findings",
}
"""What a section of what follows is called."""


def block_names(
    before: Definition | None,
    after: Definition | None,
    renamed: Mapping[str, str] = EMPTY,
) -> Mapping[str, str]:
    """Names for blocks, by their ids, of which no two are alike.

    A name is the key path where there is one, else the kind; with a number where more
    than one block would be called so.

    Args:
        before: One side.
        after: The other one; what is there now is called as if it were alone.
        renamed: The ids that blocks have now, by those that they had.
    """
    bases: dict[str, str] = {}
    for definition in (after, before):
        if definition is None:
            continue
        for position, block in enumerate(definition.blocks):
            block_id = canonical_id(block.id)
            path = definition.origins.path(position)
            base = str(block.kind) if path is None else path
            # The same block under another id is called the same, unless its key is new.
            if bases.get(renamed.get(block_id, "")) != base:
                bases.setdefault(block_id, base)
    alike: dict[str, list[str]] = {}
    for block_id, base in bases.items():
        alike.setdefault(base, []).append(block_id)
    found: dict[str, str] = {}
    for base, ids in alike.items():
        for number, block_id in enumerate(ids, 1):
            found[block_id] = f"{base} {number}" if len(ids) > 1 else base
    found.update({old: found[new] for old, new in renamed.items() if old not in found})
    return found


def _with_names(change: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A change in which each block has its name."""

    def name(ref: Mapping[str, Any]) -> dict[str, Any]:
        known = names.get(canonical_id(ref["id"])) or ref["path"]
        return {**ref, "path": known or ref["kind"] or ref["id"]}

    return _with_refs(change, name)


def _signatures(
    changes: Iterable[Change], told: Iterable[dict[str, Any]]
) -> Sequence[str]:
    """What each change says, and a digest of what it does not show.

    So two that look alike since both are masked are not taken for one.
    """
    pairs = zip(changes, told, strict=True)
    return [f"{_signature(data)} {unshown(change)}".rstrip() for change, data in pairs]


def _signature(change: dict[str, Any]) -> str:
    """What a change says, as text, whatever the ids."""

    def anonymous(ref: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": ref["kind"], "path": ref["path"]}

    return json.dumps(_with_refs(change, anonymous), sort_keys=True)


_Turn: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]


def _with_refs(change: dict[str, Any], turn: _Turn) -> dict[str, Any]:
    """A change with what it says of blocks turned; values of specs are left alone."""
    made = dict(change)
    for key in _REFS.get(change["change"], ("block",)):
        if key in made:
            made[key] = _turned(made[key], turn)
    if change["change"] == "list-changed":
        made["edits"] = [
            {**edit, "changes": [_with_refs(one, turn) for one in edit["changes"]]}
            if "changes" in edit
            else edit
            for edit in made["edits"]
        ]
    return made


_REFS: Final[Mapping[str, Sequence[str]]] = {
    "block-renamed": ("block", "before"),
    "block-moved": ("block", "before", "after", "removed", "added"),
    "edge-added": ("edge",),
    "edge-removed": ("edge",),
}
"""Where a change speaks of blocks, if not of `block` alone."""


def _turned(value: Any, turn: _Turn) -> Any:
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - of anything
        return [_turned(item, turn) for item in items]
    if value is not None and "source" in value:
        ends = {end: turn(value[end]) for end in ("source", "target")}
        return {**value, **ends}
    return value if value is None else turn(value)


def _without_place(data: dict[str, Any]) -> dict[str, Any]:
    """What follows, without where it was written and which id it is about."""
    if "finding" in data:
        kept = ("code", "severity", "message", "where")
        return {**data, "finding": {key: data["finding"][key] for key in kept}}
    return data


def _line(text: str, title: str) -> Line:
    """A line of what follows, which begins with its sign."""
    sign: Sign = "+" if text[0] == "+" else "-" if text[0] == "-" else "~"
    shown = text[2:].removeprefix(_OPENINGS.get(title, ""))
    return Line(sign, shown)


_OPENINGS: Final = {"output columns": "column ", "effects": "effect: "}
"""What each line of a section says again."""


def format_lines(lines: Iterable[Line]) -> list[str]:
    """Return lines as plain text."""
    return [_plain(line) for line in lines]


def _plain(line: Line) -> str:
    text = f"{'    ' * line.depth}{line.sign} {line.text}"
    if line.before is None:
        return text
    return f"{text}: {line.before} -> {line.after}"
