"""Rules that read a live catalogue, and the built-in rules that it outranks.

These rules read a definition and the verdict of the live catalogue. Errors are those of
the safe rules with or without it, so that a check and a compile agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from ...blocks import CATALOGUE, OLD_NAMES
from ...definition import Definition, FrozenDict, Path
from ...diagnostics import Finding
from ...redaction import redact_keys
from ...text import did_you_mean, shortened
from .._listed_kinds import learn_kinds
from .._live import MOST_ERRORS, LiveCatalogue, as_catalogue
from ._fields import (
    ALIKE,
    unchecked_field,
    unconfirmed_facts,
    unknown_field,
    unknown_kind,
    unknown_type_word,
    wrong_field_type,
)
from ._index import ADVICE, SAFE_RULES
from ._rule import Found, Rule, rule, run
from ._specs import missing_field, unknown_word
from ._values import number_below_one, unlisted_word

if TYPE_CHECKING:
    from .._schemas import Mismatch


@frozen
class LiveVerdict:
    """The judgement of a live catalogue about a definition.

    Attributes:
        kinds: The kinds that it lists.
        unlisted: The kinds that it does not list, with the positions of their blocks.
        unusable: The kinds with an unusable schema, with the reason.
        mismatches: The faults of specs, by position of the block.
        spoken: Fields that the schema knows, by position of the block.
        inside: Fields with values that the schema checks in detail, by position.
        free: Kinds with all fields that flow64 requires, none of them required there.
        source: The name of the catalogue in messages.
    """

    kinds: Sequence[str]
    unlisted: Mapping[str, Sequence[int]]
    unusable: Mapping[str, str]
    mismatches: Mapping[int, Sequence[Mismatch]]
    spoken: Mapping[int, frozenset[str]]
    inside: Mapping[int, frozenset[str]]
    free: frozenset[str] = frozenset()
    source: str = "the live catalogue"


@rule(
    "specs",
    "warning",
    advice=(
        "correct the name; if the kind is newer than the list, fetch the list again"
    ),
)
def unlisted_kind(
    definition: Definition,  # noqa: ARG001 - a rule reads one
    verdict: LiveVerdict,
) -> Iterator[Found]:
    """The service's own list of blocks, given as `blocks=`, does not have a kind.

    The list may be older than the kind, or another organisation's.
    """
    for kind, positions in verdict.unlisted.items():
        known = {*verdict.kinds, *CATALOGUE} - {kind}
        near = did_you_mean(kind, known, cutoff=ALIKE)
        if OLD_NAMES.get(kind) in verdict.kinds:
            near = f" (did you mean {OLD_NAMES[kind]!r}?)"
        more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
        message = f"{verdict.source} does not list {shortened(kind)}{near}{more}"
        yield Found(positions[0], message)


@rule(
    "specs",
    "warning",
    advice="look the field up in the live schema, and write what it takes",
)
def schema_mismatch(definition: Definition, verdict: LiveVerdict) -> Iterator[Found]:
    """A spec does not fit the schema in the service's own list of blocks.

    Values that an environment fills in are judged only after that, and secret ones
    never. A message says where a value is, and does not show it.
    """
    for position, found in verdict.mismatches.items():
        kind = definition.blocks[position].kind
        advice = f"write what {verdict.source} takes; see flow64 blocks {kind}"
        for path, message in found[:MOST_ERRORS]:
            text = f"{_where(path) or kind} {message}"
            yield Found(position, redact_keys(text), advice)
        if len(found) > MOST_ERRORS:
            message = f"{kind} has more that does not fit"
            yield Found(position, message, f"correct these {MOST_ERRORS} first")


@rule(
    "specs",
    "warning",
    advice="fetch the list again; if it stays so, that kind is judged without it",
)
def unusable_schema(definition: Definition, verdict: LiveVerdict) -> Iterator[Found]:
    """The service's own list of blocks has an unusable schema.

    It is broken, refers to something outside (nothing is fetched), or would take too
    long. Blocks of that kind are judged without the list.
    """
    for kind, reason in verdict.unusable.items():
        message = f"the live schema of {shortened(kind)} cannot be used: {reason}"
        yield Found(definition.by_kind[kind][0], message)


LIVE_RULES: Final = (
    unlisted_kind,
    schema_mismatch,
    unusable_schema,
)
"""Rules that read a verdict as well as a definition."""

_BY_FIELD: Final[Sequence[Rule]] = (
    unknown_field,
    unchecked_field,
    wrong_field_type,
    unconfirmed_facts,
    unlisted_word,
    number_below_one,
)
"""Rules about fields: they see those that the live schema does not speak of."""

_BY_WORD: Final[Sequence[Rule]] = (unknown_word, unknown_type_word)
"""Rules about what stands inside fields: they see those that it does not look into."""


def live_errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile, with the help of its live catalogue."""
    verdict = judge(definition, definition.listed)
    found = _run_built_in_rules(SAFE_RULES, definition, verdict)
    return [finding for finding in found if finding.severity == "error"]


def live_findings(definition: Definition, blocks: LiveCatalogue) -> list[Finding]:
    """Return what all rules find, with the help of a live catalogue."""
    learn_kinds(as_catalogue(blocks))
    verdict = judge(definition, blocks)
    found = _run_built_in_rules((*SAFE_RULES, *ADVICE), definition, verdict)
    return found + run(LIVE_RULES, definition, verdict)


def _run_built_in_rules(
    rules: Sequence[Rule], definition: Definition, verdict: LiveVerdict
) -> list[Finding]:
    """Run built-in rules on what the live catalogue leaves open."""
    unspoken = _without(definition, verdict.spoken)
    unseen = _without(definition, _find_judged_words(definition, verdict))
    unrequired = evolve(
        unseen,
        blocks=tuple(
            block._replace(kind="") if block.kind in verdict.free else block
            for block in unseen.blocks
        ),
    )
    found: list[Finding] = []
    for asked in rules:
        if asked is unknown_kind:
            continue  # a live catalogue knows better
        if asked in _BY_FIELD:
            seen = unspoken
        elif asked is missing_field:
            seen = unrequired
        else:
            seen = unseen if asked in _BY_WORD else definition
        found += run([asked], seen)
    return found


def _find_judged_words(
    definition: Definition, verdict: LiveVerdict
) -> Mapping[int, frozenset[str]]:
    """Return, for each block, the fields with words that the live catalogue judges."""
    found = dict(verdict.inside)
    for position, spoken in verdict.spoken.items():
        known = CATALOGUE.get(definition.blocks[position].kind)
        if known is not None:
            words = spoken.intersection(known.about.words)
            found[position] = found.get(position, frozenset()) | words
    return found


def judge(definition: Definition, blocks: LiveCatalogue) -> LiveVerdict:
    """Judge a definition by a live catalogue."""
    from .._schemas import budget_of, ruling  # noqa: PLC0415 - loads jsonschema

    unlisted: dict[str, Sequence[int]] = {}
    unusable: dict[str, str] = {}
    mismatches: dict[int, Sequence[Mismatch]] = {}
    spoken: dict[int, frozenset[str]] = {}
    inside: dict[int, frozenset[str]] = {}
    free: set[str] = set()
    budget = budget_of([block.specs for block in definition.blocks])
    for kind, positions in definition.by_kind.items():
        live = blocks.blocks.get(kind)
        if live is None:
            unlisted[kind] = positions
            continue
        specs = [definition.blocks[position].specs for position in positions]
        found = ruling(live, specs, budget, blocks.memo)
        if isinstance(found, str):
            unusable[kind] = found
            continue
        mismatches |= zip(positions, found.mismatches, strict=True)
        spoken |= zip(positions, found.spoken, strict=True)
        inside |= dict.fromkeys(positions, found.inside)
        known = CATALOGUE.get(kind)
        needed = set() if known is None else {*known.about.must_have}
        has_all = needed <= live.properties.keys()
        if needed and has_all and needed.isdisjoint(live.required_names):
            free.add(kind)
    return LiveVerdict(
        [*blocks.blocks],
        unlisted,
        unusable,
        mismatches,
        spoken,
        inside,
        frozenset(free),
        blocks.name,
    )


def _without(
    definition: Definition, fields: Mapping[int, frozenset[str]]
) -> Definition:
    """Return a definition without some spec fields of its blocks."""
    blocks = []
    for position, block in enumerate(definition.blocks):
        hidden = fields.get(position, frozenset())
        if not hidden.isdisjoint(block.specs):
            kept = {k: v for k, v in block.specs.items() if k not in hidden}
            block = block._replace(specs=FrozenDict(kept))  # noqa: PLW2901 - a view
        blocks.append(block)
    return evolve(definition, blocks=tuple(blocks))


def _where(path: Path) -> str:
    """Return a path in specs as text, such as `filters[0].operator`."""
    text = ""
    for step in path:
        if isinstance(step, str) and step.isidentifier():
            text += f".{step}"
        else:
            text += f"[{shortened(step)}]"
    return text.removeprefix(".")
