"""Names, shapes and scopes of blocks in pictures, and the list_tree of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..blocks import CATALOGUE
from ..definition import Definition, Topology
from ..redaction import redact_keys
from ..text import printable, truncate

Shape: TypeAlias = Literal["source", "step", "converter", "sink", "unknown"]
"""The shape of a block: its role, or `unknown` for kinds outside the catalogue."""


@frozen
class Label:
    """The name of a block.

    Attributes:
        scopes: Names of its scopes, outermost first.
        name: Its key, or its kind if it has none. A piece of its id is added if another
            block would have the same name.
        kind: Its kind. Empty if the name says it.
        shape: Its shape.
    """

    scopes: Sequence[str]
    name: str
    kind: str
    shape: Shape

    @property
    def path(self) -> str:
        """The name after those of its scopes."""
        return "/".join((*self.scopes, self.name))


@frozen
class TreeLine:
    """One block in a list_tree of lines.

    Attributes:
        position: The block's position in the definition.
        before: The rails of its depth, and the mark of a branch that begins here.
        below: The beginning of further lines of the block.
        feeders: Positions of the blocks that feed it. None if its place says that.
    """

    position: int
    before: str
    below: str
    feeders: Sequence[int] | None


MAX_DEPTH: Final = 20
"""Levels of depth that a list_tree shows. Deeper branches are not indented further."""


def cut_text(text: object, limit: int) -> str:
    """Return a text on one line that cannot write to a terminal, cut with an ellipsis.

    A key is redacted before the cut: its beginning would not be known for one.
    """
    shown = redact_keys(str(text))
    return printable(truncate(shown, limit))


def name_blocks(definition: Definition) -> Sequence[Label]:
    """Return the name of each block, by position."""
    made: list[Label] = []
    for position, block in enumerate(definition.blocks):
        origin = definition.origins[position]
        kind = str(block.kind)
        *scopes, name = [kind]
        if origin.path is not None:
            *scopes, name = [_unescape(key) for key in origin.path.split("/")]
        known = CATALOGUE.get(kind)
        shape: Shape = known.about.role if known else "unknown"
        made.append(Label(scopes, name, "" if name == kind else kind, shape))
    counted = Counter(label.path for label in made)
    for position, label in enumerate(made):
        if counted[label.path] > 1:
            name = f"{label.name} {str(definition.blocks[position].id)[:8]}"
            made[position] = Label(label.scopes, name, label.kind, label.shape)
    return made


def list_tree(topology: Topology) -> Sequence[TreeLine]:
    """Return the blocks as lines. Each comes once, below the block that dominates it.

    The next block stands right under a block. Branches are indented, and after they
    join the line goes on at the old depth. In a cycle some edge leads back up.
    """
    parents = [sorted(set(found)) for found in topology.parents]
    members = _list_children(topology.order, parents)
    lines: list[TreeLine] = []
    # Each entry: a block, its rails, its mark, and whether to name what feeds it.
    todo = [
        (position, "", "", number > 0 or bool(parents[position]))
        for number, position in enumerate(members.get(len(parents), ()))
    ]
    todo.reverse()
    while todo:
        position, rails, mark, is_named = todo.pop()
        inside = rails
        if mark and len(rails) < MAX_DEPTH * len(mark):
            inside += "│ " if mark == "├ " else "  "
        feeders = parents[position] if is_named else None
        children = members.get(position, [])
        branches = [child for child in children if parents[child] == [position]]
        joins = [child for child in children if parents[child] != [position]]
        if not joins:
            # A branch of one block is a side branch: the other one is the line.
            longer = [child for child in branches if child in members]
            if len(branches) == 1 or len(longer) == 1:
                joins = longer or branches
                branches = [child for child in branches if child not in joins]
        lines.append(TreeLine(position, rails + mark, inside, feeders))
        entries = [(child, inside, "├ ", False) for child in branches]
        if entries and not joins:
            entries[-1] = (branches[-1], inside, "└ ", False)
        is_line = not branches and len(joins) == 1 and parents[joins[0]] == [position]
        entries += [(child, inside, "", not is_line) for child in joins]
        todo += reversed(entries)
    return lines


def _list_children(
    order: Sequence[int], parents: Sequence[Sequence[int]]
) -> Mapping[int, Sequence[int]]:
    """Return the children of each block in the dominator list_tree.

    The root is one number after the last block. In topological order a block's
    dominator is the nearest common ancestor of its parents. It is found with jump
    pointers, so a long way up takes logarithmic time.
    """
    root = len(parents)
    above, jump, depth = [root] * (root + 1), [root] * (root + 1), [0] * (root + 1)
    seen = bytearray(root + 1)
    members: dict[int, list[int]] = {}
    for position in order:
        found: int | None = None
        for parent in parents[position]:
            if not seen[parent]:  # it comes later, so this edge closes a cycle
                continue
            if found is None:
                found = parent
                continue
            other = parent
            if depth[found] < depth[other]:
                found, other = other, found
            while depth[found] > depth[other]:
                is_short = depth[jump[found]] >= depth[other]
                found = jump[found] if is_short else above[found]
            while found != other:
                is_apart = jump[found] != jump[other]
                found, other = (
                    (jump[found], jump[other])
                    if is_apart
                    else (above[found], above[other])
                )
        boss = root if found is None else found
        middle = jump[boss]
        is_even = depth[boss] - depth[middle] == depth[middle] - depth[jump[middle]]
        above[position], depth[position] = boss, depth[boss] + 1
        jump[position] = jump[middle] if is_even else boss
        seen[position] = 1
        members.setdefault(boss, []).append(position)
    return members


def _unescape(name: str) -> str:
    return name.replace("%2F", "/")
