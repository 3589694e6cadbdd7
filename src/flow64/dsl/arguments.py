"""Calls with an argument that does not exist, or without one, explained at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from ..errors import BuildError
from ..text import did_you_mean, shortened

F = TypeVar("F", bound=Callable[..., Any])

DECORATE: Final = "write @attrs.frozen(eq=False, kw_only=True)"
"""Advice for a block class of one's own."""


def helpful(function: F) -> F:
    """Make wrong calls of a function a `BuildError` with advice."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            if _fits(function, args, kwargs):
                raise
            raise explain_call(function, args, kwargs) from None

    return cast("F", call)


def explain_call(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    last: Sequence[str] = (),
) -> BuildError:
    """Return an error that explains why the arguments of a call do not fit.

    Args:
        function: The function that was called.
        args: Positional arguments.
        kwargs: Named arguments.
        last: Arguments that are listed after the others.
    """
    signature = inspect.signature(function)
    kinds = inspect.Parameter
    skip = 1 if next(iter(signature.parameters), "") == "self" else 0
    parameters = list(signature.parameters.values())[skip:]
    named = [p for p in parameters if p.kind is not kinds.VAR_POSITIONAL]
    names = [p.name for p in named]
    positional = [p.name for p in parameters if p.kind is kinds.POSITIONAL_OR_KEYWORD]
    given = len(args) - skip
    problems = [
        f"it has no argument {shortened(name)}{_suggest(name, names)}"
        for name in kwargs
        if name not in names
    ]
    problems += [
        f"argument {p.name!r} is missing"
        for p in named
        if p.default is kinds.empty
        and p.name not in kwargs
        and p.name not in positional[:given]
    ]
    if given > len(positional) and len(named) == len(parameters):
        allowed = f"only {', '.join(positional)} may" if positional else "none may"
        problems.append(f"write arguments with their names; {allowed} go without")
    problems += [
        f"argument {name!r} is given twice"
        for name in positional[:given]
        if name in kwargs
    ]
    is_class = function.__name__ == "__init__"
    callee = type(args[0]).__name__ if is_class else function.__name__
    names.sort(key=lambda name: name in last)
    hint = f"it takes {', '.join(names)}" if names else ""
    return BuildError(f"{callee}: {'; '.join(problems)}", hint=hint)


def _suggest(name: str, names: Sequence[str]) -> str:
    """Return the name that is meant, or how a block sends a field without a name."""
    near = did_you_mean(name, names)
    word = next((word for word in ("specs", "extra") if word in names), None)
    if near or word is None:
        return near
    return f" (if the service knows it, write {word}={{{shortened(name)}: ...}})"


def _fits(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True
