"""From JSON to typed answers. Missing, null, unknown and odd fields lose nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_origin

import attrs
import cattrs
from attrs import Attribute, field, frozen

from ..definition import JSON_TYPE_NAMES, name_json_type, split_stamp, with_stamp
from ..errors import AnswerError
from ..redaction import Redaction
from ._request import Answer, Request

T = TypeVar("T")


@frozen
class Answered:
    """An answer of the service, with the documented fields as attributes.

    Only what flow64 cannot do without is required. A run that was paid for must not be
    lost because a field is missing, null, or of another type.

    Attributes:
        extra: Undocumented fields, and fields of an unexpected type, as they came. They
            are not compared, since they may change by themselves.
    """

    extra: Mapping[str, Any] = field(factory=dict, repr=False, eq=False, kw_only=True)


class ShapeError(ValueError):
    """Data has another shape than documented. The message holds no value of it."""


def answer_reader(kind: type[T], request: Request) -> Callable[[Answer], T]:
    """Return a function that makes a typed answer from the answer to a request.

    It raises an `AnswerError` if the data has another shape than documented.
    """
    return lambda answer: structure(readable(answer, request), kind, request)


def list_reader(kind: type[T], request: Request) -> Callable[[Answer], Sequence[T]]:
    """Return a function that makes a list of typed answers; see `answer_reader`."""
    return lambda answer: structure_list(readable(answer, request), kind, request)


def readable(answer: Answer, request: Request) -> Any:
    """Return the data of an answer with its texts redacted.

    Ids, states and times stay as they are, and so do workflows and rows.
    """
    return redact_data(answer.json(request), answer.redaction)


def redact_data(data: Any, redaction: Redaction) -> Any:
    """Return data that was read from an answer with its texts redacted."""
    if isinstance(data, list):
        return [redact_data(item, redaction) for item in data]
    if isinstance(data, dict):
        return {
            name: _redact_member(name, item, data, redaction)
            for name, item in data.items()
        }
    return redaction.redact(data) if isinstance(data, str) else data


def _redact_member(
    name: str, item: Any, around: Mapping[str, Any], redaction: Redaction
) -> Any:
    if name in _EXACT or name.endswith(("_id", "_ids", "_at", "_uuid")):
        return item
    if isinstance(item, str) and name == "description":
        # The stamp holds ids and digests. Commands find the workflow's owner by it.
        text, stamp = split_stamp(item, str(around.get("id")))
        text = redaction.redact(text)
        return text if stamp is None else with_stamp(text, stamp)
    return redact_data(item, redaction)


_EXACT: Final = frozenset(
    {
        "block_name",
        "content_type",
        "created_by",
        "cron_expression",
        "current_block",
        "download_url",
        "estimation_blocked_by",
        "id",
        "overall_status",
        "plaintext",
        "results",
        "specs_schema",
        "status",
        "step",
        "storage_bucket",
        "timezone",
        "workflow_definition",
    }
)
"""Members that programs read, or that hold data."""


def structure(data: Any, kind: type[T], request: Request) -> T:
    """Return JSON data as a typed answer.

    Raises:
        AnswerError: The data has another shape than documented.
    """
    made = _try_structure(data, kind)
    # An error from here on may show the locals of its frames.
    del data
    if isinstance(made, ShapeError):
        raise AnswerError(request.method, request.path, str(made))
    return made


def structure_list(data: Any, kind: type[T], request: Request) -> Sequence[T]:
    """Return JSON data as a list of typed answers; see `structure`."""
    if not isinstance(data, list):
        problem = f"a list was expected, not {name_json_type(data)}"
        del data
        raise AnswerError(request.method, request.path, problem)
    made = [_try_structure(entry, kind) for entry in data]
    del data
    found: list[T] = []
    for position, entry in enumerate(made):
        if isinstance(entry, ShapeError):
            problem = f"/{position}: {entry}"
            raise AnswerError(request.method, request.path, problem)
        found.append(entry)
    return found


def is_filled(_: Any, attribute: Attribute[str], value: str) -> None:
    """Refuse an empty text. This is a validator."""
    if not value:
        raise ShapeError(f"{attribute.name} is empty")


def _try_structure(data: Any, kind: type[T]) -> T | ShapeError:
    """Return a typed answer, or an error as a value: no traceback holds the data."""
    try:
        return _CONVERTER.structure(data, kind)
    except ShapeError as error:
        return ShapeError(str(error))


def _tolerant(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook that reads an object as one kind of answer."""
    attrs.resolve_types(kind)
    known = {
        attribute.name: attribute
        for attribute in attrs.fields(kind)
        if attribute.name != "extra" and attribute.metadata.get("is_wire", True)
    }
    needed = [name for name, known_ in known.items() if known_.default is attrs.NOTHING]

    def read(data: Any, _: Any) -> Any:
        if not isinstance(data, dict):
            raise ShapeError(f"an object was expected, not {name_json_type(data)}")
        taken: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, found in data.items():
            if name not in known:
                extra[name] = found
            elif found is not None:
                try:
                    taken[name] = _CONVERTER.structure(found, known[name].type)
                except ShapeError as error:
                    if name in needed:
                        raise ShapeError(f"{name}: {error}") from None
                    extra[name] = found
        if missing := [name for name in needed if name not in taken]:
            raise ShapeError(f"{', '.join(missing)}: missing, or null")
        return kind(**taken, extra=extra)

    return read


def _require(kind: type[T]) -> Callable[[Any, Any], T]:
    """Return a hook that takes the values of one type as they are."""

    def read(value: Any, _: Any) -> T:
        if not isinstance(value, kind):
            raise ShapeError(
                f"{JSON_TYPE_NAMES[kind]} was expected, not {name_json_type(value)}"
            )
        return value

    return read


def _number(value: Any, _: Any) -> float:
    """Return a number, which may be written as text."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = math.nan
        if math.isfinite(found):
            return found
    raise ShapeError(f"a number was expected, not {name_json_type(value)}")


def _whole(value: Any, _: Any) -> int:
    """Return a whole number. Digits after the point are dropped."""
    return value if type(value) is int else int(_number(value, _))


def _sequence(value: Any, kind: Any) -> tuple[Any, ...]:
    items = _require(list)(value, kind)
    (entry,) = kind.__args__
    return tuple(_CONVERTER.structure(item, entry) for item in items)


def _is_generic(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


_CONVERTER: Final = cattrs.Converter(detailed_validation=False)
_CONVERTER.register_structure_hook(str, _require(str))
_CONVERTER.register_structure_hook(bool, _require(bool))
_CONVERTER.register_structure_hook(float, _number)
_CONVERTER.register_structure_hook(int, _whole)
_CONVERTER.register_structure_hook_func(_is_generic(Mapping), _require(dict))
_CONVERTER.register_structure_hook_func(_is_generic(Sequence), _sequence)
_CONVERTER.register_structure_hook_factory(attrs.has, _tolerant)
