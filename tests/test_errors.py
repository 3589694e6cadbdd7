"""Each exception is a FlowError that can be raised, copied and sent to a process."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from flow64 import errors
from flow64.errors import FlowError

CLASSES = [
    thing
    for thing in vars(errors).values()
    if isinstance(thing, type) and issubclass(thing, FlowError)
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_error_is_an_ordinary_exception(cls):
    """With its facts and words after a journey to another process, too."""
    names = inspect.get_annotations(cls).keys() - {"message", "hint"}
    facts = {name: getattr(cls, name) for name in names}
    error = cls("it is wrong\nhere", hint="do that", **facts)

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), vars(twin)) == (cls, vars(error))
        assert str(twin) == "it is wrong\nhere; do that"
    with pytest.raises(FlowError):
        raise error
    assert repr(error) == f"{cls.__name__}('it is wrong')"


def test_words_stand_where_an_error_is_raised():
    """So a class has facts alone, and one misspelled is not kept in silence."""
    own = {"__init__", "__str__", "describe"}

    assert [cls for cls in CLASSES if cls is not FlowError and own & {*vars(cls)}] == []
    with pytest.raises(TypeError, match="'reason'"):
        FlowError("it is wrong", reason="none")
