"""Errors in the code or the JSON of a workflow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from attrs import frozen

from ..diagnostics import Finding, as_text, summary
from ..text import did_you_mean, printable, shortened
from ._root import FlowError


@frozen(repr=False)
class ArgumentError(FlowError, TypeError):
    """A call has an unknown argument, or lacks a required one."""

    callee: str
    problem: str
    names: Sequence[str] = ()

    def __str__(self) -> str:
        known = f"; it takes {', '.join(self.names)}" if self.names else ""
        return f"{self.callee}: {self.problem}{known}"


@frozen(repr=False)
class JoinError(FlowError, TypeError):
    """Something that is not a flow stands next to `>>`."""

    other: object = None
    advice: str = "put a block, a flow, or a list of them there"

    def __str__(self) -> str:
        return f"{shortened(self.other)} cannot be joined with >>: {self.advice}"


@frozen(repr=False)
class UnknownOperatorError(FlowError, AttributeError):
    """`Filter.where("column")` has no such operator."""

    start: str
    operator: str
    operators: Sequence[str]

    def __attrs_post_init__(self) -> None:
        # So that Python does not set it, and adds no second suggestion to a traceback.
        object.__setattr__(self, "name", self.operator)

    def __reduce__(self) -> tuple[Any, ...]:
        # Python's own would set `name` again, and this class is frozen.
        return type(self), (self.start, self.operator, self.operators)

    def __str__(self) -> str:
        near = did_you_mean(self.operator, self.operators)
        problem = f"{self.start} has no operator {shortened(self.operator)}{near}"
        return f"{problem}; it has {', '.join(self.operators)}"


class TruthError(FlowError, TypeError):
    """A flow was used as a truth value, as in `a >> b and c`."""

    def __str__(self) -> str:
        return (
            "a flow is neither true nor false: `a >> b and c` drops a >> b; write "
            "a >> [b, c] for both, `is None` to test, or include_if(flag, b) to choose"
        )


@frozen(repr=False)
class ValueInTextError(FlowError, TypeError):
    """A `value(...)` was put into a text."""

    name: str

    def __str__(self) -> str:
        return (
            f"value({self.name!r}) stands for a whole value and cannot be part of a "
            "text: let the environment fill in the whole text"
        )


@frozen(repr=False)
class ReturnsError(FlowError, TypeError):
    """A class under `@returns` has annotations of unknown types, or names it cannot."""

    owner: str
    problems: Sequence[str]

    def __str__(self) -> str:
        return (
            f"@returns {self.owner}: {'; '.join(self.problems)}; write for example "
            'title: Annotated[str | None, "Current job title"], '
            "with str, int, float, bool, dict, list, list[str|int|float|bool], or a "
            "Literal of words"
        )


def unknown_name(
    module: str, name: str, known: Sequence[str], elsewhere: str, advice: str = ""
) -> AttributeError | ImportError:
    """Return the error of a module's `__getattr__` for a name that it does not have.

    Args:
        module: The module.
        name: The name. In lower case it may be a submodule, which is not loaded yet.
        known: The names of the module.
        elsewhere: Another module that people may have meant.
        advice: What to do if no name is close.
    """
    asking = sys._getframe(2).f_globals.get("__name__")
    # For `from module import name`, Python replaces every AttributeError by its own
    # ImportError. Elsewhere one is expected, as by `hasattr`, and Python adds a
    # suggestion of its own to it.
    if asking != "importlib._bootstrap" or not name[:1].isupper():
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    advice = did_you_mean(name, known) or (advice and f"; {advice}")
    if name in import_module(elsewhere).__all__:
        advice = f"; write from {elsewhere} import {name}"
    return ImportError(f"{module} has no {name}{advice}", name=module)


@frozen(repr=False)
class VariantError(FlowError, ValueError):
    """Variants have equal names, or no name."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@frozen(repr=False)
class CompileError(FlowError):
    """A workflow has errors. All of its findings are in `findings`."""

    workflow: str
    findings: Sequence[Finding]

    def __str__(self) -> str:
        return self.describe(None)

    def describe(self, width: int | None) -> str:
        """Describe it for a terminal of so many columns."""
        found = summary(self.findings)
        text = as_text(self.findings, width)
        return f"{self.workflow!r} has {found}\n\n{text}".rstrip()


# -- Reading --------------------------------------------------------------------------


@frozen(repr=False)
class ReadError(FlowError, ValueError):
    """A text is not a workflow definition. `offset` is in bytes or characters."""

    problem: str
    source: str = "<text>"
    offset: int | None = None
    line: int | None = None
    pointer: str | None = None

    def __str__(self) -> str:
        place = printable(self.source)
        if self.line is not None:
            place += f":{self.line}"
        if self.offset is not None:
            place += f" (offset {self.offset})"
        if self.pointer is not None:
            place += f" at {printable(self.pointer) or '/'}"
        return f"{place}: {printable(self.problem)}"
