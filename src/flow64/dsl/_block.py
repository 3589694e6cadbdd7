"""Block: the smallest flow. Its class says which it is, its fields are its specs."""

from __future__ import annotations

import functools
import linecache
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from types import CodeType, FrameType
from typing import Any, ClassVar, Final, Self, TypeVar

import attrs
from attrs import field, frozen

from ..diagnostics import Place
from ..errors import shortened
from ._arguments import explained
from ._flow import Shape
from ._unset import UNSET

T = TypeVar("T")

RESERVED: Final = ("key", "was", "id", "extra", "allow")
"""Arguments of every block that are no specs."""

_set = object.__setattr__


@frozen(eq=False, kw_only=True)
class Block:
    """What all blocks share. `Flow` comes first in the bases of a block, `Block` after.

    Args:
        key: Name inside its scope, from which its id is made; by default its kind.
        was: The key it had before, which keeps its id through a rename.
        id: A UUID that pins the block to an imported one.
        extra: Spec fields that the class does not know, sent as they are.
        allow: Codes of findings to silence on this block.
    """

    kind: ClassVar[str] = ""
    """What the service calls the block (`block_name`)."""
    label: ClassVar[str] = "transform"
    """The free-form `block_type` that is sent; the service ignores it."""
    arguments: ClassVar[tuple[str, ...]] = ()
    """Names of all arguments."""
    spec_names: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that are specs, in the order they are written."""
    shape: ClassVar[Shape] = "block"

    key: str | None = None
    was: str | None = None
    id: str | None = None
    extra: Mapping[str, Any] | None = None
    allow: Sequence[str] = ()
    # Where the block was written: the code object and the offset in its instructions.
    # Lines and columns are looked up only when a finding is shown.
    _code: CodeType | Place = field(init=False, repr=False)
    _instruction: int = field(init=False, repr=False)

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs once a block class is complete."""
        cls.arguments = tuple(a.name for a in attrs.fields(cls) if a.init)
        # Of a raw block the kind is an argument as well, and no spec either.
        none = {*RESERVED, "block_name"}
        cls.spec_names = tuple(name for name in cls.arguments if name not in none)
        # By name, since to a type checker an assignment would be a new signature.
        setattr(cls, "__init__", _noting_place(cls.__init__))  # noqa: B010 - see above
        setattr(cls, "__repr__", Block.__repr__)  # noqa: B010 - see above

    @property
    def block_name(self) -> str:
        """What the service calls this block."""
        return type(self).kind

    @property
    def place(self) -> Place:
        """The file, line and columns of the call that made the block."""
        code = self._code
        if isinstance(code, Place):  # a block that was unpickled has no code object
            return code
        at = self._instruction // 2
        line, end_line, *columns = next(islice(code.co_positions(), at, None))
        first = line or code.co_firstlineno
        if end_line != line:  # a call over several lines is marked on its first
            columns[1] = None
        # Code objects count bytes; people and carets count characters.
        source = linecache.getline(code.co_filename, first).encode()
        if not source.isascii():
            columns = [c and len(source[:c].decode(errors="replace")) for c in columns]
        return Place(code.co_filename, first, *columns)

    def with_(self, **changes: Any) -> Self:
        """The same block with some fields changed; its key, and so its id, stays.

        Raises:
            ArgumentError: A field does not exist.
        """
        return located(type(self)(**(self._fields() | changes)), sys._getframe(1))

    def again(self, *, key: str) -> Self:
        """The same step a second time, as a block of its own under another key."""
        changes = {"key": key, "was": None, "id": None}
        return located(type(self)(**(self._fields() | changes)), sys._getframe(1))

    def __repr__(self) -> str:
        fields = [
            f"{name}={shortened(value)}"
            for name in sorted(type(self).arguments, key=_is_reserved)
            if (value := getattr(self, name)) is not UNSET
            and value is not None
            and not (type(value) is tuple and not value)
        ]
        return f"{type(self).__name__}({', '.join(fields)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self._fields(), self.place)

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).arguments}


def located(made: T, caller: FrameType) -> T:
    """Say that a block was made where another frame stands."""
    _set(made, "_code", caller.f_code)
    _set(made, "_instruction", caller.f_lasti)
    return made


def _unpickled(cls: type[Block], fields: Mapping[str, Any], place: Place) -> Block:
    made = cls(**fields)
    _set(made, "_code", place)
    return made


def _is_reserved(name: str) -> bool:
    return name in RESERVED


def _noting_place(initialise: Any) -> Any:
    """An `__init__` that keeps the place of its call and says what is wrong with it."""

    @functools.wraps(initialise)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            initialise(self, *args, **kwargs)
        except TypeError as error:
            given = (self, *args), kwargs
            raise explained(initialise, *given, error, last=RESERVED) from None
        caller = sys._getframe(1)
        _set(self, "_code", caller.f_code)
        _set(self, "_instruction", caller.f_lasti)

    return call
