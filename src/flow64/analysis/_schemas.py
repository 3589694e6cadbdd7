"""Judge specs by the schemas of a live catalogue; needs the extra `schemas`.

The schemas come from outside, so they are not trusted: no reference is fetched, every
step is counted, and an unusable schema is reported in words, not by a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import define, fields, frozen

from ..blocks import CATALOGUE, Filter
from ..definition import (
    BoundSecret,
    FrozenDict,
    Path,
    Value,
    name_json_type,
    pointer,
    walk,
)
from ..errors import MissingExtraError
from ..text import did_you_mean, join_words, shortened
from ._live import MAX_LEVELS, MOST_ERRORS, LiveBlock
from ._patterns import Effort, effort_of
from ._types import field_maps

try:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError, best_match
    from jsonschema.validators import extend, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with
except ModuleNotFoundError as _missing:
    if (_missing.name or "").partition(".")[0] not in {"jsonschema", "referencing"}:
        raise
    raise MissingExtraError("judging by a list of blocks", "schemas") from _missing

MOST_VALUES: Final = 20_000
"""Values inside the largest schema that is used."""

STEPS: Final = 30_000
"""Steps for the blocks of one kind, plus some for each value in their specs."""

STEPS_IN_ALL: Final = 1_000_000
"""Steps of a whole check, plus some for each value in the specs."""

STEPS_A_VALUE: Final = 60
"""Steps for each value, of specs or of a schema that is looked at itself."""


class UnusableError(Exception):
    """A schema cannot be used, for the given reason. It never leaves this module."""


class Mismatch(NamedTuple):
    """Specs do not fit a schema.

    Attributes:
        path: The place in the specs.
        message: The fault; it never shows the value, which may be a secret.
    """

    path: Path
    message: str


@frozen
class Ruling:
    """The result of a schema for the blocks of its kind.

    Attributes:
        mismatches: For each block, the faults of its specs; at most one more than
            `MOST_ERRORS`.
        spoken: For each block, the spec fields that the schema knows.
        inside: Fields of the kind with values that the schema checks in detail.
    """

    mismatches: Sequence[Sequence[Mismatch]]
    spoken: Sequence[frozenset[str]]
    inside: frozenset[str]


@define
class StepBudget:
    """The remaining steps, so that no schema takes forever."""

    left: int
    total: StepBudget | None = None

    def spend(self, steps: int) -> None:
        """Use some steps.

        Raises:
            UnusableError: There are not enough left.
        """
        self.left -= steps
        if self.left < 0:
            raise UnusableError("judging by it takes too long")
        if self.total is not None:
            self.total.spend(steps)


def budget_of(specs: Sequence[FrozenDict]) -> StepBudget:
    """Return the steps for checking blocks with some specs."""
    return StepBudget(STEPS_IN_ALL + STEPS_A_VALUE * sum(map(_size, specs)))


def ruling(
    live: LiveBlock,
    specs: Sequence[FrozenDict],
    budget: StepBudget,
    memo: dict[str, Any],
) -> Ruling | str:
    """Judge the specs of blocks by a live schema, or return why it cannot be used."""
    try:
        if live.kind not in memo:
            memo[live.kind] = _sound(live, budget)
        return _judge(memo[live.kind], live.kind, specs, budget)
    except UnusableError as error:
        return str(error)
    except Unresolvable as error:
        return f"its reference {shortened(error.ref)} leads nowhere; none is fetched"
    except RecursionError:
        return "it leads round in circles, or nests too deep"
    except Exception as error:  # noqa: BLE001 - a schema of theirs may do anything
        return f"the validator fails on it ({type(error).__name__})"


# -- The schema itself ----------------------------------------------------------------


@frozen
class _Sound:
    """A valid schema that is small enough.

    Attributes:
        dialect: The validator class of its dialect.
        size: Number of values in it.
        names: The spec fields that it knows.
        efforts: The effort of each pattern for names of fields.
    """

    schema: FrozenDict
    dialect: Any
    size: int
    names: frozenset[str]
    efforts: Sequence[Effort]


def _sound(live: LiveBlock, total: StepBudget) -> _Sound:
    schema = live.specs_schema
    if schema is None:
        raise UnusableError(f"it nests deeper than {MAX_LEVELS} levels")
    size = _size(schema)
    if size > MOST_VALUES:
        raise UnusableError(f"it holds more than {MOST_VALUES} values")
    dialect = _dialect(schema)
    efforts = [
        _effort(name) for name, is_for_names in _patterns(schema) if is_for_names
    ]
    budget = StepBudget(STEPS + STEPS_A_VALUE * size, total)
    court = _Court(budget, size=_size(FrozenDict(dialect.META_SCHEMA)), values=size)
    for error in court.validator(dialect, dialect.META_SCHEMA).iter_errors(schema):
        where = pointer(tuple(error.absolute_path))
        raise UnusableError(f"it is not a JSON Schema at {where or '/'}")
    return _Sound(schema, dialect, size, _names(schema, dialect), efforts)


def _dialect(schema: FrozenDict) -> Any:
    named = schema.get("$schema")
    if named is None:
        return Draft202012Validator
    unknown: Any = None
    asked = {"$schema": named} if isinstance(named, str) else {}
    found = validator_for(asked, default=unknown)
    if found is None:
        raise UnusableError(f"its dialect {shortened(named)} is not known")
    return found


def _patterns(schema: FrozenDict) -> Iterator[tuple[str, bool]]:
    """Yield each regular expression, and whether it is for names of fields."""
    for _, item in walk(schema):
        if isinstance(item, dict):
            if isinstance(found := item.get("pattern"), str):
                _effort(found)
                yield found, False
            if isinstance(found := item.get("patternProperties"), dict):
                yield from ((name, True) for name in found)


def _effort(pattern: str) -> Effort:
    try:
        effort = effort_of(pattern)
    except re.error:
        problem = f"its pattern {shortened(pattern)} is not one that Python knows"
        raise UnusableError(problem) from None
    if effort is None:
        raise UnusableError(f"its pattern {shortened(pattern)} may take for ever")
    return effort


def _names(schema: FrozenDict, dialect: Any) -> frozenset[str]:
    """Return the fields in the properties of a schema, also of referenced schemas."""
    specification = specification_with(dialect.ID_OF(dialect.META_SCHEMA))
    root = specification.create_resource(schema)
    names: set[str] = set()
    seen: set[int] = set()
    todo: list[tuple[Any, Any]] = [(schema, Registry().resolver_with_root(root))]
    while todo:
        item, resolver = todo.pop()
        if not isinstance(item, dict) or id(item) in seen:
            continue
        seen.add(id(item))
        names.update(item.get("properties", ()))
        for keyword in ("allOf", "anyOf", "oneOf"):
            todo += [(member, resolver) for member in item.get(keyword, ())]
        todo += [(item.get(keyword), resolver) for keyword in ("then", "else")]
        if "$ref" in item:
            found = resolver.lookup(item["$ref"])
            todo.append((found.contents, found.resolver))
    return frozenset(names)


# -- Judging by it --------------------------------------------------------------------


def _judge(
    sound: _Sound, kind: str, specs: Sequence[FrozenDict], total: StepBudget
) -> Ruling:
    sizes = [*map(_size, specs)]
    budget = StepBudget(STEPS + STEPS_A_VALUE * sum(sizes), total)
    court = _Court(budget, sound.size, efforts=sound.efforts)
    validator = court.validator(sound.dialect, sound.schema)
    mismatches, spoken = [], []
    for found, court.values in zip(specs, sizes, strict=True):
        court.unsure = _holders(found)
        errors = [*validator.iter_errors(found)]
        mismatches.append(_list_mismatches(found, errors) if errors else ())
        is_closed = any(e.validator in _CLOSING and not e.absolute_path for e in errors)
        spoken.append(frozenset(found) if is_closed else sound.names)
    court.unsure = frozenset()
    probes = _probes(kind)
    inside = frozenset(
        name
        for name in sound.names & probes.keys()
        if any(map(_is_deep, validator.iter_errors({name: probes[name]})))
    )
    return Ruling(mismatches, spoken, inside)


def _list_mismatches(
    specs: FrozenDict, errors: Sequence[ValidationError]
) -> list[Mismatch]:
    """Return the first mismatches in the order of the specs, and one more if any."""
    once: dict[Any, ValidationError] = {}
    for error in errors:
        # `required` says the same for each field that is missing.
        path = tuple(error.absolute_path)
        once.setdefault((path, error.validator, id(error.validator_value)), error)
    # The validator goes through fields in an order that differs from run to run.
    places = {path: place for place, (path, _) in enumerate(walk(specs))}
    found = sorted(once.items(), key=lambda item: places.get(item[0][0], 0))
    return [_mismatch(error) for _, error in found[: MOST_ERRORS + 1]]


_CLOSING: Final = ("additionalProperties", "unevaluatedProperties")


def _probes(kind: str) -> Mapping[str, Any]:
    """Return values that are wrong deep inside, to see if a schema looks there."""
    if kind == Filter.kind:
        return {"filters": [{"logic": _NONSENSE}]}
    if kind not in CATALOGUE:
        return {}
    entry = {"description": _NONSENSE, "type": _NONSENSE}
    return {name: {"probe": entry} for name in field_maps(kind)}


_NONSENSE: Final = "flow64:no-such-word"


def _is_deep(error: ValidationError) -> bool:
    return any(len(leaf.absolute_path) > 1 for leaf in _leaves(error))


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the innermost errors inside an error."""
    todo = [error]
    while todo:
        item = todo.pop()
        todo += reversed(item.context or ())
        if not item.context:
            yield item


_UNBOUND: Final = (Value, BoundSecret)


def _holders(specs: FrozenDict) -> frozenset[int]:
    """Return the containers with, at any depth, a value that is not judged."""
    holders: set[int] = set()

    def holds(item: Any) -> bool:
        members = item.values() if isinstance(item, dict) else item
        # Each is asked, so that all containers inside are found.
        inner = [
            holds(member)
            if isinstance(member, dict | list)
            else type(member) in _UNBOUND
            for member in members
        ]
        if any(inner):
            holders.add(id(item))
        return any(inner)

    if any(type(item) in _UNBOUND for _, item in walk(specs)):
        holds(specs)
    return frozenset(holders)


def _size(value: Any) -> int:
    return sum(1 for _ in walk(value))


_Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


@define
class _Court:
    """The budget of a validator, and all that it needs to count its steps.

    Attributes:
        budget: The remaining steps.
        size: Number of values in the schema.
        values: Number of values in the judged specs.
        efforts: The effort of each pattern for names of fields.
        unsure: Identities of the containers with values that are not judged.
    """

    budget: StepBudget
    size: int
    values: int = 0
    efforts: Sequence[Effort] = ()
    unsure: frozenset[int] = frozenset()

    def validator(self, dialect: Any, schema: Any) -> Any:
        """Return a validator that counts its steps and fetches nothing."""
        asks = {
            name: self._count_steps(name, ask)
            for name, ask in dialect.VALIDATORS.items()
        }
        made: Any = extend(dialect, asks)  # type: ignore[no-untyped-call] # so are its types
        names = [(found.name, found.alias) for found in fields(made) if found.init]

        def evolve(self_: Any, **changes: Any) -> Any:
            self.budget.spend(1)
            given = {alias: getattr(self_, name) for name, alias in names}
            return made(**(given | changes))

        # By itself it takes another class, which counts nothing, where a part of the
        # schema names a dialect.
        made.evolve = evolve
        return made(schema, registry=Registry())

    def _count_steps(self, keyword: str, ask: _Keyword) -> _Keyword:
        def ask_and_count(
            validator: Any, value: Any, instance: Any, schema: Any
        ) -> Iterator[ValidationError]:
            self.budget.spend(1 + self._weight(keyword, value, instance))
            if type(instance) in _UNBOUND:
                return
            if keyword in _UNSURE and id(instance) in self.unsure:
                return
            for error in ask(validator, value, instance, schema) or ():
                # It quotes the whole instance.
                self.budget.spend(len(error.message) // 100)
                yield error

        return ask_and_count

    def _weight(self, keyword: str, value: Any, instance: Any) -> int:
        """Return the steps of a keyword itself. A step takes as long as one descent."""
        if keyword == "pattern" and isinstance(instance, str):
            return _effort(value).of(instance) // _ATTEMPTS
        if keyword in _NAMING and isinstance(instance, dict):
            named = sum(each.of(name) for each in self.efforts for name in instance)
            return named // _ATTEMPTS + self.size // 10
        if keyword in ("enum", "const", "unevaluatedItems"):
            return self.size // 10 if isinstance(instance, dict | list) else 0
        if keyword == "uniqueItems" and isinstance(instance, list):
            is_text = all(type(item) is str for item in instance)
            return len(instance) * (1 if is_text else self.values) // 20
        return len(value) // 10 if isinstance(value, dict | list) else 0


_ATTEMPTS: Final = 100
"""Attempts of a regular expression that take as long as a step."""

_NAMING: Final = frozenset({"patternProperties", *_CLOSING})

# Of a container with values that are not judged, these may say what is not so.
_UNSURE: Final = frozenset(
    {
        "const", "contains", "disallow", "enum", "if", "not", "oneOf",
        "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
    }
)  # fmt: skip


# -- In words -------------------------------------------------------------------------


def _mismatch(error: ValidationError) -> Mismatch:
    leaves = [*_leaves(error)]
    if len({tuple(leaf.absolute_path) for leaf in leaves}) == 1 and all(
        leaf.validator == "type" for leaf in leaves
    ):
        wanted = [word for leaf in leaves for word in _types(leaf.validator_value)]
        found = leaves[0]
        return Mismatch(tuple(found.absolute_path), _type_text(found.instance, wanted))
    found = best_match([error]) or error
    return Mismatch(tuple(found.absolute_path), _text(found))


def _text(error: ValidationError) -> str:
    value: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "type":
            return _type_text(instance, _types(value))
        case "enum":
            near = _near(instance, value)
            return f"is not one of {_some(value)}, which the live schema takes{near}"
        case "required" if isinstance(value, list):
            missing = [name for name in value if name not in instance]
            return f"lacks {_some(missing)}, which the live schema requires"
        case "additionalProperties" | "unevaluatedProperties" if value is False:
            known = schema.get("properties", {})
            strange = [name for name in instance if name not in known]
            near = _near(strange[0], known) if len(strange) == 1 else ""
            return f"has {_some(strange)}, which the live schema does not know{near}"
        case "anyOf" | "oneOf":
            return "fits none of the forms that the live schema takes, or several"
        case None:  # of a schema that is `false` the validator says no place
            return "holds something that the live schema does not take"
    return f"does not fit {error.validator} {shortened(value)} of the live schema"


def _near(word: Any, known: Iterable[Any]) -> str:
    # Of very many words, all would take too long to compare.
    words = [each for each in islice(known, _COMPARED) if isinstance(each, str)]
    return did_you_mean(word, words) if isinstance(word, str) else ""


_COMPARED: Final = 100


def _types(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _type_text(instance: Any, wanted: Sequence[Any]) -> str:
    words = [_TYPE_NAMES.get(word, str(word)) for word in dict.fromkeys(wanted)]
    found = name_json_type(instance)
    return f"is {found}, where the live schema wants {' or '.join(words)}"


_TYPE_NAMES: Final = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
}


def _some(values: Sequence[Any]) -> str:
    return join_words(map(shortened, values))
