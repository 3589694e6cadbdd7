"""What `was=` says: the keys that something had before, from which its ids are made.

A `/` separates levels. Inside of a key it is `%2F`; a `=` is `%3D`, and a `%` is `%25`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from .ids import Tag


def read_keys(was: str) -> tuple[bool, list[str]]:
    """Return whether the `was=` of a block or scope is a path from the workflow down.

    Its keys come second. Without a `/` they stand inside of the scope around it.

    >>> read_keys("find_email"), read_keys("work/find_email"), read_keys("/a%2Fb")
    ((False, ['find_email']), (True, ['work', 'find_email']), (True, ['a/b']))
    """
    below = was.removeprefix("/")
    return "/" in was, [*map(unquote, below.split("/"))] if below else []


def write_keys(keys: Sequence[str], around: Sequence[str]) -> str:
    """Return the `was=` of a block or scope.

    Args:
        keys: Its old keys from the workflow down.
        around: The old keys of the scope around it.
    """
    if keys == around:
        return ""
    if keys[:-1] == around:
        return escape(keys[-1])
    return "/" * (len(keys) < 2) + "/".join(map(escape, keys))


def read_path(was: str) -> list[tuple[Tag, str]]:
    """Return the old path of a workflow, below its project.

    >>> read_path("leads/region=us")
    [('workflow', 'leads'), ('axis', 'region'), ('variant', 'us')]
    """
    key, *names = was.split("/")
    segments: list[tuple[Tag, str]] = [("workflow", unquote(key))]
    for name in names:
        axis, is_axis, text = name.rpartition("=")
        segments += [("axis", unquote(axis))] * bool(is_axis)
        segments.append(("variant", unquote(text)))
    return segments


def write_path(segments: Iterable[tuple[Tag, str]]) -> str:
    """Return a path below a project, as `was=` has it."""
    texts = [escape(key) + ("=" if tag == "axis" else "/") for tag, key in segments]
    return "".join(texts).removesuffix("/")


def escape(key: str) -> str:
    """Return a key as it stands in `was=`."""
    return key.replace("%", "%25").replace("/", "%2F").replace("=", "%3D")
