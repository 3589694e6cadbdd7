"""Making a plan from a source and an environment."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..client import Client
from ..definition import (
    MAX_BYTES,
    BoundSecret,
    Definition,
    add_suffix,
    bind,
    secret_values,
)
from ..deploy import (
    PLACE_NAME,
    Git,
    History,
    Looked,
    bases_of,
    make_plan,
    require_namespace,
    target_of,
)
from ..diagnostics import summary
from ..environments import Environment, Settings
from ..environments import load as load_settings
from ..errors import (
    CompileError,
    DeployError,
    FlowError,
    HistoryError,
)
from ..loading import (
    EVERYTHING,
    Loaded,
    Selection,
    files_below,
    select_set_values,
    split_source,
)
from ..manifest import MANIFEST
from ..plan import Plan, Target
from ..text import join_first
from ..workflow import Workflow
from ._error_messages import describe_error, suggest_option
from ._options import OPTIONS
from ._params import read_values, repeat_options
from ._terminal import print_advice, print_error, print_message

MOST_FILES: Final = 5_000
"""Maximum JSON files to search for the last deployed version."""

DEPTH: Final = 3
"""Maximum depth of folders to search."""

OFTEN: Final = 100
"""Progress is printed each time that so many workflows were read."""


@frozen
class CommandEnvironment:
    """The environment of a command, with the settings of the project.

    Attributes:
        values: The values of `--values`, else those of the environment.
    """

    settings: Settings
    environment: Environment
    values: Mapping[str, Any] = field(repr=False)

    @property
    def env(self) -> str:
        """Its name."""
        return self.environment.name

    @property
    def history(self) -> History:
        """The history, in which replaced workflows are saved."""
        return open_history(self.settings)

    @property
    def secrets(self) -> Sequence[BoundSecret]:
        """The secrets of live workflows: values that come from variables."""
        environment = self.environment
        found = [*secret_values(self.values, environment.hidden)]
        # With --values, the configured values may still be live.
        for item in secret_values(environment.bound, environment.hidden):
            found += [] if item in found else [item]
        return found

    @property
    def organisation(self) -> str | None:
        """The organisation that the environment requires; None for any."""
        org_id = self.environment.org_id
        return None if org_id is None else self.environment.text("org_id", org_id)


@frozen
class Faulty:
    """A workflow that cannot be planned."""

    name: str
    error: FlowError


def deploy_command(
    place: CommandEnvironment,
    source: str | None,
    values: Path | None = None,
    *,
    plan: Path | None = None,
    selection: Selection = EVERYTHING,
    no_code: bool = False,
) -> str:
    """Return the command that deploys a source as this one was planned."""
    words = ["flow64", "deploy", *([] if source is None else [source])]
    words += ["--env", place.env] if plan is None else ["--plan", str(plan)]
    words += repeat_options(selection, values, no_code=no_code)
    return shlex.join(words)


def find_place(env: str | None, values: Path | None) -> CommandEnvironment:
    """Find the environment of a command.

    Raises:
        SettingsError: pyproject.toml has mistakes.
        UnknownEnvironmentError: The name is unknown, or several environments are
            configured and none was named.
        click.UsageError: The file of `--values` is not a JSON object.
    """
    given = read_values(values)
    settings = load_settings()
    environment = settings.environment(env)
    return CommandEnvironment(
        settings, environment, environment.bound if given is None else given
    )


def open_history(settings: Settings) -> History:
    """Return the history that `FLOW64_HISTORY` or the settings name."""
    return History.of(None if os.environ.get(PLACE_NAME) else settings.history)


def make_targets(
    loaded: Loaded, place: CommandEnvironment, client: Client, git: Git
) -> tuple[Sequence[Target], Sequence[Faulty]]:
    """Return the target of each workflow, and the workflows with errors."""
    targets: list[Target] = []
    faults: list[Faulty] = []
    for one in loaded.workflows:
        try:
            target = target_of(
                one.workflow,
                place.env,
                place.values,
                suffix=place.environment.suffix,
                git=git,
                key=one.name,
                pulled=one.stamp_in(place.env),
            )
            require_namespace(
                target, target.name, client.endpoint, is_local=client.is_local
            )
        except (CompileError, DeployError) as error:
            faults.append(Faulty(one.name, error))
        else:
            targets.append(target)
    return targets, faults


def plan_workflows(
    client: Client,
    place: CommandEnvironment,
    loaded: Loaded,
    *,
    create: Sequence[str] = (),
    prune: bool = False,
) -> Plan | Sequence[Faulty]:
    """Plan a deploy. Only reads are sent.

    If workflows have errors, these are returned, and no plan is made.
    """
    git = Git()
    targets, faults = make_targets(loaded, place, client, git)
    if faults:
        return faults
    left_out = _list_left_out(loaded, place.env)
    is_apart = left_out is None and not loaded.is_whole
    return make_plan(
        client.session,
        targets,
        env=place.env,
        endpoint=client.place,
        projects=None if is_apart else loaded.projects,
        left_out=left_out,
        create=create,
        branches=place.environment.branches,
        prune=prune,
        prices=place.settings.prices,
        git=git,
        bases=_make_base_finder(targets, loaded, place),
        secrets=place.secrets,
        emit=_print_progress,
    )


def _print_progress(event: Looked) -> None:
    if event.done % OFTEN == 0:
        print_message(f"looked at {event.done:,} of {event.total:,}")


def _list_left_out(loaded: Loaded, env: str) -> Sequence[str] | None:
    """Return the ids of the workflows that were not picked from a whole project."""
    if not (loaded.is_picked and loaded.is_of_whole):
        return None
    return [found for one in loaded.left_out if (found := one.find_id(env))]


def find_warnings(loaded: Loaded, place: CommandEnvironment) -> Sequence[Faulty]:
    """Return the workflows that `flow64 check --strict` fails for, with the reasons."""
    values = select_set_values(place.values)
    found: list[Faulty] = []
    for one in loaded.workflows:
        checked = one.workflow.check(place.env, values)
        reasons = [each for each in checked if each.severity != "note"]
        if reasons:
            found.append(Faulty(one.name, CompileError(one.workflow.name, reasons)))
    return found


def print_faults(faults: Sequence[Faulty]) -> None:
    """Print the errors of workflows; the same errors of variants once."""
    alike: dict[str, list[Faulty]] = {}
    for fault in faults:
        OPTIONS.faults.append((fault.name, fault.error))
        # The title of a workflow is in the first line.
        first, _, found = describe_error(fault.error).partition("\n")
        alike.setdefault(found or first, []).append(fault)
    for found, same in alike.items():
        error = same[0].error
        text = describe_error(error)
        if len(same) > 1 and isinstance(error, CompileError):
            text = f"{summary(error.findings)} each\n{found}"
        names = join_first([fault.name for fault in same], _MOST_NAMES)
        print_error(f"{names}: {text}")
        if advice := suggest_option(error):
            print_advice(advice)


_MOST_NAMES: Final = 8
"""The most workflows with the same errors that are named."""


# -- The last deployed version --------------------------------------------------------


def _make_base_finder(
    targets: Sequence[Target], loaded: Loaded, place: CommandEnvironment
) -> Callable[[str], Definition | None]:
    """Return a function that finds a deployed definition by its fingerprint.

    The code is searched first: it may not have changed since the deploy. JSON files and
    the history are only read if the definition is not there, as after an edit on the
    service.
    """
    find_in_code = bases_of(target.definition for target in targets)

    @cache
    def read_files() -> Callable[[str], Definition | None]:
        files = _json_definitions(loaded, place)
        return bases_of([*files, *_replaced_definitions(place)])

    return lambda mark: find_in_code(mark) or read_files()(mark)


def _json_definitions(
    loaded: Loaded, place: CommandEnvironment
) -> Iterator[Definition]:
    """The definitions in JSON files near the source, such as committed ones."""
    for path in islice(_json_files(loaded, place), MOST_FILES):
        with suppress(FlowError, OSError):
            yield _read_definition(path.read_bytes(), str(path), place)


def _read_definition(
    content: bytes, source: str, place: CommandEnvironment
) -> Definition:
    """Return the definition of JSON, as it is deployed to the environment.

    Raises:
        FlowError: The JSON is not a workflow that can be deployed there.
    """
    definition = Workflow.from_json(content, source=source).compile(
        place.env, place.values
    )
    return add_suffix(definition, place.environment.suffix)


def _list_roots(loaded: Loaded, place: CommandEnvironment) -> Sequence[Path]:
    """Return the folder of the source, and that of the project."""
    source = Path(split_source(loaded.source)[0])
    roots = [source if source.is_dir() else source.parent]
    if place.settings.file is not None:
        roots.append(place.settings.folder)
    return roots


def _json_files(loaded: Loaded, place: CommandEnvironment) -> Iterator[Path]:
    """The JSON files below the folder of the source, and that of the project."""
    seen: set[Path] = set()
    for root in _list_roots(loaded, place):
        with suppress(FlowError, OSError):
            for path in files_below(root, ".json", DEPTH):
                is_apart = path.is_symlink() or path.name == MANIFEST
                if path.resolve() not in seen and not is_apart and _is_small(path):
                    seen.add(path.resolve())
                    yield path


def _is_small(path: Path) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size <= MAX_BYTES
    return False


def _replaced_definitions(place: CommandEnvironment) -> Iterator[Definition]:
    """The definitions in the history, with the current secrets filled in."""
    with suppress(HistoryError):
        for saved in place.history.entries(env=place.env):
            with suppress(FlowError):
                yield bind(saved.definition, place.values, [])
