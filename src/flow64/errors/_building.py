"""Errors in the code or the JSON of a workflow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from ..diagnostics import Finding, as_text, summary
from ..text import did_you_mean, printable
from ._root import FlowError


class BuildError(FlowError, TypeError):
    """Code calls flow64 with what it cannot take. It is raised where that stands."""


class CompileError(FlowError):
    """A workflow has errors.

    Attributes:
        workflow: Its title.
        findings: All of the errors.
    """

    workflow: str = ""
    findings: Sequence[Finding] = ()


def compile_error(
    workflow: str, findings: Sequence[Finding], width: int | None = None
) -> CompileError:
    """Return the error of a workflow, worded for a terminal of so many columns."""
    text = as_text(findings, width)
    message = f"{workflow!r} has {summary(findings)}\n\n{text}".rstrip()
    return CompileError(message, workflow=workflow, findings=findings)


class ReadError(FlowError, ValueError):
    """A text is not what it should be, or its definition cannot be code.

    Attributes:
        problem: What is wrong, without the place.
        source: The name of the text, for example its file name.
        offset: The place in the text, in bytes or characters.
        line: The line of the place.
        pointer: The JSON pointer of the place.
    """

    problem: str = ""
    source: str = "<text>"
    offset: int | None = None
    line: int | None = None
    pointer: str | None = None


def read_error(
    problem: str,
    source: str = "<text>",
    offset: int | None = None,
    line: int | None = None,
    pointer: str | None = None,
) -> ReadError:
    """Return the error of a text, with its place in the message."""
    place = source + (f":{line}" if line is not None else "")
    place += f" (offset {offset})" if offset is not None else ""
    place += f" at {pointer or '/'}" if pointer is not None else ""
    return ReadError(
        printable(f"{place}: {problem}"),
        problem=problem,
        source=source,
        offset=offset,
        line=line,
        pointer=pointer,
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
