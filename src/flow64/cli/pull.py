"""`flow64 pull`: save live workflows as a folder of JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import evolve

from ..client import Client
from ..definition import Definition, canonical_id, unbound_names, walk
from ..environments import Environment, Reference
from ..errors import ConfigError, FlowError, PullError
from ..files import relative_path
from ..loading import (
    Address,
    AddressError,
    LiveAddress,
    LiveWorkflow,
    Selection,
    SourceAddress,
    describe_unknown,
    find_saved_catalogue,
    is_glob,
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
    ReplacedText,
    fetch_workflows,
    make_pull,
    read_manifest,
    read_workflow,
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
    its id there, and later edits there are drift. A text that looks like a key becomes
    a value: it is not saved, and the value is listed for you to set. A text that equals
    a value of the environment, or of the file of --values, becomes that value.
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
    mine = {str(one.id).lower() for one in found}
    names = _list_used_names(output, before, name, mine)
    pull = make_pull(
        found, name, before, names, known, suffix=find_environment(env).suffix
    )
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
) -> Iterator[Definition]:
    """The live workflows that an address and a selection mean, as they are read.

    Raises:
        click.UsageError: The address means all, and neither `--all` nor a selection was
            given.
        AddressError: A pattern matches nothing.
        PullError: There is no such workflow.
    """
    if isinstance(address, LiveAddress) and address.is_env:
        if not (is_all or selection):
            advice = "say --all, or name one: flow64 list shows all"
            raise click.UsageError(f"{address.env} is an environment; {advice}")
        if not selection:
            yield from fetch_workflows(client.session)
            return
    if isinstance(address, LiveAddress) and address.id is not None:
        yield from fetch_workflows(client.session, address.id)
        return
    known = list_live(client)
    if isinstance(address, SourceAddress):
        ids = [*_find_deployed(client, address, selection, known)]
    else:
        chosen = known
        if address.key is not None:
            try:
                chosen = match_live(known, address)
            except AddressError as error:
                if is_glob(address.key):
                    raise
                yield from _fetch_by_title(client, address, known, error)
                return
        ids = [*_select_live(client, address, selection, chosen)]
    for workflow_id in ids:
        yield from fetch_workflows(client.session, workflow_id)


def _fetch_by_title(
    client: Client,
    address: LiveAddress,
    known: Sequence[LiveWorkflow],
    no_key: AddressError,
) -> Sequence[Definition]:
    """Read the one live workflow with a title.

    Args:
        client: Sends the reads.
        address: The address, with the title in place of a key.
        known: All live workflows.
        no_key: The error if it is read as a key.

    Raises:
        AddressError: There is none.
        PullError: There are several.
    """
    try:
        return fetch_workflows(client.session, address.key)
    except PullError as error:
        if address.key in {one.title for one in known}:
            raise
        keys = [one.key for one in select_ours(known, address.env) if one.key]
        if any(address.key in (key, key.partition("/")[0]) for key in keys):
            raise no_key from error  # several have it
        if address.text == address.key:  # it may have been meant as anything
            raise AddressError(describe_unknown(address.text, keys)) from error
        raise (no_key if keys else AddressError(str(error))) from error


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
        PullError: None is.
    """
    env = str(client.env)
    live = {canonical_id(one.id) for one in known}
    loaded = params.load_source(address, env, selection=selection)
    ids = {one.name: canonical_id(one.workflow.id(env)) for one in loaded.workflows}
    missing = [name for name, workflow_id in ids.items() if workflow_id not in live]
    if missing:
        names = join_first(missing, MOST_NAMES)
        if len(missing) == len(ids):
            raise PullError(address.text, f"not deployed to {env}: {names}")
        print_message(f"not deployed to {env}, so not pulled: {names}")
    yield from (workflow_id for workflow_id in ids.values() if workflow_id in live)


def find_known_values(environment: Environment) -> Sequence[Known]:
    """Return all values of an environment, since any of them may be live.

    Raises:
        PullError: A variable is not set, so that its secret cannot be recognised.
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
        raise PullError(environment.name, problem)
    return known


def _from_variables(given: Any, content: Any) -> Iterator[str]:
    """The texts of a value that come from variables."""
    found = dict(walk(content))
    return (found[path] for path, one in walk(given) if isinstance(one, Reference))


def _list_used_names(
    folder: Path, before: Manifest, env: str, mine: set[str]
) -> Iterator[str]:
    """The names of values in files that are not written now."""
    for file, entry in before.files.items():
        if (entry.pins.get(env) or "").lower() in mine:
            continue
        try:
            read = read_workflow(folder, before, file).workflow
            yield from unbound_names(read.compile())
        except FlowError:  # a check reports it
            continue


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
        *((paths[one.file], _describe_owner(one.stamped)) for one in pull.workflows),
        *((paths[one.file], _describe_allowed(one)) for one in pull.workflows),
    ]
    for line in _group_by_note(notes):
        print_message(line)
    doubts = [(paths[one.file], _DOUBT) for one in pull.workflows if one.may_tell]
    for line in _group_by_note(doubts):
        print_error(line)
    _print_values(
        f"texts that equal values of {pull.env} are values now:", pull.known, paths
    )
    _print_values(
        "texts that looked like keys are values now; set these:", pull.unset, paths
    )
    if lines := pull.setting_lines:
        print_message("in pyproject.toml, each from a variable:")
        print_message("\n".join(f"  {line}" for line in lines))
    for other in pull.refused:
        print_error(f"{other.id} ({other.name}) was not pulled: {other.problem}")


LOOK_FOR_SECRETS: Final = (
    "values of the code were not found, or the workflow was edited: look for secrets "
    "before you share it"
)
_DOUBT: Final = (
    f"{LOOK_FOR_SECRETS}, or pull again with --overwrite and --values FILE, the values "
    "that it was deployed with"
)


def _describe_owner(stamped: str | None) -> str:
    """Describe the project that deployed a workflow; empty if none did."""
    return f"deployed by the code of {project_path(stamped)}" if stamped else ""


def _describe_allowed(one: PulledWorkflow) -> str:
    codes = ", ".join(one.accepted)
    return f"{MANIFEST} allows what is stored there: {codes}" if codes else ""


def _group_by_note(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each note once, after its files."""
    groups: dict[str, list[str]] = {}
    for path, note in notes:
        groups.setdefault(note, []).append(path)
    groups.pop("", None)
    for note, paths in groups.items():
        yield f"{_join_paths(paths)}: {note}"


def _join_paths(paths: Sequence[str]) -> str:
    shown = join_first(paths, MOST_FILES)
    return shown if len(paths) == 1 else f"{len(paths)} files ({shown})"


def _print_values(
    head: str, found: Sequence[ReplacedText], paths: Mapping[str, str]
) -> None:
    """Print values, each once for the same place in several files."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in found:
        groups.setdefault((one.name, one.where), []).append(paths[one.file])
    if groups:
        print_message(head)
    for (name, where), files in groups.items():
        print_message(f"  {name}: {_join_paths(files)}, {where}")


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
                "values": [
                    {"name": value.name, "where": value.where, "is_set": value.is_set}
                    for value in one.values
                ],
            }
            for one in pull.workflows
        ],
        "refused": [
            {"workflow_id": one.id, "name": one.name, "problem": one.problem}
            for one in pull.refused
        ],
        "settings": [*pull.setting_lines],
    }
