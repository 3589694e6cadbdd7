"""Rules about the service's own list of blocks, which judges the kinds that it has.

If the list has a usable schema for a kind, the schema judges the specs of its blocks,
and the class of the kind does not. Without jsonschema, which the extra `schemas`
installs, the built-in catalogue judges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..blocks import CATALOGUE, OLD_NAMES
from ..definition import (
    EMPTY,
    Definition,
    Hidden,
    Path,
    Value,
    name_json_type,
    thaw,
    walk,
)
from ..secrets import mask
from ..text import did_you_mean, join_words, shortened
from .rule import Fault, once, rule

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from .live import LiveBlock

ALIKE: Final = 0.7
"""Least likeness of a new kind to an existing one, from 0 to 1, for a misspelling."""

MOST_MISMATCHES: Final = 20
"""Mismatches of one block that are listed."""

MOST_REFERENCES: Final = 10_000
"""References that are followed to judge one definition.

A schema of a few lines can lead to itself along billions of ways, and only by them.
"""


@rule("specs", "warning", of=["live-list"])
def unlisted_kind(definition: Definition) -> Iterator[Fault]:
    """The service's own list of blocks, given as `blocks=`, does not have a kind.

    The list may be older than the kind, or another organisation's.

    Fix: correct the name; if the kind is newer than the list, fetch the list again.
    """
    listed = definition.listed.blocks if definition.listed else definition.by_kind
    for kind, positions in definition.by_kind.items():
        if kind not in listed:
            near = did_you_mean(kind, {*listed, *CATALOGUE} - {kind}, cutoff=ALIKE)
            if OLD_NAMES.get(kind) in listed:
                near = f" (did you mean {OLD_NAMES[kind]!r}?)"
            more = f" ({len(positions)} blocks)" if len(positions) > 1 else ""
            message = f"{definition.listed.name} does not list {shortened(kind)}"
            yield Fault(positions[0], f"{message}{near}{more}")


@rule("specs", "warning", of=["live-list"])
def schema_mismatch(definition: Definition) -> Iterator[Fault]:
    """A spec does not fit the schema in the service's own list of blocks.

    Values that an environment fills in are judged only after that, and secret ones
    never. A message says where a value is, and does not show it. Patterns and formats
    are not judged.

    Fix: look the field up in the live schema, and write what it takes.
    """
    for position, mismatches in judge(definition).mismatches.items():
        kind = definition.blocks[position].kind
        advice = f"write what {definition.listed.name} takes; see flow64 blocks {kind}"
        for path, message in mismatches[:MOST_MISMATCHES]:
            text = f"{_format_path(path) or kind} {message}"
            yield Fault(position, mask(text), advice)


@rule("specs", "warning", "note", of=["live-list"])
def unusable_schema(definition: Definition) -> Iterator[Fault]:
    """The service's own list of blocks has an unusable schema.

    It is broken, refers to something outside (nothing is fetched), or leads to itself
    without end. Blocks of that kind are judged without the list. It is a note if
    jsonschema is not installed, which judges by the list.

    Fix: fetch the list again; if it stays so, that kind is judged without it.
    """
    result = judge(definition)
    for kind, reason in result.unusable.items():
        message = f"the live schema of {shortened(kind)} cannot be used: {reason}"
        yield Fault(definition.by_kind[kind][0], message)
    if not result.has_judge:
        message = f"specs are not judged by {definition.listed.name}"
        advice = "install the extra: pip install 'flow64[schemas]'"
        yield Fault(None, message, advice, "note")


# -- The judge -------------------------------------------------------------------------


class SchemaResult(NamedTuple):
    """The faults that the service's own list of blocks has with a definition.

    Attributes:
        mismatches: The faults of specs, for each block that a schema judged.
        unusable: The kinds with an unusable schema, with the reason.
        has_judge: Whether jsonschema is installed.
    """

    mismatches: Mapping[int, Sequence[tuple[Path, str]]]
    unusable: Mapping[str, str]
    has_judge: bool = True


@once
def judge(definition: Definition) -> SchemaResult:
    """Judge the specs of a definition by the list of blocks that it goes by."""
    if definition.listed is None:
        return SchemaResult({}, {})
    if find_spec("jsonschema") is None:
        return SchemaResult({}, {}, has_judge=False)
    validator = _make_validator()
    mismatches: dict[int, Sequence[tuple[Path, str]]] = {}
    unusable: dict[str, str] = {}
    for kind, positions in definition.by_kind.items():
        live = definition.listed.blocks.get(kind)
        if live is not None and live.names_fields:
            specs = [definition.blocks[position].specs for position in positions]
            result = _judge_kind(live, specs, validator)
            if isinstance(result, str):
                unusable[kind] = result
            else:
                mismatches |= zip(positions, result, strict=True)
    return SchemaResult(mismatches, unusable)


class _EndlessError(Exception):
    """Too many references were followed."""


def _make_validator() -> Any:
    """Return the class that judges one definition.

    A pattern may take for ever, and a schema may have come with a pull request, so no
    pattern is matched. Without them, and with so many references, time is bounded.
    """
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - an extra

    keywords = Draft202012Validator.VALIDATORS
    remaining = MOST_REFERENCES

    def accept(*_: Any) -> Iterator[ValidationError]:
        return iter(())

    def follow(*arguments: Any) -> Any:
        nonlocal remaining
        remaining -= 1
        if remaining < 0:
            raise _EndlessError
        yield from keywords["$ref"](*arguments)

    def judge_others(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        if "patternProperties" not in schema:
            arguments = (validator, value, instance, schema)
            yield from keywords["additionalProperties"](*arguments)

    skipped = "$dynamicRef", "pattern", "patternProperties", "unevaluatedProperties"
    changes = {"$ref": follow, "additionalProperties": judge_others}
    extend: Any = validators.extend  # its types are not written down
    return extend(Draft202012Validator, {**dict.fromkeys(skipped, accept), **changes})


@lru_cache(250)
def _require_sound(schema: str) -> None:
    """Judge a schema by the one of schemas, once: all variants of a project share it.

    Raises:
        SchemaError: It is none.
    """
    from jsonschema import FormatChecker  # noqa: PLC0415 - an extra

    # No format is judged, and so no pattern compiled.
    _make_validator().check_schema(json.loads(schema), FormatChecker(()))


def _judge_kind(
    live: LiveBlock, specs: Sequence[Mapping[str, Any]], validator: Any
) -> Sequence[Sequence[tuple[Path, str]]] | str:
    """Return the mismatches of each block of a kind, or why its schema is unusable."""
    import referencing.exceptions  # noqa: PLC0415 - comes with jsonschema
    from jsonschema import SchemaError  # noqa: PLC0415 - an extra

    schema = thaw(live.specs_schema)
    try:
        _require_sound(json.dumps(schema))
        checker = validator(schema, registry=referencing.Registry())
        return [[*_list_mismatches(live, checker, each)] for each in specs]
    except SchemaError as error:
        return f"it is broken at {_format_path(error.path) or 'its top'}"
    except referencing.exceptions.Unresolvable:
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
            kinds = join_words([wanted] if isinstance(wanted, str) else wanted)
            return f"is {name_json_type(error.instance)}, and the schema wants {kinds}"
        case "enum":
            words = [word for word in wanted if isinstance(word, str)]
            near = did_you_mean(str(error.instance), words)
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
