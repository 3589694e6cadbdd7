"""The options of a reviewer where a deploy stops: each with what to run or write."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from ...errors import OTHER_ENVIRONMENT
from ...plan import Flag, Rename, Review, Step, format_flags, take_over_command
from ...text import join_words
from ._grouping import Group
from ._words import Quote

MOST_FLAGS: Final = 40
"""The most workflows that one command names."""

MOST_COMMANDS: Final = 3
"""The most commands of one option."""


@frozen
class Option:
    """One way to go on.

    Attributes:
        words: What it does.
        commands: The commands to run, or the code to write. Empty if words are enough.
        language: The language of the commands.
    """

    words: str
    commands: Sequence[str] = ()
    language: str = "sh"


def list_options(group: Group, review: Review) -> Iterator[Option]:
    """Yield the options for a group that stops the deploy."""
    one = group.one
    skip = Option(
        "leave it as it is, and deploy the rest", [_deploy(review, "--skip-drifted")]
    )
    if one.lifted_by is None and one.state == "foreign":
        yield Option(OTHER_ENVIRONMENT)
        yield skip
    elif one.lifted_by is None:
        yield Option("correct the pin, or take it away to create a new workflow")
    else:
        yield _first_option(group, review)
        words = "delete it" if one.state == "orphan" else "overwrite it"
        if one.lifted_by == "create":
            orphans = _name_orphans(group, review)
            words = f"create it as another workflow{orphans and f', beside {orphans}'}"
        yield Option(words, [_deploy(review, *_list_flags(group, review))])
        if one.lifted_by == "behind" and one.state != "orphan":
            where = f"[tool.flow64.environments.{review.env}]"
            words = f"let branches deploy: in pyproject.toml, {where}"
            yield Option(words, ["branches = true"], "toml")
        elif one.may_skip:
            yield skip


def _first_option(group: Group, review: Review) -> Option:
    """Return the option that keeps what is there."""
    one = group.one
    if one.lifted_by == "behind":
        by = "what deployed it" if one.state == "orphan" else "that commit"
        return Option(f"bring the code up to {by}", ["git pull"])
    if one.lifted_by == "create":
        renames = _renames(group, review)
        code = [*dict.fromkeys(was for one in renames for was in one.arguments)]
        if not code:
            return Option("keep its ids by the argument was=")
        words = f"keep {_name_orphans(group, review)} and its ids under the new key"
        if any(one.others for one in renames):
            words = "keep the ids of the one that it was, under the new key"
        return Option(
            f"{words}: in Workflow(...), write", code[:MOST_COMMANDS], "python"
        )
    env = str(review.env)
    taken = [take_over_command(view.step, env) for view in group.views]
    more = f" (of the first {MOST_COMMANDS} here)" * (len(taken) > MOST_COMMANDS)
    return Option(
        f"keep what is on the service, and take it into the code{more}",
        taken[:MOST_COMMANDS],
    )


def _renames(group: Group, review: Review) -> Sequence[Rename]:
    keys = {view.step.key for view in group.views}
    return [rename for rename in review.renames if rename.key in keys]


def _name_orphans(group: Group, review: Review) -> str:
    found = [key for one in _renames(group, review) for key in one.candidates]
    return join_words(dict.fromkeys(found))


def _list_flags(group: Group, review: Review) -> Sequence[str]:
    """Return the options of a deploy that agree to what a group needs."""
    if group.one.state == "orphan":
        return _list_prune_flags(review)
    return _list_consents([view.step for view in group.views])


def _list_prune_flags(review: Review) -> Sequence[str]:
    """Return the options that delete all orphans, which are deleted together."""
    victims = [one for one in review.workflows if one.may_prune]
    return [f"--prune={len(victims)}", *_list_consents(victims)]


def _list_consents(steps: Sequence[Step]) -> Sequence[str]:
    found = [one for one in steps if one.consents]
    if len(found) > MOST_FLAGS:
        return [format_flags("KEY", found[0].consents)]
    return [format_flags(one.key, one.consents) for one in found]


def format_deletion(review: Review) -> str:
    """Return the command that deletes all orphans."""
    return _deploy(review, *_list_prune_flags(review))


def _deploy(review: Review, *flags: str) -> str:
    command = review.command or f"flow64 deploy --env {shlex.quote(str(review.env))}"
    return " ".join(filter(None, (command, *flags)))


def format_options(group: Group, flags: Sequence[Flag]) -> str:
    """Return the options that agree to something for a group."""
    key = group.one.key if len(group.views) == 1 else "KEY"
    return format_flags(key, flags)


def format_was(rename: Rename) -> str:
    """Return the argument that keeps the ids of a workflow; empty if none does."""
    return _join_ways(rename.arguments)


def describe_rename(rename: Rename, quote: Quote) -> str:
    """Return the two keys of a rename, and how to keep the ids."""
    was = _join_ways([*map(quote, rename.arguments)])
    keeps = f": {was} keeps its ids" if was else ""
    orphans = _join_ways([*map(quote, rename.candidates)])
    return f"{orphans} → {quote(rename.key)}{keeps}"


def name_candidates(rename: Rename) -> str:
    """Return the keys of the workflows that a new one may have been."""
    return _join_ways(rename.candidates)


def _join_ways(ways: Sequence[str]) -> str:
    more = len(ways) - MOST_COMMANDS
    shown = [*ways[:MOST_COMMANDS], *([f"{more:,} more"] if more > 0 else [])]
    return " or ".join(shown)


def list_other_renames(review: Review) -> Sequence[Rename]:
    """Return the renames that no option of a group speaks of."""
    refused = {one.key for one in review.refused}
    return [one for one in review.renames if one.key not in refused]
