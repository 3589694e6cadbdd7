"""`flow64 pull`: save live workflows as a folder of JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from .. import loading, manifest
from ..definition import walk
from ..environments import Environment, Reference
from ..errors import ConfigError, FlowError, SourceError
from ..loading import pull
from ..text import join_names
from . import params, printing
from .errors import FAILED
from .service import connect


@frozen
class PulledFolder:
    """The live workflows that were saved in a folder, and those that were not."""

    env: str
    folder: Path
    workflows: Sequence[Mapping[str, Any]]
    refused: Sequence[pull.RefusedWorkflow]

    def __rich__(self) -> str:
        files = (self.folder / workflow["file"] for workflow in self.workflows)
        return "\n".join(map(printing.name_file, files))


@params.command(
    "pull",
    "flow64 pull prod -o live",
    "flow64 pull prod:leads/us -o live",
    "flow64 pull prod --select 'leads/*' -o live",
    "flow64 pull 2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21 -o live",
)
@click.argument("address", required=False)
@params.selection
@params.output(
    "FOLDER",
    "The folder for one JSON file for each workflow, and flow64.json.",
    dash=False,
    required=True,
)
@params.overwrite
@params.env
@params.as_json
def command(
    *,
    address: str | None,
    selection: loading.Selection,
    output: Path,
    overwrite: bool,
    env: str | None,
) -> int:
    """Save live workflows as JSON. Only reads are sent.

    ADDRESS is live: ENV, ENV:KEY or ENV:UUID; a key alone is that of a live workflow
    of --env. Without it, all workflows of the environment are saved.

    Check, diff, plan and deploy then take FOLDER like code. Each workflow is pinned to
    its id there, and later edits there are drift. A text that equals a value of the
    environment becomes that value. A workflow with another text that looks like a key
    is not saved: its place is printed.
    """
    live = _parse(address, env)
    environment = params.find_environment(live.env)
    known_values = find_known_values(environment)
    before = manifest.read_manifest(output / manifest.MANIFEST) or manifest.Manifest()
    with connect(live.env) as client:
        if live.is_env and not selection:
            workflows = loading.read_live(client)
        else:
            workflows = loading.fetch_live(client, live, selection)
    catalogue = loading.find_saved_catalogue()
    workflows = [evolve(workflow, listed=catalogue) for workflow in workflows]
    pulled = pull.make_pull(workflows, environment.key, before, known_values)
    files = [output / workflow.file for workflow in pulled.workflows]
    there = [str(file) for file in files if os.path.lexists(file)]
    if there and not overwrite:
        names = join_names(there, 3)
        problem = f"nothing was written: there already: {names}"
        raise FlowError(problem, option="add --overwrite to replace files")
    if pulled.workflows:
        texts = pulled.texts(before, [path.name for path in output.glob("*.json")])
        # It is unknown which texts are secret in the workflows of other people.
        manifest.write_all(output, texts, is_private=True)
    facts = ("file", "id", "name", "values")
    saved = [{fact: getattr(w, fact) for fact in facts} for w in pulled.workflows]
    result = PulledFolder(live.env, output, saved, pulled.refused)
    printing.emit(result)
    for workflow in pulled.workflows:
        if workflow.values:
            names = ", ".join(workflow.values)
            printing.message(f"{workflow.file}: written by name, as values: {names}")
    for refused in pulled.refused:
        problem = f"{refused.id} ({refused.name}) was not pulled: {refused.problem}"
        printing.error(problem)
    return FAILED if pulled.refused else 0


def _parse(text: str | None, env: str | None) -> loading.LiveAddress:
    """Parse an address. Without one, it is the environment."""
    if text is None:
        name = params.find_environment(env).name
        return loading.LiveAddress(name, name)
    address = loading.parse_address(text.removeprefix(":"), env, prefers_live=True)
    if not isinstance(address, loading.LiveAddress):
        problem = f"{text} is code or a file, and pull saves what is live"
        raise click.UsageError(f"{problem}: name it by ENV:KEY")
    params.refuse_other_env(address, env)
    return address


def find_known_values(environment: Environment) -> Sequence[pull.KnownValue]:
    """Return all values of an environment, since any of them may be live.

    Raises:
        SourceError: A variable is not set, so that its secret cannot be recognised.
    """
    known_values: list[pull.KnownValue] = []
    unset: list[str] = []
    for name, setting in environment.values.items():
        try:
            content = environment.bound[name]
        except ConfigError:
            unset += environment.variables(name)
            continue
        texts = dict(walk(content))
        secrets = [texts[p] for p, item in walk(setting) if isinstance(item, Reference)]
        known_values.append(pull.KnownValue(name, content, secrets))
    if unset:
        problem = f"set {', '.join(unset)} first, since otherwise their secrets could "
        raise SourceError(f"{problem}be saved without being recognised")
    return known_values
