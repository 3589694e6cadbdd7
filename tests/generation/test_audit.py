"""The audit of modules of block classes: it lets nothing else through."""

from __future__ import annotations

import pytest

from flow64 import errors
from flow64.generation import audit, write_blocks
from tests.catalogue.answer import ANSWER, LATER
from tests.generation.support import live

GOOD = '''"""A module."""

from __future__ import annotations

from typing import Final

from attrs import frozen
from flow64 import Flow, Lead
from flow64.blocks import About, CatalogueBlock

SOURCE: Final = "live"
"""The source."""


@frozen(eq=False, kw_only=True)
class NewKind(Flow[Lead, Lead], CatalogueBlock):
    """A kind."""

    kind = "new_kind"
    about = About(role="step", takes="LEAD", gives="LEAD", source=SOURCE)

    field: str
'''


@pytest.mark.parametrize("answer", [ANSWER, LATER])
def test_generated_modules_pass(answer):
    """What the generator writes passes."""
    assert audit(write_blocks(live(*answer), everything=True).text) is None


def test_good():
    """The module that the cases below change passes."""
    assert audit(GOOD) is None


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from os import system",
        "from flow64 import Workflow",
        "from flow64 import Flow as Other",
        "from . import x",
        "x = 1",
        "x: int = 1",
        "print()",
        "SOURCE: Final = f'{1}'",
        'SOURCE: Final = "a" + "b"',
        "A = TypeVar('A', bound=str)",
        "X: TypeAlias = Literal[print()]",
        "Flow: TypeAlias = Literal['a']",
        "def f(): pass",
        "class X: pass",
        "class X(str): x: int",
        "class X(TypedDict, total=False): x: int",
        "class X(TypedDict):\n    x: int = print()",
        "class X(TypedDict):\n    x: print()",
        "class X(TypedDict):\n    x: Other",
        "class X(TypedDict):\n    __init__: str",
        "class X(TypedDict):\n    def f(self): pass",
        "class Flow(TypedDict):\n    x: str",
        "@frozen\nclass X(CatalogueBlock): x: str",
        "@frozen(eq=True, kw_only=True)\nclass X(CatalogueBlock): x: str",
        "@frozen(eq=False, kw_only=True)\nclass X(Workflow): x: str",
        "@frozen(eq=False, kw_only=True)\nclass X(built_in.CATALOGUE): x: str",
        "@frozen(eq=False, kw_only=True)\nclass X(Flow[print()]): x: str",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): kind = print()",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): about = print()",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): about = About(x=1)",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): about = About(*[])",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): about = os.about",
        "@frozen(eq=False, kw_only=True)\nclass X(CatalogueBlock): other = 'x'",
        "# a comment",
        "\u0441ode: int",
        '"\u202e"',
        "class",
        "'''",
        "(" * 300,
    ],
)
def test_refused(line):
    """Anything else is refused, wherever it stands."""
    with pytest.raises(errors.UnsafeCodeError):
        audit(f"{GOOD}\n\n{line}\n")
