"""`flow64 diff`: compare code, files and live workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..definition import BoundSecret, secret_values, unbound_names
from ..environments import Environment
from ..environments import load as load_settings
from ..loading import (
    Address,
    LiveAddress,
    Side,
    SourceAddress,
    describe_same_key,
    list_names,
    list_owners,
    list_projects,
    load_live_side,
    load_source_side,
    parse_address,
    select_set_values,
)
from ..text import pluralize
from . import _params as params
from ._colours import paint_changes
from ._comparing import ComparedSides, compare_sides, name_live_texts
from ._comparison_text import comparison_data, format_comparison, summarize
from ._exit_codes import CHANGES
from ._service import connect, find_environment
from ._terminal import print_json, print_lines, print_message


@params.command(
    "diff",
    "flow64 diff code prod",
    "flow64 diff prod:inbound code:inbound --exit-code",
    "flow64 diff staging prod --json",
    "flow64 diff compiled/ pipelines/",
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@params.env
@params.values
@params.no_code
@params.strict("Count live fields that code does not manage.")
@params.exit_code("Exit with 2 if A and B differ.")
@params.as_json
def command(
    *,
    before: str,
    after: str,
    env: str | None,
    values: Path | None,
    no_code: bool,
    strict: bool,
    has_exit_code: bool,
    as_json: bool,
) -> int:
    """Show what changes from A to B, block by block. Only reads are sent.

    A and B are each a file, folder, module or key, or ENV:KEY for what is live: one
    workflow, or several. Several are matched by their ids, keys and names.

    Code is compiled for the environment of the other side, or for --env.
    """
    given = params.read_values(values)
    addresses = [
        params.read_dash(text, what) or parse_address(text, env, code=not no_code)
        for text, what in ((before, "A"), (after, "B"))
    ]
    for address in addresses:
        if isinstance(address, LiveAddress) and (note := describe_same_key(address)):
            print_message(note)
    environment = _choose_environment(addresses, env)
    sides = _load_sides(addresses, environment, given, code=not no_code)
    prices = load_settings().prices
    secrets = _collect_secrets(addresses)
    found = compare_sides(*sides, prices=prices, strict=strict, secrets=secrets)
    _print_summary(found)
    if as_json:
        print_json(comparison_data(found))
    else:
        print_lines(format_comparison(found), paint_changes)
    return CHANGES if has_exit_code and found.differs else 0


def _choose_environment(
    addresses: Sequence[Address], env: str | None
) -> Environment | None:
    """Return the environment to compile code for, if one is named.

    Raises:
        UnknownEnvironmentError: The name is unknown.
    """
    if env is not None:
        return find_environment(env)
    live = [one.env for one in addresses if isinstance(one, LiveAddress)]
    return find_environment(live[0]) if live else None


def _load_sides(
    addresses: Sequence[Address],
    environment: Environment | None,
    given: Mapping[str, Any] | None,
    *,
    code: bool,
) -> Sequence[Side]:
    """Load both sides. Code is read first, since it limits the live workflows."""
    values = given
    if values is None and environment is not None:
        values = select_set_values(environment.bound)
    found: dict[int, Side] = {}
    projects: frozenset[str] | None = None
    own: frozenset[str] | None = None
    for at, address in enumerate(addresses):
        if isinstance(address, SourceAddress):
            found[at] = load_source_side(address, environment, values, code=code)
            projects, own = list_projects(found[at]), list_owners(found[at]) or None
            for note in found[at].notes:
                print_message(note)
            if environment is not None:
                _print_unbound(found[at])
    is_between = all(isinstance(address, LiveAddress) for address in addresses)
    for at, address in enumerate(addresses):
        if isinstance(address, LiveAddress):
            with connect(address.env) as client:
                side = load_live_side(client, address, projects, own)
            if is_between:
                side = name_live_texts(side, find_environment(address.env))
            found[at] = side
    return [found[at] for at in range(len(addresses))]


def _collect_secrets(addresses: Sequence[Address]) -> Sequence[BoundSecret]:
    """Return the values that come from variables in the live environments."""
    lives = dict.fromkeys(one.env for one in addresses if isinstance(one, LiveAddress))
    found: list[BoundSecret] = []
    for environment in map(find_environment, lives):
        found += secret_values(environment.bound, environment.hidden)
    return found


def _print_unbound(side: Side) -> None:
    names = sorted(
        {name for entry in side.entries for name in unbound_names(entry.definition)}
    )
    if names:
        print_message(f"not filled in here, unlike in a deploy: {list_names(names)}")


def _print_summary(found: ComparedSides) -> None:
    """Print the result in one line, and what was left out."""
    print_message(
        summarize(found) if found.differs else f"nothing differs ({summarize(found)})"
    )
    if found.hidden_for and found.differs:
        print_message(
            "the differences are not shown, since they may hold secrets that are "
            f"unknown here: set {list_names(found.hidden_for)}, or compare with code"
        )
    if found.omitted:
        print_message(
            f"{pluralize(found.omitted, 'workflow')} of the other side, not compared: "
            "name a set on each side to compare all"
        )
    for side in (found.before, found.after):
        if side.omitted:
            print_message(
                f"{side.label}: {side.omitted} of other projects, not compared"
            )
