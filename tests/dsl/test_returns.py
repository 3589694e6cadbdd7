"""`@returns`: what a class asks for, and what it is afterwards."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from enum import Enum
from typing import (
    Annotated,
    ClassVar,
    Literal,
    NamedTuple,
    Optional,
    TypedDict,
)

import attrs
import pytest

from flow64 import LEAD, Workflow, alias, errors, returns
from flow64.blocks import LeadEnrichment, Webhook
from flow64.dsl import field_map


@returns
class Person:
    title: Annotated[str, "Current job title"]
    linkedin_url: Annotated[str | None, "LinkedIn profile URL"]
    skills: Annotated[list[str], "Key skills"] = attrs.field(factory=list)
    full_name: str
    age: int = 0
    old: Optional[float] = None  # noqa: UP045 - both spellings are read
    note: ClassVar[str] = "no field"


def test_field_map():
    """Annotations give type and description; a name describes itself if need be."""
    assert field_map(Person) == {
        "title": {"description": "Current job title", "type": "str"},
        "linkedin_url": {"description": "LinkedIn profile URL", "type": "str"},
        "skills": {"description": "Key skills", "type": "list[str]"},
        "full_name": {"description": "full name", "type": "str"},
        "age": {"description": "age", "type": "int"},
        "old": {"description": "old", "type": "float"},
    }


def test_class_is_data():
    """The class is a frozen attrs class whose arguments have names."""
    person = Person(title="Engineer", linkedin_url=None, full_name="Ada")

    assert (person.title, person.skills, person.old) == ("Engineer", [], None)
    assert person == Person(title="Engineer", linkedin_url=None, full_name="Ada")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        person.title = "Chief"
    with pytest.raises(TypeError):
        Person("Engineer")


def test_in_specs():
    """A block takes the class where a field map goes."""
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields=Person)

    specs = Workflow("w", flow).compile().blocks[1].specs

    assert specs["return_fields"] == field_map(Person)


WORDS = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "dict": dict,
    "list": list,
    "list[str]": list[str],
    "list[int]": list[int],
    "list[float]": list[float],
    "list[bool]": list[bool],
}


@pytest.mark.parametrize("word", WORDS)
def test_type_words(word):
    """The annotations that the service has a word for."""
    made = returns(type("Made", (), {"__annotations__": {"x": WORDS[word]}}))

    assert field_map(made)["x"]["type"] == word


def test_dict_of_something():
    """What is in a dict makes no difference to the service."""

    @returns
    class Made:
        x: dict[str, int]

    assert field_map(Made)["x"]["type"] == "dict"


def test_first_text_describes():
    """Of what else stands in Annotated, the first text is the description."""

    @returns
    class Made:
        x: Annotated[str | None, 5, "first", "second"]
        y: Annotated[str, 5]

    descriptions = [entry["description"] for entry in field_map(Made).values()]
    assert descriptions == ["first", "y"]


def test_local_types():
    """Annotations may name what is local to the function around the class."""
    text = str

    @returns
    class Made:
        x: Annotated[text, "described"]

    assert field_map(Made)["x"]["type"] == "str"


def test_without_future_annotations():
    """Annotations that are no text are read as well."""
    program = (
        "from flow64 import returns\n"
        "from flow64.dsl import field_map\n"
        "def make():\n"
        "    @returns\n"
        "    class Made:\n"
        "        x: str | None\n"
        "    return Made\n"
        "print(field_map(make()))"
    )
    command = (sys.executable, "-c", program)
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "{'x': {'description': 'x', 'type': 'str'}}\n"


def test_class_that_is_data_already():
    """An attrs class or a dataclass stays what it is."""

    @returns
    @dataclasses.dataclass
    class Made:
        x: str

    @returns
    @attrs.define
    class Other:
        x: str

    made, other = Made("a"), Other("b")
    made.x = other.x = "c"
    assert (field_map(Made), field_map(Other)) == (field_map(Other), field_map(Made))
    assert (made.x, other.x) == ("c", "c")


def test_inheritance():
    """A class adds its own fields to those of its base, and is data with them."""

    @returns
    class Senior(Person):
        years: Annotated[int, "Years of experience"]

    made = Senior(title="t", linkedin_url=None, full_name="f", years=3)

    assert made.years == 3
    assert list(field_map(Senior)) == [*field_map(Person), "years"]
    assert "years" not in field_map(Person)


def test_class_without_returns():
    """A field map is only what is under @returns; a subclass says so itself."""

    class Plain:
        x: str

    class Below(Person):
        pass

    assert field_map(Plain) is None
    assert field_map(Below) is None


def test_columns_with_other_names():
    """A column may have a name that no field has; it describes the field if need be."""

    @returns
    class Made:
        linkedin: Annotated[str, "Its page", alias("Company Linkedin")]
        class_: Annotated[str, alias("class")]

    made = Made(linkedin="a", class_="b")

    assert field_map(Made) == {
        "Company Linkedin": {"description": "Its page", "type": "str"},
        "class": {"description": "class", "type": "str"},
    }
    assert (made.linkedin, made.class_) == ("a", "b")


@pytest.mark.parametrize(
    ("hint", "description", "word"),
    [
        (Literal["a", "b"], "Level (one of: a | b)", "str"),
        (Literal["a", None], "Level (one of: a)", "str"),  # noqa: PYI061 - also read
        (Literal["a", "b"] | None, "Level (one of: a | b)", "str"),
        (Literal[1, 2], "Level (one of: 1 | 2)", "int"),
        (Literal[True], "Level (one of: True)", "bool"),
        (list[Literal["a", "b"]], "Level (one of: a | b)", "list[str]"),
        (list[Literal["a"]] | None, "Level (one of: a)", "list[str]"),
        (Annotated[str, 3] | None, "Level", "str"),
    ],
)
def test_words_are_told_to_the_service(hint, description, word):
    """It has no type for them, so the description lists them."""

    @returns
    class Made:
        x: Annotated[hint, "Level"]

    assert field_map(Made) == {"x": {"description": description, "type": word}}


class AnyEnum(Enum):
    a: str


class AnyTuple(NamedTuple):
    a: str


class AnyDict(TypedDict):
    a: str


class AnyModel(metaclass=type("Meta", (type,), {})):
    """A class with a metaclass, as a model of pydantic is."""

    a: str


def annotated(**hints):
    return type("Made", (), {"__annotations__": hints})


@pytest.mark.parametrize(
    ("cls", "problem"),
    [
        (annotated(a="Current job title"), "Forward reference must be an expression"),
        (annotated(a="pytest.Nope"), "'pytest' has no attribute 'Nope'"),
        (annotated(a="dict[[].x]"), "'list' object has no attribute 'x'"),
        (annotated(a=5), "a is 5, not a type"),
        (annotated(**{"a b": str}), "no attrs class can be made of it"),
        (annotated(x=str, _x=str), "no attrs class can be made of it: duplicate arg"),
        (AnyEnum, "write a class without a base class"),
        (AnyTuple, "write a class without a base class"),
        (AnyDict, "write a class without a base class"),
        (AnyModel, "write a class without a base class"),
        (lambda: 3, "it is not a class"),
        (3, "it is not a class"),
    ],
)
def test_what_cannot_be_a_field_map(cls, problem):
    """Whatever Python raises, it is explained."""
    with pytest.raises(errors.BuildError, match=problem):
        returns(cls)


def test_alias_is_no_default():
    """It would be the value of each row."""
    with pytest.raises(errors.BuildError, match="page = Alias"):

        @returns
        class Made:
            page: str = alias("Company Linkedin")


def test_all_problems_come_together():
    """Everything that has no word of the service is listed at once."""
    with pytest.raises(errors.BuildError) as caught:

        @returns
        class Made:
            a: Annotated[set[str], "a set"]
            b: str | int
            c: Literal["x", 1]
            d: Literal[[1]]
            e: str
            f: Annotated[str, alias("e")]

    text = str(caught.value)
    assert text.startswith("@returns Made: a is set[str], not a type of the")
    assert [f"{name} is " in text for name in "abcdef"] == [True] * 4 + [False, True]


def test_unknown_name():
    """An annotation that names nothing is an error of the class."""
    with pytest.raises(errors.BuildError, match=r"^@returns Made: name 'Txt' is not"):

        @returns
        class Made:
            x: Txt  # noqa: F821 - the mistake


def test_no_field():
    """A class without a field asks for nothing."""
    with pytest.raises(errors.BuildError, match=r"^@returns Made: it has no annotated"):

        @returns
        class Made:
            x = 5
