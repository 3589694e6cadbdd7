"""`flow64 diff`: compare code, files and live workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote

import click
from attrs import evolve

from .. import loading
from ..definition import (
    EMPTY,
    Definition,
    Values,
    canonical_id,
    genuine_stamp,
    hide_secrets,
    secret_places,
    stamped_places,
    unbound_names,
)
from ..deploy.judge import fields_of, fields_of_last_deploy, keep_fields
from ..diff import words
from ..diff.advice import advise_all, find_path, match_alike
from ..environments import Environment
from ..environments import load as load_settings
from ..loading import Side, SideWorkflow
from ..report.lines import Subject
from ..report.report import make_report
from ..schedules import Schedule, Spending
from ..text import join_names, pluralize
from . import params, printing
from .compile import load_merge_base
from .errors import CHANGES


@params.command(
    "diff",
    "flow64 diff code prod",
    "flow64 diff prod:inbound code:inbound --exit-code",
    "flow64 diff staging prod --format json",
    "flow64 diff --base origin/main",
    "flow64 diff --base origin/main compiled --no-code --format markdown",
)
@click.argument("before", metavar="[A", required=False)
@click.argument("after", metavar="B]", required=False)
@params.option(
    "--base",
    "Compare this branch with the commit where it left REV, such as origin/main.",
    "REV",
)
@params.rows
@params.env
@params.no_code
@params.form(
    printing.REPORTS.values(), "By default the ending of FILE decides, else it is text."
)
@params.output("FILE", "Write the report into a file.")
@params.exit_code
def command(
    *,
    before: str | None,
    after: str | None,
    base: str | None,
    rows: str | None,
    env: str | None,
    no_code: bool,
    form: str | None,
    output: Path | None,
    has_exit_code: bool,
) -> int:
    """Show what changes from A to B. Only reads are sent.

    A and B are each a file, folder, module or key, or ENV:KEY for what is live: one
    workflow, or several. Several are matched by their ids, their keys in code, and
    their names. Code is compiled for the environment of the other side, or for --env.

    With --base, this branch is compared with the commit where it left REV. If A is a
    folder of compiled JSON, or `compiled` in [tool.flow64] names one, its committed
    files are compared, and no code runs. Otherwise both versions are loaded, the old
    one from a temporary folder, by a process of its own.
    """
    values: dict[str, Values] = {}
    doubts: Sequence[str] = ()
    if base is not None:
        if after is not None or (env is not None and rows is None):
            raise params.option_error("--base", "it takes a folder of JSON, or nothing")
        if no_code and before is None:
            raise params.option_error("--no-code", "name a folder of compiled JSON")
        env = rows and params.find_environment(env).key
        folder = None if before is None else Path(before)
        sides, doubts = load_merge_base(base, folder, env)
    elif before is None or after is None:
        raise click.UsageError("name two sides, A and B, or one revision: --base REV")
    else:
        addresses = [loading.parse_address(text, env) for text in (before, after)]
        for address in addresses:
            if isinstance(address, loading.LiveAddress):
                bound = params.find_environment(address.env).bound
                values[address.env] = loading.select_set_values(bound)
        env = env or next(iter(values), None)
        env = env or (rows and params.find_environment(None).name)
        sides = _load_sides(addresses, env, code=not no_code)
    subjects, omitted = pair_sides(*sides, values)
    prices = load_settings().prices
    label = words.ARROW.join(side.label for side in sides)
    with ExitStack() as stack:
        record = None
        if rows is not None:
            from .service import make_record  # noqa: PLC0415 - it loads httpx

            record = make_record(stack.enter_context(params.connect(env)), rows)
        report = make_report(
            subjects, label=label, prices=prices, not_checked=doubts, record=record
        )
    if omitted:
        printing.message(f"other side: {pluralize(omitted, 'other')}, not compared")
    printing.emit_report(report, form, output)
    return CHANGES if has_exit_code and (report.has_changes or doubts) else 0


def _load_sides(
    addresses: Sequence[loading.Address], env: str | None, *, code: bool
) -> tuple[Side, Side]:
    """Load both sides. Code is read first, since it limits the live workflows.

    Args:
        addresses: Both addresses.
        env: The environment to compile code for.
        code: Whether modules may be imported.
    """
    environment = None if env is None else params.find_environment(env)
    sides: dict[int, Side] = {}
    projects: frozenset[str] | None = None
    for at, address in enumerate(addresses):
        if isinstance(address, loading.SourceAddress):
            sides[at] = _load_source(address, environment, code=code)
            projects = loading.list_projects(sides[at])
    is_between = not sides
    for at, address in enumerate(addresses):
        if isinstance(address, loading.LiveAddress):
            with params.connect(address.env) as client:
                side = loading.load_live_side(client, address, projects)
            suffix = params.find_environment(address.env).suffix
            sides[at] = _without_suffix(side, suffix) if is_between else side
    return sides[0], sides[1]


def _load_source(
    address: loading.SourceAddress, environment: Environment | None, *, code: bool
) -> Side:
    values = None
    if environment is not None:
        values = loading.select_set_values(environment.bound)
    side = loading.load_source_side(address, environment, values, code=code)
    if environment is not None:
        names = {n for entry in side.entries for n in unbound_names(entry.definition)}
        if names:
            shown = join_names(sorted(names))
            printing.message(f"not filled in here, unlike in a deploy: {shown}")
    return side


def _without_suffix(side: Side, suffix: str) -> Side:
    """Return a live side without the suffix that its environment adds to titles."""
    entries = [
        evolve(entry, definition=loading.remove_suffix(entry.definition, suffix))
        for entry in side.entries
    ]
    return evolve(side, entries=entries)


# -- Which is which -------------------------------------------------------------------

_Pair: TypeAlias = tuple[SideWorkflow | None, SideWorkflow | None]

_FEATURES: Final[Sequence[Callable[[SideWorkflow], str | None]]] = (
    lambda entry: canonical_id(entry.definition.id or ""),
    lambda entry: entry.place,
    lambda entry: unquote(entry.key),  # `%6C` is no other key than `l`
)


def pair_sides(
    before: Side, after: Side, values: Mapping[str, Values] = EMPTY
) -> tuple[Sequence[Subject], int]:
    """Pair the workflows of two sides, without secrets.

    Args:
        before: The first side.
        after: The second side.
        values: The values of each environment. Secret ones are hidden on both sides.

    Returns:
        One subject for each workflow of both sides, and the number of workflows that
        were left out, because the other side is a single workflow.
    """
    pairs = _match_workflows(before, after)
    omitted = 0
    if before.is_part != after.is_part:
        part = 0 if before.is_part else 1
        kept = [pair for pair in pairs if pair[part] is not None]
        omitted, pairs = len(pairs) - len(kept), kept
    every = [*values.values()] or [Values()]
    own = [every[0] if s.env is None else values[s.env] for s in (before, after)]
    subjects = [_make_subject(*pair, (own[0], own[1]), every) for pair in pairs]
    return _advise(subjects, pairs), omitted


def _advise(subjects: Sequence[Subject], pairs: Sequence[_Pair]) -> Sequence[Subject]:
    """Add what keeps the ids of workflows that have other names now."""
    new = {at: s.after for at, s in enumerate(subjects) if s.after and not s.before}
    gone = {at: s.before for at, s in enumerate(subjects) if s.before and not s.after}
    renamed = match_alike(new, gone)
    sides = {at: (gone[old], new[at]) for at, old in renamed.items()}
    kept: list[str] = []
    for at, (subject, (old, entry)) in enumerate(zip(subjects, pairs, strict=True)):
        before, after = subject.before, subject.after
        if before and after and old and entry:
            if before.id == after.id:
                kept.append(find_path(after))
            # Others are two workflows, such as two variants.
            if old.place == entry.place or old.key == entry.key:
                sides[at] = before, after
    advice = advise_all(sides, kept)
    return [
        evolve(
            subject,
            note="perhaps renamed" if at in renamed else subject.note,
            state="changed" if subject.before and advice.get(at) else "",
            advice=advice.get(at, ()),
        )
        for at, subject in enumerate(subjects)
    ]


def _match_workflows(before: Side, after: Side) -> Sequence[_Pair]:
    """Match the workflows of both sides: by id, then by path, then by key."""
    if before.is_one and after.is_one:
        return [(before.entries[0], after.entries[0])]
    partners: dict[int, int] = {}
    for feature in _FEATURES:
        theirs = _find_unique(before.entries, feature, {*partners})
        ours = _find_unique(after.entries, feature, {*partners.values()})
        partners |= {theirs[mark]: ours[mark] for mark in theirs.keys() & ours.keys()}
    pairs: list[_Pair] = [
        (entry, after.entries[partners[at]] if at in partners else None)
        for at, entry in enumerate(before.entries)
    ]
    added = {*range(len(after.entries))}.difference(partners.values())
    pairs += [(None, after.entries[at]) for at in added]
    return sorted(pairs, key=_order)


def _order(pair: _Pair) -> tuple[str, str]:
    entry = pair[1] or pair[0]
    assert entry is not None
    return entry.key, str(entry.definition.id)


def _find_unique(
    entries: Sequence[SideWorkflow],
    feature: Callable[[SideWorkflow], str | None],
    done: set[int],
) -> Mapping[str, int]:
    """Return the positions of entries by a feature that no other entry has."""
    positions: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        mark = feature(entry)
        if position not in done and mark:
            positions.setdefault(mark, []).append(position)
    return {mark: many[0] for mark, many in positions.items() if len(many) == 1}


# -- Without secrets ------------------------------------------------------------------


def _make_subject(
    before: SideWorkflow | None,
    after: SideWorkflow | None,
    own: tuple[Values, Values],
    every: Sequence[Values],
) -> Subject:
    entry = after or before
    assert entry is not None
    old = None if before is None else _hide(before, after, own[0], every)
    new = None if after is None else _hide(after, before, own[1], every)
    unmanaged: Sequence[str] = ()
    was = ""
    if before is not None and after is not None and old and new:
        if before.is_live and not after.is_live:
            old, unmanaged = _drop_unmanaged_fields(old, before, after)
        elif after.is_live and not before.is_live:
            new, unmanaged = _drop_unmanaged_fields(new, after, before)
        elif not after.is_live and before.place == after.place is not None:
            was = before.key if before.key != after.key else ""
    shown = new or old
    is_title = shown is not None and entry.key == entry.definition.name
    earlier = (old and old.schedules) or EMPTY
    wanted = (new and new.schedules) or EMPTY
    return Subject(
        shown.name if is_title and shown else entry.key,
        old,
        new,
        place=str((after and after.definition.place) or ""),
        was=was,
        unmanaged=unmanaged,
        spends=[
            Spending(name, text)
            for name, text in wanted.items()
            if text != earlier.get(name) and Schedule.from_text(name, text).active
        ],
    )


def _hide(
    entry: SideWorkflow,
    other: SideWorkflow | None,
    own: Values,
    every: Sequence[Values],
) -> Definition:
    """Return a side without secrets: by its code, by the stamp, and by their texts."""
    shown = entry.definition
    places = secret_places(shown)
    if entry.is_live:
        stamp = genuine_stamp(shown.stamp, shown.id)
        is_code = other is not None and not other.is_live
        ours = secret_places(other.definition) if is_code and other else {}
        places = {**stamped_places(shown, stamp), **ours}
    shown = hide_secrets(shown, places, own)
    for values in every:
        if values is not own:
            shown = hide_secrets(shown, {}, values)
    return shown


def _drop_unmanaged_fields(
    shown: Definition, live: SideWorkflow, code: SideWorkflow
) -> tuple[Definition, Sequence[str]]:
    """Return a live definition without fields that code does not manage, and these."""
    stamp = genuine_stamp(live.definition.stamp, live.definition.id)
    sent = fields_of_last_deploy(live.definition, stamp)
    managed = {
        ref: names | sent.get(ref, frozenset())
        for ref, names in fields_of(code.definition).items()
    }
    kept = {**fields_of(shown), **managed}
    unmanaged = [
        f"{shown.origins[at].path or block.kind}.{name}"
        for at, block in enumerate(shown.blocks)
        for name in block.specs
        if name not in kept[block.id.lower()]
    ]
    return keep_fields(shown, kept), unmanaged
