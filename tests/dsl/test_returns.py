"""`@returns`: what a class asks for, and what it is afterwards."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Annotated, ClassVar, Literal, Optional

import attrs
import pytest

from flow64 import LEAD, Workflow, errors, returns
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


def test_all_problems_come_together():
    """Everything that has no word of the service is listed at once."""
    with pytest.raises(errors.ReturnsError) as caught:

        @returns
        class Made:
            a: Annotated[set[str], "a set"]
            b: str | int
            c: Literal["x"]
            d: Literal[[1]]
            e: str

    assert str(caught.value) == (
        "@returns Made: a is set[str], which is not a type of the service; b is "
        "str | int, which is not a type of the service; c is typing.Literal['x'], "
        "which is not a type of the service; d is typing.Literal[[1]], which is not a "
        "type of the service; write "
        'for example title: Annotated[str | None, "Current job title"], with str, int, '
        "float, bool, dict, list, or list[str|int|float|bool]"
    )


def test_unknown_name():
    """An annotation that names nothing is an error of the class."""
    with pytest.raises(errors.ReturnsError, match=r"^@returns Made: name 'Txt' is not"):

        @returns
        class Made:
            x: Txt  # noqa: F821 - the mistake


def test_no_field():
    """A class without a field asks for nothing."""
    with pytest.raises(
        errors.ReturnsError, match=r"^@returns Made: it has no annotated"
    ):

        @returns
        class Made:
            x = 5
