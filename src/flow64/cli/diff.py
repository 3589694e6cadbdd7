"""`flow64 diff`: compare code, files and live workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..definition import Values, unbound_names
from ..environments import Environment
from ..environments import load as load_settings
from ..loading import (
    Address,
    LiveAddress,
    Side,
    SourceAddress,
    list_names,
    list_owners,
    list_projects,
    load_live_side,
    load_source_side,
    parse_address,
    select_set_values,
)
from ..report.report import make_report
from ..text import pluralize
from . import _params as params
from ._comparing import find_hidden, pair_sides, prepare_live
from ._exit_codes import CHANGES, NoConsentError
from ._merge_base import load_merge_base
from ._report_output import choose_form, print_report, report_options
from ._service import connect, find_environment
from ._terminal import print_message


@params.command(
    "diff",
    "flow64 diff code prod",
    "flow64 diff prod:inbound code:inbound --exit-code",
    "flow64 diff staging prod --format json",
    "flow64 diff --base origin/main --format markdown",
)
@click.argument("before", metavar="[A", required=False)
@click.argument("after", metavar="B]", required=False)
@click.option(
    "--base",
    metavar="REV",
    help="Compare this branch with the commit where it left REV, such as origin/main.",
)
@params.env
@params.values
@params.no_code
@report_options
@params.exit_code("Exit with 2 if A and B differ.")
def command(
    *,
    before: str | None,
    after: str | None,
    base: str | None,
    env: str | None,
    values: Path | None,
    no_code: bool,
    form: str | None,
    output: Path | None,
    has_exit_code: bool,
) -> int:
    """Show what changes from A to B. Only reads are sent.

    A and B are each a file, folder, module or key, or ENV:KEY for what is live: one
    workflow, or several. Several are matched by their ids, their keys in code, and
    their names. Code is compiled for the environment of the other side, or for --env.

    With --base, this branch is compared with the commit where it left REV. If
    `[tool.flow64]` has a folder of compiled JSON (`compiled`), the committed files in
    it are compared, and no code runs. Otherwise both versions are loaded, the old one
    from a temporary folder, by a process of its own.
    """
    form = choose_form(form, output)
    known: Sequence[Values] = ()
    sides: tuple[Side, Side]
    if base is not None:
        for option, argument in (("A", before), ("--env", env), ("--values", values)):
            if argument is not None:
                raise params.option_error(option, "--base takes the code as it is")
        sides = load_merge_base(base)
    elif before is None or after is None:
        raise click.UsageError("name two sides, A and B, or one revision: --base REV")
    else:
        addresses = _parse(before, after, env)
        environment = _choose_environment(addresses, env)
        given_values = params.read_values(values)
        sides = _load_sides(addresses, environment, given_values, code=not no_code)
        known = _collect_values(addresses)
    pairs = pair_sides(*sides, known)
    label, prices = sides[0].label, load_settings().prices
    report = make_report(pairs.subjects, label=label, prices=prices)
    if report.has_changes and (unset := find_hidden(*sides)):
        raise NoConsentError(
            f"{report.headline}, and this may show secrets that are unknown here: set "
            f"{list_names(unset)}, or compare with code"
        )
    _print_omissions(sides, pairs.omitted)
    print_report(report, form, output)
    return CHANGES if has_exit_code and report.has_changes else 0


def _parse(before: str, after: str, env: str | None) -> Sequence[Address]:
    return [
        params.read_dash(text, what) or parse_address(text, env)
        for text, what in ((before, "A"), (after, "B"))
    ]


def _choose_environment(
    addresses: Sequence[Address], env: str | None
) -> Environment | None:
    """Return the environment to compile code for, if one is named.

    Raises:
        ConfigError: The name is unknown.
    """
    if env is not None:
        return find_environment(env)
    live = [address.env for address in addresses if isinstance(address, LiveAddress)]
    return find_environment(live[0]) if live else None


def _load_sides(
    addresses: Sequence[Address],
    environment: Environment | None,
    values: Mapping[str, Any] | None,
    *,
    code: bool,
) -> tuple[Side, Side]:
    """Load both sides. Code is read first, since it limits the live workflows."""
    if values is None and environment is not None:
        values = select_set_values(environment.bound)
    sides: dict[int, Side] = {}
    projects: frozenset[str] | None = None
    own: frozenset[str] = frozenset()
    for at, address in enumerate(addresses):
        if isinstance(address, SourceAddress):
            sides[at] = load_source_side(address, environment, values, code=code)
            projects, own = list_projects(sides[at]), list_owners(sides[at])
            for note in sides[at].notes:
                print_message(note)
            if environment is not None:
                _print_unbound(sides[at])
    is_between = all(isinstance(address, LiveAddress) for address in addresses)
    for at, address in enumerate(addresses):
        if isinstance(address, LiveAddress):
            with connect(address.env) as client:
                side = load_live_side(client, address, projects, own)
            if is_between:
                side = prepare_live(side, find_environment(address.env))
            sides[at] = side
    return sides[0], sides[1]


def _collect_values(addresses: Sequence[Address]) -> Sequence[Values]:
    """Return the values of the live environments."""
    names = dict.fromkeys(
        address.env for address in addresses if isinstance(address, LiveAddress)
    )
    return [select_set_values(find_environment(name).bound) for name in names]


def _print_unbound(side: Side) -> None:
    names = sorted(
        {name for entry in side.entries for name in unbound_names(entry.definition)}
    )
    if names:
        print_message(f"not filled in here, unlike in a deploy: {list_names(names)}")


def _print_omissions(sides: Sequence[Side], omitted: int) -> None:
    if omitted:
        print_message(
            f"{pluralize(omitted, 'workflow')} of the other side, not compared: name a "
            "set on each side to compare all"
        )
    for side in sides:
        if side.omitted:
            print_message(
                f"{side.label}: {side.omitted} of other projects, not compared"
            )
