"""Rules that read the service's own list of blocks, whose schemas judge specs.

If the list has a usable schema for a kind, the schema judges the specs of its blocks,
and the rules about specs of the built-in catalogue do not. Without jsonschema, which
the extra `schemas` installs, the built-in catalogue judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from ...blocks import CATALOGUE, OLD_NAMES
from ...definition import (
    EMPTY,
    Definition,
    Hidden,
    Path,
    Value,
    name_json_type,
    thaw,
    walk,
)
from ...diagnostics import Finding
from ...secrets import mask
from ...text import did_you_mean, join_words, shortened
from ..live import LiveBlock, LiveCatalogue, as_catalogue
from . import ADVICE, SAFE_RULES
from .rule import Found, Rule, rule, run
from .specs import (
    ALIKE,
    missing_field,
    number_below_one,
    unchecked_field,
    unconfirmed_facts,
    unknown_field,
    unknown_kind,
    unknown_type_word,
    unknown_word,
    wrong_field_type,
)

if TYPE_CHECKING:
    from jsonschema import ValidationError

MOST_MISMATCHES: Final = 20
"""Mismatches of one block that are listed."""

MOST_REFERENCES: Final = 10_000
"""References that are followed to judge one definition.

A schema of a few lines can lead to itself along billions of ways, and only by them.
"""

_OF_SPECS: Final[Sequence[Rule]] = (
    unknown_field,
    unchecked_field,
    wrong_field_type,
    unconfirmed_facts,
    number_below_one,
    unknown_word,
    unknown_type_word,
    missing_field,
)
"""Rules about specs, in whose place the schema of a live kind judges."""


@frozen
class SchemaResult:
    """What a list of blocks says of a definition.

    Attributes:
        catalogue: The list.
        mismatches: The faults of specs, for each block that its schema judged.
        unusable: The kinds with an unusable schema, with the reason.
        has_judge: Whether jsonschema is installed.
    """

    catalogue: LiveCatalogue
    mismatches: Mapping[int, Sequence[tuple[Path, str]]] = field(factory=dict)
    unusable: Mapping[str, str] = field(factory=dict)
    has_judge: bool = True


@rule(
    "specs",
    "warning",
    advice=(
        "correct the name; if the kind is newer than the list, fetch the list again"
    ),
)
def unlisted_kind(definition: Definition, result: SchemaResult) -> Iterator[Found]:
    """The service's own list of blocks, given as `blocks=`, does not have a kind.

    The list may be older than the kind, or another organisation's.
    """
    listed = result.catalogue.blocks
    for kind, positions in definition.by_kind.items():
        if kind in listed:
            continue
        near = did_you_mean(kind, {*listed, *CATALOGUE} - {kind}, cutoff=ALIKE)
        if OLD_NAMES.get(kind) in listed:
            near = f" (did you mean {OLD_NAMES[kind]!r}?)"
        more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
        message = f"{result.catalogue.name} does not list {shortened(kind)}"
        yield Found(positions[0], f"{message}{near}{more}")


@rule(
    "specs",
    "warning",
    advice="look the field up in the live schema, and write what it takes",
)
def schema_mismatch(definition: Definition, result: SchemaResult) -> Iterator[Found]:
    """A spec does not fit the schema in the service's own list of blocks.

    Values that an environment fills in are judged only after that, and secret ones
    never. A message says where a value is, and does not show it. Patterns and formats
    are not judged.
    """
    for position, mismatches in result.mismatches.items():
        kind = definition.blocks[position].kind
        advice = f"write what {result.catalogue.name} takes; see flow64 blocks {kind}"
        for path, message in mismatches[:MOST_MISMATCHES]:
            text = f"{_format_path(path) or kind} {message}"
            yield Found(position, mask(text), advice)
        if len(mismatches) > MOST_MISMATCHES:
            message = (
                f"{kind} has {len(mismatches) - MOST_MISMATCHES:,} more mismatches"
            )
            yield Found(position, message, f"correct these {MOST_MISMATCHES} first")


@rule(
    "specs",
    "warning",
    "note",
    advice="fetch the list again; if it stays so, that kind is judged without it",
)
def unusable_schema(definition: Definition, result: SchemaResult) -> Iterator[Found]:
    """The service's own list of blocks has an unusable schema.

    It is broken, refers to something outside (nothing is fetched), or leads to itself
    without end. Blocks of that kind are judged without the list. It is a note if
    jsonschema is not installed, which judges by the list.
    """
    for kind, reason in result.unusable.items():
        message = f"the live schema of {shortened(kind)} cannot be used: {reason}"
        yield Found(definition.by_kind[kind][0], message)
    if not result.has_judge:
        message = f"specs are not judged by {result.catalogue.name}"
        advice = "install the extra: pip install 'flow64[schemas]'"
        yield Found(None, message, advice, "note")


LIVE_RULES: Final = (
    unlisted_kind,
    schema_mismatch,
    unusable_schema,
)
"""Rules that read a result as well as a definition."""


def live_errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile, with the help of its live catalogue."""
    result = judge(definition, as_catalogue(definition.listed))
    findings = _run_built_in_rules(SAFE_RULES, definition, result)
    return [finding for finding in findings if finding.severity == "error"]


def live_findings(definition: Definition, blocks: LiveCatalogue) -> list[Finding]:
    """Return what all rules find, with the help of a live catalogue."""
    result = judge(definition, as_catalogue(blocks))
    findings = _run_built_in_rules((*SAFE_RULES, *ADVICE), definition, result)
    return findings + run(LIVE_RULES, definition, result)


def _run_built_in_rules(
    rules: Sequence[Rule], definition: Definition, result: SchemaResult
) -> list[Finding]:
    """Run built-in rules on what the live catalogue leaves open."""
    blocks = tuple(
        block._replace(kind="") if position in result.mismatches else block
        for position, block in enumerate(definition.blocks)
    )
    unjudged = evolve(definition, blocks=blocks)
    return [
        finding
        for built_in in rules
        if built_in is not unknown_kind  # `unlisted_kind` says it better
        for finding in run(
            [built_in], unjudged if built_in in _OF_SPECS else definition
        )
    ]


# -- The judge -------------------------------------------------------------------------


def judge(definition: Definition, catalogue: LiveCatalogue) -> SchemaResult:
    """Judge the specs of a definition by the schemas of a list."""
    if find_spec("jsonschema") is None:
        return SchemaResult(catalogue, has_judge=False)
    validator = _make_validator()
    mismatches: dict[int, Sequence[tuple[Path, str]]] = {}
    unusable: dict[str, str] = {}
    for kind, positions in definition.by_kind.items():
        live = catalogue.blocks.get(kind)
        if live is None or not live.says_fields:
            continue
        specs = [definition.blocks[position].specs for position in positions]
        result = _judge_kind(live, specs, validator)
        if isinstance(result, str):
            unusable[kind] = result
        else:
            mismatches |= zip(positions, result, strict=True)
    return SchemaResult(catalogue, mismatches, unusable)


class _EndlessError(Exception):
    """Too many references were followed."""


def _make_validator() -> Any:
    """Return the class that judges one definition.

    A pattern may take for ever, and a schema may have come with a pull request, so no
    pattern is matched. Without them, and with so many references, time is bounded.
    """
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - an extra

    known = Draft202012Validator.VALIDATORS
    left = MOST_REFERENCES

    def accept(*_: Any) -> Iterator[ValidationError]:
        return iter(())

    def follow(validator: Any, *given: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _EndlessError
        yield from known["$ref"](validator, *given)

    def additional(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        if "patternProperties" not in schema:
            given = (validator, value, instance, schema)
            yield from known["additionalProperties"](*given)

    extend: Any = validators.extend  # its types are not written down
    return extend(
        Draft202012Validator,
        {
            "$ref": follow,
            "$dynamicRef": accept,
            "pattern": accept,
            "patternProperties": accept,
            "unevaluatedProperties": accept,
            "additionalProperties": additional,
        },
    )


def _judge_kind(
    live: LiveBlock, specs: Sequence[Mapping[str, Any]], validator: Any
) -> Sequence[Sequence[tuple[Path, str]]] | str:
    """Return the mismatches of each block of a kind, or why its schema is unusable."""
    from jsonschema import FormatChecker, SchemaError  # noqa: PLC0415 - an extra
    from referencing import Registry  # noqa: PLC0415 - comes with jsonschema
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - see above

    schema = thaw(live.specs_schema)
    try:
        validator.check_schema(schema, FormatChecker(()))  # compiles no pattern
        checker = validator(schema, registry=Registry())
        return [[*_list_mismatches(live, checker, one)] for one in specs]
    except SchemaError as error:
        return f"it is broken at {_format_path(error.path) or 'its top'}"
    except Unresolvable:
        return "it refers to something that it does not hold"
    except (RecursionError, _EndlessError):
        return "it leads to itself without end"


def _list_mismatches(
    live: LiveBlock, checker: Any, specs: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - an extra

    for error in checker.iter_errors(specs):
        if not _is_open(error):
            inner = best_match([error])
            yield (*inner.absolute_path,), _describe(inner)
    if (live.specs_schema or EMPTY).get("additionalProperties", True) is True:
        for name in specs:  # any name is accepted, so a slip would go through
            if name not in live.fields and (near := did_you_mean(name, live.fields)):
                yield (name,), f"is not in the live schema{near}"


def _is_open(error: ValidationError) -> bool:
    """Return True if values that are not filled in yet may put a mismatch right."""
    if isinstance(error.instance, Value | Hidden):
        return True
    if error.validator in ("required", "additionalProperties", "type"):
        return False
    return any(isinstance(item, Value | Hidden) for _, item in walk(error.instance))


def _describe(error: ValidationError) -> str:
    """Return what is wrong without the value, which may be secret."""
    wanted: Any = error.validator_value
    match error.validator:
        case "required" | "additionalProperties":
            return f"does not fit: {error.message}"  # it has names of fields alone
        case "type":
            words = join_words([wanted] if isinstance(wanted, str) else wanted)
            return f"is {name_json_type(error.instance)}, and the schema wants {words}"
        case "enum":
            near = did_you_mean(
                str(error.instance), [w for w in wanted if isinstance(w, str)]
            )
            listed = join_words(map(shortened, wanted), 20)
            return f"is none of {listed}, which the live schema lists{near}"
        case _:
            return f"does not fit {error.validator} {shortened(wanted)}"


def _format_path(path: Any) -> str:
    """Return a path in specs as text, such as `filters[0].operator`."""
    text = ""
    for step in path:
        is_name = isinstance(step, str) and step.isidentifier()
        text += f".{step}" if is_name else f"[{shortened(step)}]"
    return text.removeprefix(".")
