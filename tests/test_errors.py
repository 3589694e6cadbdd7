"""Each exception is a FlowError that can be raised, copied and sent to a process."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from flow64 import errors
from flow64.errors import FlowError

CLASSES = [
    thing
    for name in dir(errors)
    if isinstance(thing := getattr(errors, name), type) and issubclass(thing, FlowError)
]


def sample(field):
    """A value for a fact of an error."""
    kind = str(field.type)
    if field.name == "state":
        return "drifted"
    if "[" in kind:
        return () if "Finding" in kind else ("text",)
    if "None" in kind:
        return None
    return 404 if "int" in kind or "float" in kind else "text"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_error_is_an_ordinary_exception(cls):
    """With its facts and words after a journey to another process, too."""
    if attrs.has(cls):
        fields = [f for f in attrs.fields(cls) if f.default is attrs.NOTHING]
        error = cls(**{field.alias: sample(field) for field in fields})
    else:
        error = cls("it is wrong", hint="do that")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), str(twin)) == (cls, str(error))
    with pytest.raises(FlowError):
        raise error
    assert repr(error).startswith(f"{cls.__name__}(")
    assert "\n" not in repr(error)
