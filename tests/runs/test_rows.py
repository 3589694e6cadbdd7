"""Rows of result files, and what a class makes of them."""

from __future__ import annotations

import sys
import time as clock
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import (  # noqa: UP035 - older classes have List
    Annotated,
    Any,
    ClassVar,
    Generic,
    List,
    Literal,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs
import pydantic
import pytest
import typing_extensions
from attrs import frozen

from flow64 import alias, errors, returns
from flow64.client import Row
from flow64.errors import shortened
from flow64.runs import typed_rows

# Since 3.14, Python has one text for both ways to write it.
UNION = "datetime | date" if sys.version_info >= (3, 14) else "Union[datetime, date]"


@returns
class Person:
    title: Annotated[str, "Job title"]
    age: int | None
    skills: Annotated[list[str] | None, "Skills"]


@dataclass
class Plain:
    limit: ClassVar[int] = 3
    score: float
    is_new: bool = False


class Loose(TypedDict):
    data: dict[str, Any]
    tags: list
    count: int


def typed(kind, *rows):
    return list(typed_rows(iter(rows), kind))


def test_without_a_class_a_row_is_its_columns():
    """Value and raw are the same."""
    assert typed(None, {"a": 1}) == [Row({"a": 1}, {"a": 1})]


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (
            {"title": "CTO", "age": 3, "skills": ["a"]},
            Person(title="CTO", age=3, skills=["a"]),
        ),
        (
            {"title": "CTO", "age": None, "skills": None},
            Person(title="CTO", age=None, skills=None),
        ),
        # As CSV has them: text, empty cells, JSON inside a cell.
        (
            {"title": "", "age": "3", "skills": '["a"]'},
            Person(title="", age=3, skills=["a"]),
        ),
        (
            {"title": "CTO", "age": "", "skills": ""},
            Person(title="CTO", age=None, skills=None),
        ),
        (
            {"title": "CTO", "age": 3.0, "skills": [], "more": 1},
            Person(title="CTO", age=3, skills=[]),
        ),
    ],
)
def test_rows_become_objects_of_a_class(row, value):
    """By column name, from JSON and from CSV; other columns stay in `raw`."""
    assert typed(Person, row) == [Row(value, row)]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"title": 3}, "title"),
        ({"title": None}, "title"),
        ({"age": "old"}, "age"),
        ({"age": 3.5}, "age"),
        ({"age": float("nan")}, "age"),
        ({"age": True}, "age"),
        ({"skills": "a, b"}, "skills"),
        ({"skills": {"a": 1}}, "skills"),
        ({"skills": [1]}, "skills"),
    ],
)
def test_one_bad_cell_leaves_the_others(change, column):
    """Its field is None, the misfit names the column, and `raw` has it as it came."""
    row = {"title": "CTO", "age": 3, "skills": [], **change}

    (found,) = typed(Person, row)

    fitting = {"title": "CTO", "age": 3, "skills": [], column: None}
    assert found.value == Person(**fitting)
    assert (found.raw, len(found.misfits)) == (row, 1)
    assert column in found.misfits[0]


def test_every_misfit_of_a_row_is_listed():
    """A column that is missing is one."""
    (found,) = typed(Person, {"title": 1, "age": "x"})

    assert len(found.misfits) == 3
    assert found.value == Person(title=None, age=None, skills=None)


def test_dataclass_and_typed_dict_type_rows_too():
    """Class variables are no columns."""
    assert typed(Plain, {"score": "1.5", "is_new": "TRUE", "limit": 9}) == [
        Row(Plain(1.5, is_new=True), {"score": "1.5", "is_new": "TRUE", "limit": 9})
    ]
    assert typed(Plain, {"score": 1, "is_new": 1})[0].value == Plain(1.0)
    assert typed(Plain, {"score": "x", "is_new": True})[0].value == Plain(None, True)
    assert typed(Plain, {"score": 1, "is_new": False})[0].value == Plain(1.0)
    (found,) = typed(Loose, {"data": '{"a": 1}', "tags": '["x"]', "count": 2})
    assert found.value == {"data": {"a": 1}, "tags": ["x"], "count": 2}
    (wrong,) = typed(Loose, {"data": "[]", "tags": "{}", "count": 1})
    assert len(wrong.misfits) == 2
    assert wrong.value == {"count": 1}


@pytest.mark.parametrize("kind", [str, dict, 3, "Person", list[str]])
def test_what_is_no_class_of_columns_is_refused(kind):
    """At once, and not once for each row."""
    with pytest.raises(errors.ArgumentError, match="@returns"):
        typed_rows(iter(()), kind)


# -- Types of a column ----------------------------------------------------------------


class Color(Enum):
    RED = "red"
    ONE = 1
    NONE = None


class Word(StrEnum):
    OK = "OK"


class Level(IntEnum):
    LOW = 1


class Code(str):
    __slots__ = ()


Score = NewType("Score", int)


@frozen
class Phone:
    number: str
    region: str | None = None


@dataclass
class Site:
    url: str
    rank: int = 0


class Loosest(TypedDict, total=False):
    a: int
    b: Required[int]


class Tree(TypedDict):
    name: str
    children: list[Tree]


class Person2(TypedDict):
    name: str
    phone: NotRequired[Phone]


@frozen
class Node:
    name: str
    children: "list[Node]" = ()  # noqa: UP037 - a class that names itself


OPTIONS = Literal["a", 1, None]  # noqa: PYI061 - people write it so
ADA = UUID("12345678-1234-5678-1234-567812345678")


def cell(kind, value):
    """What a column of a type makes of a value: that, or the misfits."""
    made = attrs.make_class("Made", {"x": attrs.field(type=kind)})
    (found,) = typed_rows([{"x": value}], made)
    return found.misfits or found.value.x


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (str, "a", "a"),
        (object, 3, 3),
        (deque[int], "[1]", deque([1])),
        (Code, "a", Code("a")),
        (int, " 3 ", 3),
        (int, "3.0", 3),
        (int, "-12345678901234567890.", -12345678901234567890),
        (int, 3.0, 3),
        (Score, "3", 3),
        (float, 3, 3.0),
        (float, "1e3", 1000.0),
        (bool, "False", False),
        (Decimal, "1.10", Decimal("1.10")),
        (Decimal, 1.1, Decimal("1.1")),
        (UUID, str(ADA), ADA),
        (datetime, "2026-11-24T10:00:00Z", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        (datetime, "2026-11-24 10:00", datetime(2026, 11, 24, 10)),  # noqa: DTZ001 - without a zone
        (date, "2026-11-24", date(2026, 11, 24)),
        (time, "10:00", time(10)),
        (Any, {1}, {1}),
        # Words
        (OPTIONS, "a", "a"),
        (OPTIONS, 1, 1),
        (OPTIONS, "1", 1),
        (OPTIONS, "", None),
        (Literal[True], "TRUE", True),
        (Literal[Color.RED], "red", Color.RED),
        (Color, "red", Color.RED),
        (Color, 1, Color.ONE),
        (Color, "1", Color.ONE),
        (Color, "", Color.NONE),
        (Word, "OK", Word.OK),
        (Level, "1", Level.LOW),
        (Level, 1, Level.LOW),
        # Lists and dicts, as they are and as JSON text
        (list, [1, "a"], [1, "a"]),
        (tuple, "[1]", (1,)),
        (list[int], ["1", 2.0], [1, 2]),
        (List[str], '["a"]', ["a"]),  # noqa: UP006 - older classes have it
        (Sequence[str], ["a"], ["a"]),
        (Iterable[str], ["a"], ["a"]),
        (tuple[str, ...], ["a", "b"], ("a", "b")),
        (tuple[str, int], ["a", "1"], ("a", 1)),
        (set[int], "[1, 1]", {1}),
        (AbstractSet[int], [1], frozenset([1])),
        (dict, '{"a": 1}', {"a": 1}),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Mapping[int, str], {"1": "a"}, {1: "a"}),
        (list[list[str]], [["ada@example.com", "OK"]], [["ada@example.com", "OK"]]),
        (list[Phone], [{"number": "1", "more": 2}], [Phone("1")]),
        (Phone, '{"number": "1", "region": ""}', Phone("1", "")),
        (Site, {"url": "x"}, Site("x")),
        (list[Person2], [{"name": "a", "more": 1}], [{"name": "a"}]),
        (
            Person2,
            {"name": "a", "phone": {"number": "1"}},
            {"name": "a", "phone": Phone("1")},
        ),
        (
            Node,
            {"name": "a", "children": [{"name": "b", "children": []}]},
            Node("a", [Node("b", [])]),
        ),
        # Unions
        (int | None, "", None),
        (Optional[int], None, None),  # noqa: UP045 - older classes have it
        (str | None, "", ""),
        (Annotated[str, "x"] | None, "", ""),
        (Any | None, "", ""),
        (Phone | None, "", None),
        (int | str, 3, 3),
        (int | str, "3", "3"),
        (Union[str, float, int], 3, 3),  # noqa: UP007 - older classes have it
        (int | float, "3", 3),
        (int | float, "3.5", 3.5),
        (float | int | None, "", None),
        (str | Word, "OK", Word.OK),
        (str | Word, "no", "no"),
        (str | datetime, "2026-11-24", datetime(2026, 11, 24)),  # noqa: DTZ001 - without a zone
        (str | list[Phone], '[{"number": "1"}]', '[{"number": "1"}]'),
        (str | list[Phone], [{"number": "1"}], [Phone("1")]),
        (str | Phone, '{"number": "1"}', '{"number": "1"}'),
        (dict | Phone, {"number": "1"}, Phone("1")),
        (dict | Phone, {"n": "1"}, {"n": "1"}),
        (Phone | Site, {"url": "x", "rank": 2}, Site("x", 2)),
        (Phone | Site, '{"url": "x"}', Site("x")),
    ],
    ids=shortened,
)
def test_column_becomes_what_its_field_says(kind, value, expected):
    """From JSON, and from the text that CSV makes of it."""
    found = cell(kind, value)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value", "misfit"),
    [
        (str, 3, "x: 3 is not str"),
        (Code, 3, "x: 3 is not Code"),
        (int, "old", "x: 'old' is not int"),
        (int, "1_000", "x: '1_000' is not int"),
        (int, "3.5", "x: '3.5' is not int"),
        (int, float("inf"), "x: inf is not int"),
        (int, "9" * 5000, f"x: '{'9' * 58}… is not int"),
        (float, True, "x: True is not float"),
        (float, "1_0", "x: '1_0' is not float"),
        (float, None, "x: None is not float"),
        (bool, 1, "x: 1 is not bool"),
        (Decimal, "x", "x: 'x' is not Decimal"),
        (Decimal, True, "x: True is not Decimal"),
        (UUID, "x", "x: 'x' is not UUID"),
        (date, "2026-11-24T10:00", "x: '2026-11-24T10:00' is not date"),
        (datetime, 3, "x: 3 is not datetime"),
        (bytes, 5, "x: 5 is not bytes"),
        (Literal["a", 1], True, "x: True is not Literal['a', 1]"),
        (Color, "blue", "x: 'blue' is not Color"),
        (Word, "ok", "x: 'ok' is not Word"),
        (Level, True, "x: True is not Level"),
        (list[str], "a, b", "x: 'a, b' is not list[str]"),
        (list[str], "[" * 100_000, f"x: '{'[' * 58}… is not list[str]"),
        (list[str], {"a": 1}, "x: {'a': 1} is not list[str]"),
        (list[str], ["a", 1], "x[1]: 1 is not str"),
        (tuple[str, int], ["a"], "x: ['a'] is not tuple[str, int]"),
        (set[list], [[1]], "x: [[1]] is not set[list]"),
        (dict[str, int], {"a": "x"}, "x['a']: 'x' is not int"),
        (dict[int, str], {"a": "x"}, "x['a']: 'a' is not int"),
        (Phone, "x", "x: 'x' is not Phone"),
        (
            list[Phone],
            [{"region": 3}, {}],
            [
                "x[0].number: it is missing, and str is wanted",
                "x[0].region: 3 is not str",
                "x[1].number: it is missing, and str is wanted",
            ],
        ),
        (Phone | None, {"number": 1}, "x.number: 1 is not str"),
        (int | None, "x", "x: 'x' is not int"),
        (int | float, "x", "x: 'x' is not int | float"),
        (int | float, "", "x: '' is not int | float"),
        (Optional[datetime], "x", "x: 'x' is not datetime"),  # noqa: UP045 - as above
        (Union[datetime, date], "x", f"x: 'x' is not {UNION}"),  # noqa: UP007 - as above
        (
            Literal[tuple("abcdefghijklmnopqrstuvwxyz")],
            "",
            (
                "x: '' is not Literal['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', "
                "'j', 'k', 'l', 'm', 'n', '…"
            ),
        ),
    ],
    ids=shortened,
)
def test_misfit_says_where_what_and_what_was_wanted(kind, value, misfit):
    """On one line each, and never with a giant value."""
    misfits = [misfit] if isinstance(misfit, str) else misfit

    assert cell(kind, value) == misfits


@frozen
class Checked:
    """A class that judges its columns by itself."""

    age: int
    _note: str = "none"
    made: int = attrs.field(init=False, default=3)
    limit: ClassVar[int] = 3

    def __attrs_post_init__(self):
        if self.age < 0:
            raise ValueError("x" * 1000)


def test_defaults_stand_for_columns_that_a_row_lacks():
    """None is no lack; what is not given to a class is no column."""
    found = typed(Checked, {"age": 1}, {"age": 1, "_note": "a", "made": 9, "limit": 9})

    assert [row.value for row in found] == [Checked(1), Checked(1, "a")]
    assert typed(Checked, {"age": 1, "_note": None})[0].misfits == [
        "_note: None is not str"
    ]


def test_class_that_refuses_a_row_is_quoted_in_short():
    """Whatever it raises, the row is kept."""
    (found,) = typed(Checked, {"age": -1})

    assert found.misfits == ["the row: ValueError: " + "x" * 199 + "…"]
    assert found.raw == {"age": -1}


def test_missing_column_is_told():
    """With what was wanted."""
    (found,) = typed(Person, {"title": "CTO", "skills": None})

    assert found.misfits == ["age: it is missing, and int | None is wanted"]


@dataclass(kw_only=True)
class Factory:
    tags: list[str] = field(default_factory=list)


def test_optional_keys_and_factories():
    """Of a TypedDict and of a dataclass; other columns stay in `raw`."""
    tree = {"name": "a", "children": [{"name": "b", "children": []}]}
    assert typed(Loosest, {"b": "1", "c": 2})[0].value == {"b": 1}
    assert typed(Loosest, {"a": 1})[0].misfits == [
        "b: it is missing, and int is wanted"
    ]
    assert typed(Tree, tree)[0].value == tree
    assert typed(Person2, {"name": "a", "b": 1})[0].value == {"name": "a"}
    assert typed(Factory, {})[0].value == Factory(tags=[])


@returns
class Renamed:
    page: Annotated[str, "Its page", alias("Company Linkedin")]
    self: str
    level: Literal["junior", "senior"] = "junior"
    size: Annotated[int, alias("class")] = 3


def test_columns_with_other_names():
    """The column is read, and named in misfits."""
    whole = {"Company Linkedin": "a", "self": "b", "level": "senior", "class": "4"}

    found, bad = typed(Renamed, whole, {"Company Linkedin": 1, "class": "x"})

    assert found.value == Renamed(page="a", self_="b", level="senior", size=4)
    assert bad.value == Renamed(page=None, self_=None)
    assert bad.misfits == [
        "Company Linkedin: 1 is not str",
        "self: it is missing, and str is wanted",
        "class: 'x' is not int",
    ]


class Keys(TypedDict):
    page: Annotated[str, alias("Company Linkedin")]
    inner: NotRequired[Renamed]


class Extended(typing_extensions.TypedDict, total=False):
    a: typing_extensions.ReadOnly[Annotated[int, alias("A a")]]
    b: Annotated[Required[int], "required"]
    c: Annotated[NotRequired[int], "not required"]


def test_marks_of_keys():
    """In whatever order they are written."""
    found, bad = typed(Extended, {"A a": "1", "b": "2"}, {"A a": "x", "c": 3})

    assert found.value == {"a": 1, "b": 2}
    assert bad.value == {"c": 3}
    assert bad.misfits == [
        "A a: 'x' is not int",
        "b: it is missing, and int is wanted",
    ]


def test_classes_with_local_types():
    """Their annotations are types when the class is made."""
    level = Literal["a", "b"]

    @returns
    class Made:
        level: Annotated[level, "Level"]

    assert typed(Made, {"level": "b"})[0].value == Made(level="b")


def test_keys_with_other_columns():
    """Also deep inside, where a cell fits or does not."""
    inner = {"Company Linkedin": "b", "self": "c", "class": []}

    (found,) = typed(Keys, {"Company Linkedin": "a", "page": "no", "inner": inner})

    assert found.value == {"page": "a"}
    assert found.misfits == ["inner.class: [] is not int"]


class Model(pydantic.BaseModel):
    title: str
    age: Annotated[int, pydantic.Field(gt=0)] = 30
    tags: list[str] | None = None
    page: str | None = pydantic.Field(None, alias="Company Linkedin")
    home: pydantic.HttpUrl | None = None
    size: Annotated[int | None, alias("class")] = None
    boss: "Model | None" = None  # noqa: UP037 - text, as in a module without future

    @pydantic.model_validator(mode="after")
    def judge(self):
        if self.title == "none":
            raise ValueError("no title")
        if self.title == "odd":
            raise LookupError("odd title")
        return self

    @classmethod
    def model_validate(cls, obj):
        if obj["title"] == "early":
            raise ValueError("early title")
        return super().model_validate(obj)


def test_pydantic_models():
    """Values are read as for other classes, and then judged by the model."""
    row = {
        "title": "CTO",
        "age": "3",
        "tags": '["a"]',
        "Company Linkedin": "",
        "home": "https://example.com",
        "class": "4",
        "boss": {"title": "CEO"},
        "more": 1,
    }
    assert typed(Model, row)[0].value == Model.model_validate(
        row | {"age": 3, "tags": ["a"], "size": 4}
    )
    assert typed(Model, {"title": "CTO"})[0].value == Model(title="CTO")


@pytest.mark.parametrize(
    ("row", "value", "misfits"),
    [
        (
            {"title": 1, "class": "x", "Company Linkedin": 1},
            {"title": None, "age": 30, "size": None},
            [
                "title: 1 is not str",
                "Company Linkedin: 1 is not str",
                "class: 'x' is not int",
            ],
        ),
        (
            {"age": "2"},
            {"title": None, "age": 2},
            ["title: it is missing, and str is wanted"],
        ),
        (
            {"title": "CTO", "age": -1, "Company Linkedin": "a"},
            {"title": "CTO", "age": 30, "page": "a"},
            ["age: Input should be greater than 0"],
        ),
    ],
)
def test_pydantic_models_carry_what_fits(row, value, misfits):
    """Fields have their defaults, or None, where the row does not fit."""
    (found,) = typed(Model, row)

    assert {name: getattr(found.value, name) for name in value} == value
    assert found.misfits == misfits


@pytest.mark.parametrize(
    ("title", "misfit"),
    [
        ("none", "the row: Value error, no title"),
        ("odd", "the row: LookupError: odd title"),
        ("early", "the row: ValueError: early title"),
    ],
)
def test_models_may_refuse_a_row(title, misfit):
    """As other classes may."""
    (found,) = typed(Model, {"title": title})

    assert (found.value, found.misfits) == (None, [misfit])


@frozen
class Strict:
    age: int = attrs.field(validator=attrs.validators.instance_of(int))


def test_class_that_refuses_none():
    """There is nothing left that fits it."""
    (found,) = typed(Strict, {"age": "x"})

    assert (found.value, found.misfits) == (None, ["age: 'x' is not int"])


Item = TypeVar("Item")


@frozen
class Boxed(Generic[Item]):
    item: Item


def test_generic_class_with_its_argument():
    """As attrs and cattrs have it."""
    assert typed(Boxed[int], {"item": "3"})[0].value == Boxed(3)
    assert typed(Boxed[int], {"item": "x"})[0].misfits == ["item: 'x' is not int"]


@frozen
class Odd:
    queue: object
    worst: list[complex] | None


@frozen
class Lost:
    a: "Nowhere"  # noqa: F821, UP037 - that is the point


def test_types_that_no_column_has_are_refused_at_once():
    """Before a row is read."""
    with pytest.raises(errors.ArgumentError, match="no column can be read as complex"):
        typed_rows(iter(()), Odd)
    with pytest.raises(errors.ArgumentError, match="Lost: name 'Nowhere'"):
        typed_rows(iter(()), Lost)


def test_many_rows_take_seconds():
    """Ten thousand take less than two on a slow machine, misfits included."""
    rows = [{"title": "CTO", "age": "3", "skills": '["a", "b"]'}] * 10_000
    wrong = [{"title": "CTO", "age": "x", "skills": None}] * 10_000
    began = clock.process_time()

    fitting = sum(row.value is not None for row in typed_rows(rows, Person))
    misfits = sum(len(row.misfits) for row in typed_rows(wrong, Person))

    assert (fitting, misfits) == (10_000, 10_000)
    assert clock.process_time() - began < 2
