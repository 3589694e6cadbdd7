"""`flow64 pull`: save live workflows as a folder of JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import evolve

from ..client import Client
from ..definition import Definition, canonical_id, slug, walk
from ..environments import Environment, Reference
from ..errors import ConfigError, FlowError, SourceError
from ..files import relative_path
from ..loading import (
    Address,
    LiveAddress,
    LiveWorkflow,
    Selection,
    SourceAddress,
    find_saved_catalogue,
    is_pattern,
    list_live,
    match_live,
    project_path,
    select_changed,
    select_ours,
)
from ..manifest import (
    MANIFEST,
    Known,
    Manifest,
    Pull,
    PulledWorkflow,
    fetch_workflows,
    make_pull,
    read_manifest,
    write_all,
)
from ..secrets import texts_in
from ..text import join_first, pluralize
from . import _params as params
from ._exit_codes import FAILED
from ._output_options import output_folder
from ._service import connect, find_environment
from ._terminal import (
    print_error,
    print_json,
    print_message,
    print_paths,
)

MOST_NAMES: Final = 20
"""Maximum workflows that a message lists."""

MOST_FILES: Final = 3
"""Maximum files that a note about several lists."""


@params.command(
    "pull",
    "flow64 pull prod --all -o live",
    "flow64 pull leads/us --env prod -o live",
    "flow64 pull prod --select 'leads/*' -o live",
    "flow64 pull 2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21 -o live",
)
@click.argument("address", required=False)
@click.option("--all", "is_all", is_flag=True, help="All workflows of an environment.")
@params.selection
@output_folder(
    "FOLDER",
    "The folder for one JSON file for each workflow, and flow64.json. Needed.",
    may_be_stdout=False,
)
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@params.env
@params.values
@params.as_json
def command(
    *,
    address: str | None,
    is_all: bool,
    selection: Selection,
    output: Path | None,
    overwrite: bool,
    env: str | None,
    values: Path | None,
    as_json: bool,
) -> int:
    """Save live workflows as JSON. Only reads are sent.

    ADDRESS is live: ENV or ENV:KEY; a key alone, or a title, is that of a
    live workflow of --env. For code or files, what is deployed of them is saved.

    Check, diff, plan and deploy then take FOLDER like code. Each workflow is pinned to
    its id there, and later edits there are drift. A text that equals a value of the
    environment, or of the file of --values, becomes that value. A workflow with another
    text that looks like a key is not saved: its place is printed.
    """
    meant = _find_address(address, env)
    if isinstance(meant, LiveAddress):
        env = meant.env
    if is_all and not (isinstance(meant, LiveAddress) and meant.is_env):
        problem = f"--all means all, and {address} less: leave one of them out"
        raise click.UsageError(problem)
    if output is None:
        problem = "it is missing: name the folder to save it in, as in -o live"
        raise params.option_error("--output", problem)
    before = read_manifest(output / MANIFEST) or Manifest()
    given = params.read_values(values) or {}
    known = [
        *(
            one
            for one in find_known_values(find_environment(env))
            if one.name not in given
        ),
        # A file of values does not say which values are secret, so all are.
        *(
            Known(name, item, [text for _, text in texts_in(item)])
            for name, item in given.items()
        ),
    ]
    with connect(env) as client:
        listed = find_saved_catalogue()
        found = [
            evolve(one, listed=listed)
            for one in _fetch(client, meant, selection, is_all=is_all)
        ]
        name = str(client.env)
    pull = make_pull(found, name, before, known)
    if not overwrite:
        _require_free(output, [one.file for one in pull.workflows])
    there = [path.name for path in output.glob("*.json")]
    if pull.workflows:
        # It is unknown which texts are secret in the workflows of other people.
        write_all(output, pull.texts(before, there), is_private=True)
    if as_json:
        print_json(_to_data(pull, output))
    else:
        print_paths([output / one.file for one in pull.workflows], as_json=False)
    _print_notes(pull, output)
    return FAILED if pull.refused else 0


def _find_address(text: str | None, env: str | None) -> Address:
    """Parse an address. Without one, it is the environment."""
    if text is not None:
        return params.find_address(text.removeprefix(":"), env, prefers_live=True)
    name = find_environment(env).name
    return LiveAddress(name, name)


def _fetch(
    client: Client, address: Address, selection: Selection, *, is_all: bool
) -> Sequence[Definition]:
    """Read the live workflows that an address and a selection mean.

    Raises:
        click.UsageError: The address means all, and neither `--all` nor a selection was
            given.
        SourceError: A pattern matches nothing, or there is no such workflow.
    """
    if isinstance(address, LiveAddress) and address.is_env:
        if not (is_all or selection):
            advice = "say --all, or name one: flow64 list shows all"
            raise click.UsageError(f"{address.env} is an environment; {advice}")
        if not selection:
            return fetch_workflows(client.session)
    if isinstance(address, LiveAddress) and address.id is not None:
        definitions = fetch_workflows(client.session, [address.id])
        if not definitions:
            problem = f"{address.id} is not there, or is not shown to you"
            raise SourceError(f"{problem}; flow64 list shows all")
        return definitions
    known = list_live(client)
    if isinstance(address, SourceAddress):
        ids = [*_find_deployed(client, address, selection, known)]
    else:
        chosen = known if address.key is None else _match(known, address)
        ids = [*_select_live(client, address, selection, chosen)]
    return fetch_workflows(client.session, ids)


def _match(
    known: Sequence[LiveWorkflow], address: LiveAddress
) -> Sequence[LiveWorkflow]:
    """Return the live workflows with a key, or the one with a title.

    Raises:
        SourceError: There is none, or there are several.
    """
    try:
        return match_live(known, address)
    except SourceError:
        key = address.key
        titled = [one for one in known if key in (one.title, _slug(one.title))]
        if is_pattern(str(address.key)) or not titled:
            raise
    if len(titled) > 1:
        ids = ", ".join(one.id for one in titled)
        problem = f"{len(titled)} workflows are called {address.key}"
        raise SourceError(f"{problem}; name one by its id: {ids}")
    return titled


def _slug(title: str) -> str:
    """Return the key that a pull gives to a workflow of others."""
    return slug(title.encode("utf-8", "ignore").decode())


def _select_live(
    client: Client,
    address: LiveAddress,
    selection: Selection,
    known: Sequence[LiveWorkflow],
) -> Sequence[str]:
    """Return the ids of the live workflows that a selection keeps."""
    ours = {one.id for one in select_ours(known, address.env)}
    kept = selection.pick(
        address.env, known, lambda one: [one.key] if one.key and one.id in ours else []
    )
    if selection.is_changed:
        loaded = params.load_source()
        changed = select_changed(loaded, client).workflows
        same = [one for one in loaded.workflows if one not in changed]
        ids = {one.find_id(address.env) for one in same}
        kept = [one for one in kept if canonical_id(one.id) not in ids]
    return [one.id for one in kept]


def _find_deployed(
    client: Client,
    address: SourceAddress,
    selection: Selection,
    known: Iterable[LiveWorkflow],
) -> Iterator[str]:
    """The ids of the workflows of a source that are deployed.

    Raises:
        SourceError: None is.
    """
    env = str(client.env)
    live = {canonical_id(one.id) for one in known}
    loaded = params.load_source(address, env, selection=selection)
    ids = {one.name: canonical_id(one.workflow.id(env)) for one in loaded.workflows}
    missing = [name for name, workflow_id in ids.items() if workflow_id not in live]
    if missing:
        names = join_first(missing, MOST_NAMES)
        if len(missing) == len(ids):
            raise SourceError(f"not deployed to {env}: {names}")
        print_message(f"not deployed to {env}, so not pulled: {names}")
    yield from (workflow_id for workflow_id in ids.values() if workflow_id in live)


def find_known_values(environment: Environment) -> Sequence[Known]:
    """Return all values of an environment, since any of them may be live.

    Raises:
        SourceError: A variable is not set, so that its secret cannot be recognised.
    """
    known: list[Known] = []
    unset: list[str] = []
    for name, given in environment.values.items():
        try:
            content = environment.bound[name]
        except ConfigError:
            unset.append(name)
        else:
            known.append(Known(name, content, [*_from_variables(given, content)]))
    if unset:
        variables = ", ".join(
            f"{name} ({', '.join(environment.variables(name))})" for name in unset
        )
        problem = (
            f"values come from variables that are not set: {variables}; set them, "
            "since otherwise their secrets could be saved without being recognised"
        )
        raise SourceError(f"{environment.name}: {problem}")
    return known


def _from_variables(given: Any, content: Any) -> Iterator[str]:
    """The texts of a value that come from variables."""
    found = dict(walk(content))
    return (found[path] for path, one in walk(given) if isinstance(one, Reference))


def _require_free(folder: Path, files: Sequence[str]) -> None:
    """Refuse to replace existing files.

    Raises:
        FlowError: A file exists. Nothing was written.
    """
    existing = [file for file in files if os.path.lexists(folder / file)]
    if existing:
        others = len(existing) - 1
        more = f", with {pluralize(others, 'other file')}" if others else ""
        raise FlowError(
            f"{folder / existing[0]} was not written: it is there already{more}",
            option="add --overwrite to replace files",
        )


def _print_notes(pull: Pull, folder: Path) -> None:
    count = len(pull.workflows)
    print_message(f"{pluralize(count, 'workflow')} of {pull.env} written")
    paths = {one.file: relative_path(folder / one.file) for one in pull.workflows}
    notes = [
        (paths[one.file], note) for one in pull.workflows for note in _describe(one)
    ]
    for line in _group_by_note(notes):
        print_message(line)
    for other in pull.refused:
        print_error(f"{other.id} ({other.name}) was not pulled: {other.problem}")


def _describe(one: PulledWorkflow) -> Iterator[str]:
    if one.stamped:
        yield f"deployed by the code of {project_path(one.stamped)}"
    if one.accepted:
        yield f"{MANIFEST} allows what is stored there: {', '.join(one.accepted)}"
    if one.values:
        yield f"texts that equal values are values now: {', '.join(one.values)}"


def _group_by_note(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each note once, after its files."""
    groups: dict[str, list[str]] = {}
    for path, note in notes:
        groups.setdefault(note, []).append(path)
    for note, paths in groups.items():
        shown = join_first(paths, MOST_FILES)
        files = shown if len(paths) == 1 else f"{len(paths)} files ({shown})"
        yield f"{files}: {note}"


def _to_data(pull: Pull, folder: Path) -> dict[str, Any]:
    return {
        "env": pull.env,
        "folder": str(folder),
        "workflows": [
            {
                "file": one.file,
                "workflow_id": one.id,
                "name": one.name,
                "stamp": one.stamped,
                "allow": [*one.accepted],
                "values": [*one.values],
            }
            for one in pull.workflows
        ],
        "refused": [
            {"workflow_id": one.id, "name": one.name, "problem": one.problem}
            for one in pull.refused
        ],
    }
