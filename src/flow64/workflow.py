"""Workflows: the objects that people compile, check, deploy and run."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import signature
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Never,
    ParamSpec,
    TypeVar,
    Unpack,
)

from attrs import evolve, field, frozen

from .analysis.check import describe_wrong_rule, errors, findings
from .compiler import Identity, Lowered, lower
from .definition.freezing import EMPTY, Problem
from .definition.ids import DEFAULT_ENV, ProjectKey, Tag
from .definition.model import Definition, dumps, fingerprint
from .definition.reading import loads
from .definition.secrets import bind
from .diagnostics import Finding, Findings, Place, by_severity
from .dsl import Flow, Start, as_flow
from .errors import BuildError, compile_error, require_type
from .schedules import Schedule, find_faults
from .text import did_you_mean, shortened

if TYPE_CHECKING:
    from .analysis.check import RuleSetting
    from .analysis.live import LiveCatalogue
    from .client import Batch, Client, Run
    from .client.client import BatchOptions, RunOptions
    from .deploy.plan import Plan, Step
    from .diff.compare import Comparison
    from .diff.facts import Facts
    from .runs.payload import Rows


P = ParamSpec("P")
T = TypeVar("T")


def without_collector(function: Callable[P, T]) -> Callable[P, T]:
    """Keep the garbage collector from running during a call.

    What a compile makes is no garbage, and the collector would go through all of it
    again and again: a workflow of 100,000 blocks took half as long again.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return call


@frozen(init=False, repr=False, eq=False)
class Workflow:
    """A keyed flow, which is compiled, checked, deployed and run.

    Args:
        name: The title that people see.
        flow: Begins at a source.
        *more: Further flows of the same graph: a block that stands in several is one.
        key: Name inside its project, from which its id is made; by default a slug of
            the title, so that renaming the title makes another workflow.
        was: The key it had before, which keeps its ids: `leads`, or `leads/us` and
            `leads/region=us/size=big` for a workflow that was a variant.
        id: Pins it to an imported workflow in the environment `default`.
        pins: Imported ids: `{"workflow": {environment: id}, "blocks": {key path: id}}`.
        project: The owner of its ids. Without one it deploys to loopback only.
        description: What it is for; a deploy adds one line, the stamp.
        schedules: When the service runs it by itself. Each of these runs is paid for.
    """

    # Known to `>>`, which has an error of its own for a whole workflow.
    _join_advice: ClassVar[str] = (
        "it is a whole workflow: let a function return the flow, and use it in both"
    )

    identity: Identity
    flows: tuple[Flow[Any, Any], ...]
    _read: Definition | None = field(alias="read")
    _listed: LiveCatalogue | None = field(default=None, alias="listed")
    _rules: Mapping[str, RuleSetting] = field(default=EMPTY, alias="rules")
    _schedules: tuple[Schedule, ...] = field(default=(), alias="schedules")

    def __init__(
        self,
        name: str,
        flow: Flow[Start, Any],
        *more: Flow[Never, Any],
        key: str | None = None,
        was: str | None = None,
        id: str | None = None,
        pins: Mapping[str, Mapping[str, str]] | None = None,
        project: ProjectKey | None = None,
        description: str = "",
        schedules: Iterable[Schedule] = (),
        **unknown: Never,
    ) -> None:
        for word in unknown:
            near = did_you_mean(word, signature(Workflow).parameters)
            raise BuildError(f"Workflow has no argument {word!r}{near}")
        hint = 'write Project("growth", namespace="your-domain.example")'
        require_type("Workflow: project", project, ProjectKey | None, hint)
        planned = tuple(schedules) if isinstance(schedules, Iterable) else (schedules,)
        for schedule in planned:
            hint = 'write schedules=[Schedule("weekdays", "0 9 * * 1-5")]'
            require_type("Workflow: a schedule", schedule, Schedule, hint)
        hint = 'write pins={"workflow": {"prod": ID}, "blocks": {"find_email": ID}}'
        require_type("Workflow: pins", pins, Mapping | None, hint)
        for ids in (pins or {}).values():
            require_type("Workflow: pins", ids, Mapping, hint)
        caller = sys._getframe(1)
        place = Place(caller.f_code.co_filename, caller.f_lineno)
        copies = {part: dict(ids) for part, ids in (pins or {}).items()}
        identity = Identity(name, description, key, was, project, (), id, copies, place)
        flows = (as_flow(flow), *map(as_flow, more))
        self.__attrs_init__(identity, flows, None, schedules=planned)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "<text>") -> Workflow:
        """A workflow from JSON: a create or update body, or an answer of the service.

        Args:
            text: The JSON text.
            source: Name of the text in errors, for example its file name.

        Raises:
            ReadError: The text is not a workflow; the error says where.
        """
        require_type("from_json: text", text, str | bytes, "write path.read_bytes()")
        return cls.from_definition(loads(text, source=source))

    @classmethod
    def from_definition(
        cls, definition: Definition, identity: Identity | None = None
    ) -> Workflow:
        """Return the workflow of a definition.

        Args:
            definition: The definition, with unbound values.
            identity: Its key, project and pins, which give its id in each environment.
                By default it has the id of the definition in all environments.
        """
        if identity is None:
            name, description = definition.name, definition.description
            identity = Identity(name, description, id=definition.id)
        workflow = cls.__new__(cls)
        texts = (definition.schedules or EMPTY).items()
        planned = tuple(Schedule.from_text(*item) for item in texts)
        workflow.__attrs_init__(identity, (), definition, schedules=planned)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs
        return workflow

    @property
    def name(self) -> str:
        """The title."""
        return self.identity.name

    @property
    def key(self) -> str:
        """The key, given or derived from the title."""
        return self.identity.shown_key

    @property
    def project(self) -> ProjectKey | None:
        """The owner of its ids."""
        return self.identity.project

    @property
    def file(self) -> str | None:
        """The file of its code; None if it was read from JSON."""
        return self.identity.place.file if self.identity.place else None

    def id(self, env: str = DEFAULT_ENV) -> str:
        """Return the workflow's id in an environment.

        Raises:
            CompileError: A key or the pin is faulty, so that it has no id.
        """
        if self._read is not None and self.identity.key is None:
            return str(self._read.id)
        findings = self.identity.findings(env)
        if faults := [item for item in findings if item.code != "invalid-name"]:
            # Others with such a fault would have the same id.
            raise compile_error(self.name, faults)
        return self.identity.id_and_path(env)[0]

    def fingerprint(self) -> str:
        """SHA-256 of what the workflow means, the same in every environment."""
        return fingerprint(self.lower().definition)

    def with_blocks(self, blocks: LiveCatalogue) -> Workflow:
        """Return the workflow, judged by the service's own list of blocks.

        The list of its project comes first, if that has one.
        """
        from .analysis.live import as_catalogue  # few projects have a list

        return self._with(listed=as_catalogue(blocks, "with_blocks"))

    def with_rules(self, rules: Mapping[str, RuleSetting]) -> Workflow:
        """Return the workflow with other severities for its findings.

        `check()` goes by them, and a plan for the findings that appear. A compile does
        not: it refuses what the service is documented to refuse, and nothing else.

        Args:
            rules: `error`, `warning`, `note` or `ignore` by code, as in
                `[tool.flow64.rules]`. They are added to those that it has.

        Raises:
            BuildError: A code or a severity is unknown, or an error would be less
                than an error.
        """
        for code, setting in rules.items():
            if problem := describe_wrong_rule(code, setting):
                raise BuildError(f"with_rules: {shortened(code)} {problem}")
        return self._with(rules={**self._rules, **rules})

    def varied(
        self, segments: Sequence[tuple[Tag, str]], was: str | None = None
    ) -> Workflow:
        """Return the workflow as a variant, with further segments in its path.

        Args:
            segments: Axes and variants.
            was: The path below the project that it had before, if it was another one.
        """
        return self._with(identity=self.identity.varied(segments, was))

    def lower(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Lowered:
        """Return as much of the definition as can be made, with its findings."""
        env, identity = DEFAULT_ENV if env is None else env, self.identity
        if self._read is None:
            allowed = getattr(identity.project, "allow", ())
            lowered = lower(self.flows, identity, env, allowed)
        elif identity.key is None:
            lowered = Lowered(self._read)
        else:
            workflow_id, path = identity.id_and_path(env)
            place = self._read.place or identity.place
            named = evolve(self._read, id=workflow_id, path=path, place=place)
            named = evolve(named, present=identity.present)
            lowered = Lowered(named, identity.findings(env))
        listed = getattr(identity.project, "blocks", None) or self._listed
        if listed is not None or self._rules:
            definition = evolve(lowered.definition, listed=listed, rules=self._rules)
            lowered = Lowered(definition, lowered.findings)
        if self._schedules:
            definition, faults = lowered
            problems = [*find_faults(self._schedules, identity.place)]
            if not problems:
                texts = {schedule.name: schedule.text for schedule in self._schedules}
                definition = evolve(definition, schedules=texts)
            lowered = Lowered(definition, [*faults, *problems])
        return lowered if values is None else _bind(lowered, values)

    @without_collector
    def compile(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Definition:
        """Compile the workflow to its definition.

        Args:
            env: The environment of its id; None for `default`.
            values: The content of each `value("name")`. Names without an entry stay
                unbound.

        Raises:
            CompileError: The workflow has errors. All of them are in it.
        """
        return _require_sound(self.lower(env, values))

    @without_collector
    def to_json(
        self,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        indent: int | None = 2,
    ) -> str:
        """Return the create body as canonical JSON. Secrets are only named.

        Args:
            env: The environment of its id; None for `default`.
            values: The content of each `value("name")`.
            indent: Spaces a level; None writes it compact.

        Raises:
            CompileError: The workflow has errors.
        """
        return dumps(self.compile(env, values), indent=indent)

    @without_collector
    def check(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Findings:
        """Return all errors, warnings and notes, and never raise for them.

        Args:
            env: The environment of its id; None for `default`.
            values: The content of each `value("name")`.
        """
        definition, faults = self.lower(env, values)
        place = definition.place
        placed = [evolve(fault, place=fault.place or place) for fault in faults]
        return by_severity([*placed, *findings(definition)])

    def facts(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Facts:
        """Return what a reviewer cares about, as values by path: `("cost",)`.

        Args:
            env: The environment of its id; None for `default`.
            values: The content of each `value("name")`.
        """
        from .diff.facts import flatten  # only needed for a review

        return flatten(self.lower(env, values).definition).facts

    def deploy(
        self,
        client: Client | None = None,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        force: bool = False,
        create: bool = False,
        allow_spend: bool = False,
    ) -> Step:
        """Plan and apply this workflow. Nothing is sent if nothing has changed.

        Args:
            client: The client. None makes one from the environment variables.
            env: The environment to deploy to; by default that of the client, then
                `default`.
            values: The content of each `value("name")` there.
            force: Overwrite a workflow that was edited on the service, that newer code
                deployed, or that this code did not deploy.
            create: Create a workflow although it may be one that was renamed.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            CompileError: The workflow has errors.
            DeployError: It was refused before anything was written.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the outcome is unknown.
        """
        from .client import choose_client  # loads httpx

        return choose_client("deploy", client).deploy(
            self,
            env=env,
            values=values,
            force=force,
            create=create,
            allow_spend=allow_spend,
        )

    def plan(
        self,
        client: Client | None = None,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Say what a deploy would do now. Nothing is written.

        Args:
            client: The client. None makes one from the environment variables.
            env: The environment, as for `deploy`.
            values: The content of each `value("name")` there.

        Raises:
            CompileError: The workflow has errors.
            DeployError: It cannot be deployed there at all.
            ApiError: The service refused to answer.
        """
        from .client import choose_client  # loads httpx

        return choose_client("plan", client).plan(self, env=env, values=values)

    def run(
        self,
        rows: Rows = (),
        client: Client | None = None,
        **options: Unpack[RunOptions],
    ) -> Run:
        """Start a run, once for each intent; `Client.run` explains the options.

        Without an intent, the same definition and rows are the same intent.

        Args:
            rows: The rows for a webhook source: a list or any iterable of mappings, or
                the path of a CSV, JSON or NDJSON file. Other sources take none, nor
                does a webhook that is to run its `webhook_input`.
            client: The client. None makes one from the environment variables.
            **options: `env`, `intent`, `new`, `retry`, `attach`, `new_since`, `by`,
                `values`, `max_rows`, `max_cost`, `specs_override`, `result_formats`.

        Raises:
            RunError: It was refused before anything was sent.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the outcome is unknown.
        """
        from .client import choose_client  # loads httpx

        return choose_client("run", client).run(self, rows, **options)

    def run_batches(
        self, rows: Rows, client: Client | None = None, **options: Unpack[BatchOptions]
    ) -> Iterator[Batch[Run]]:
        """Run an input of any length in batches; see `Client.run_batches`.

        Args:
            rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file.
            client: The client. None makes one from the environment variables.
            **options: `intent`, `size`, `concurrency`, `retry_failed`, `env`,
                `values`, `max_rows`, `max_cost`, `every`, `timeout`.

        Raises:
            RowsError: Rows cannot be sent.
            BudgetError: The whole input may exceed a limit.
            FlowError: A batch was not started. It is raised after those before it.
        """
        from .client import choose_client  # loads httpx

        own = choose_client("run_batches", client)
        return own.run_batches(self, rows, **options)

    def to_mermaid(self) -> str:
        """Return the graph as Mermaid text."""
        from .report import graph

        return graph.draw_mermaid(graph.graph_of(self.lower().definition))

    def to_text(self) -> str:
        """Return the graph as a text tree with row kinds and columns."""
        from .report import graph  # only needed for a picture

        return graph.draw_text(self.lower().definition)

    def to_svg(self) -> str:
        """Return the graph as an SVG picture, for light and dark backgrounds."""
        from .report import graph, writers  # only needed for a picture

        return writers.draw_svg(graph.graph_of(self.lower().definition))

    def __repr__(self) -> str:
        project = f", project={self.project.key!r}" if self.project else ""
        return f"Workflow({self.name!r}, key={self.key!r}{project})"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        """Return a picture and texts for notebooks, without a web service."""
        return {
            "image/svg+xml": self.to_svg(),
            "text/vnd.mermaid": self.to_mermaid(),
            "text/plain": self.to_text(),
        }

    def _with(self, **changes: Any) -> Workflow:
        facts = {name.lstrip("_"): getattr(self, name) for name in _FACTS}
        workflow = type(self).__new__(type(self))
        workflow.__attrs_init__(**{**facts, **changes})  # pyright: ignore[reportAttributeAccessIssue] - made by attrs
        return workflow


def compare(
    before: Workflow, after: Workflow, *, rows: Run | None = None
) -> Comparison:
    """Return what differs between two workflows: `changes` by path, as in `facts()`.

    Args:
        before: The earlier one, such as `Workflow.from_json(...)`.
        after: The later one.
        rows: A run. `replay` is what the change does with the rows that it recorded.
            Only its status, its workflow and its result files are read.
    """
    from .diff import compare, replay  # only needed for a review

    for side in (before, after):
        require_type("compare: a side", side, Workflow, "write compare(before, after)")
    sides = before.lower().definition, after.lower().definition
    comparison = compare.compare_definitions(*sides)
    if rows is None:
        return comparison
    from .runs.results import read_recording  # loads httpx

    recording = read_recording(rows.session, rows.state)
    return evolve(comparison, replay=replay.replay(comparison, recording))


_FACTS: Final = ("identity", "flows", "_read", "_listed", "_rules", "_schedules")


def _bind(lowered: Lowered, values: Mapping[str, Any]) -> Lowered:
    definition, faults = lowered
    if not issubclass(type(values), Mapping):  # its content may be secret
        message = f"values is of type {type(values).__name__}, and must be a mapping"
        advice = 'write values={"notebook": "..."}'
        wrong = Finding("not-json", "values", "error", message, advice)
        return Lowered(definition, [*faults, wrong])
    problems: list[Problem] = []
    definition = bind(definition, values, problems)
    for problem in problems:
        message = f"value {problem.path[0]!r}: {problem.message}"
        faults = [
            *faults,
            Finding(problem.code, "values", "error", message, problem.help),
        ]
    return Lowered(definition, faults)


def _require_sound(lowered: Lowered) -> Definition:
    """Return the definition.

    Raises:
        CompileError: The workflow has errors. All of them are in it.
    """
    definition, faults = lowered
    if problems := [*faults, *errors(definition)]:
        raise compile_error(definition.name, problems)
    return definition
