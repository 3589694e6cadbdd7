"""The client: one credential for one endpoint."""

# Async only: scripts/unasync.py writes the blocking module from this one.

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from os import PathLike
from typing import Any

from ..analysis import LiveCatalogue
from ..api import Balance, get_balance, list_blocks
from ..deploy import Deployable, Deployment, Preview, plan_and_apply, preview
from ..runs import (
    DAY,
    Allowance,
    BatchSettings,
    Rows,
    require_name,
    run_in_batches,
)
from ._async_calls import AsyncRuns, AsyncSchedules, AsyncSigningSecrets, AsyncWorkflows
from ._async_run import AsyncRun
from ._batch import Batch, batch_of, note_interrupted_batches
from ._compiling import compile_for, make_launcher
from ._core import AsyncCore


class AsyncClient(AsyncCore):
    """Talks to the service with one credential at one endpoint. Tasks may share it.

    Use it in an `async with` block, or await `close()`. If it is dropped without that,
    there is a `ResourceWarning`.

    Args:
        api_key: The key. The default is `SIXTYFOUR_API_KEY` of the environment.
        base_url: The endpoint. The default is `SIXTYFOUR_API_ENDPOINT`, then
            `SIXTYFOUR_API_BASE_URL`, then the service itself.
        oauth: An `OAuth` client instead of a key.
        policy: Deadline, timeouts, retries and pace.
        timeout: Seconds for one request, in place of that of the policy.
        max_retries: How often a request is repeated, in place of that of the policy.
        journal: The file that remembers runs. The default is `FLOW64_JOURNAL`, then
            `.flow64/runs.jsonl`. None remembers nothing.
        history: The folder that keeps what a deploy replaces. The default is
            `FLOW64_HISTORY`, then `.flow64/history` in the working folder.
        env: The environment of the client; a call for another one is refused. None
            takes any.
        hosts: The only hosts to open signed result links of. None opens all.
        allow_http: Allow an http endpoint that is not on this machine, such as an
            emulator in another container.
        terms: Values, suffix, limits and organisation of an environment, for every
            call. `flow64.environments` reads them from `[tool.flow64]`.
        transport: Sends requests instead of the network, such as
            `Emulator().transport()`.

    Raises:
        ConfigError: The credential or the endpoint cannot be used. No key is shown.
    """

    async def deploy(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        force: bool = False,
        allow_spend: bool = False,
    ) -> Deployment:
        """Plan and apply one workflow. Nothing is written if nothing has changed.

        Args:
            workflow: What to deploy.
            env: The environment. The default is that of the client, then `default`.
            values: Values for `value("name")`.
            force: Overwrite a workflow that was edited on the service, or that flow64
                did not deploy.
            allow_spend: Agree to blocks that spend credits as soon as they are written.

        Raises:
            CompileError: The workflow has errors.
            DeployError: The workflow was refused before anything was written.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and reading the workflow did not tell.
        """
        ready = compile_for("deploy", workflow, self._settings, env, values)
        del values  # some may be secret, and an error may show the locals of its frames
        return await self.call(
            plan_and_apply,
            ready,
            force=force,
            allow_spend=allow_spend,
            endpoint=self.endpoint,
            history=self._settings.history,
        )

    @property
    def workflows(self) -> AsyncWorkflows:
        """The calls about workflows: create, get, list, update, delete."""
        return AsyncWorkflows(self, self._settings)

    @property
    def runs(self) -> AsyncRuns:
        """The calls about runs: start, get, list, status, cancel, download links."""
        return AsyncRuns(self, self._settings)

    @property
    def schedules(self) -> AsyncSchedules:
        """The calls about schedules: create, get, list, update, delete."""
        return AsyncSchedules(self)

    @property
    def signing_secret(self) -> AsyncSigningSecrets:
        """The calls about the signing secret: get, create, roll, delete."""
        return AsyncSigningSecrets(self)

    async def blocks(self) -> LiveCatalogue:
        """Return the kinds of blocks, each with the JSON Schema of its specs."""
        return await self.call(list_blocks)

    async def balance(self) -> Balance:
        """Return the credits that are left."""
        return await self.call(get_balance)

    async def preview(
        self,
        workflow: Deployable,
        *,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Preview:
        """Say what a deploy would do now. Nothing is written.

        Args:
            workflow: What would be deployed.
            env: The environment. The default is that of the client, then `default`.
            values: Values for `value("name")`.

        Raises:
            CompileError: The workflow has errors.
            DeployError: The workflow cannot be deployed there at all.
            ApiError: The service refused to answer.
        """
        ready = compile_for("preview", workflow, self._settings, env, values)
        del values  # as in `deploy`
        return await self.call(preview, ready, endpoint=self.endpoint)

    async def run(
        self,
        workflow: Deployable,
        rows: Rows = (),
        *,
        env: str | None = None,
        intent: str | None = None,
        retry: str | None = None,
        values: Mapping[str, Any] | None = None,
        stale: bool = False,
        max_rows: int | None = None,
        max_cost: float | None = None,
        allow_unpriced: bool = False,
        check_columns: bool = True,
        specs_override: Mapping[str, Any] | None = None,
        save_json: bool = True,
        result_formats: Sequence[str] = (),
        block: str | int | None = None,
    ) -> AsyncRun:
        """Start a run, once for each intent.

        Args:
            workflow: What to run; it has to be deployed.
            rows: The rows for a webhook source: a list or any iterable of mappings, or
                the path of a CSV, JSON or NDJSON file. Other sources take no rows. Nor
                does a webhook that runs its `webhook_input`.
            env: The environment. The default is that of the client, then `default`.
            intent: Name of a run that must happen once, such as a date. The same intent
                with the same rows is the same run, on any machine.
            retry: Id of a run that ended without success, to start it again, once.
            values: Values for `value("name")`.
            stale: Run the deployed workflow even if it is not this code.
            max_rows: Start nothing if the run may take more rows.
            max_cost: Start nothing if the run may cost more dollars, by documented
                prices.
            allow_unpriced: Start although something has no documented price.
            check_columns: Compare rows with the `input_schema` of the source.
            specs_override: Fields of the source block for this run, such as
                `{"max_results": 50}`. They are checked like code, and sent with all
                other fields that the code sets.
            save_json: Save the results as JSON too, which keeps types.
            result_formats: Further formats, such as `ndjson`.
            block: The block that rows come from by default in `Run.rows()` and the
                like: its key path (`work/find_email`) or number. A block that does not
                exist is refused before the start.

        Raises:
            RunError: The run was refused before anything was sent.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the list of runs did not tell.
        """
        made = make_launcher(
            "run",
            workflow,
            self._settings,
            env=env,
            values=values,
            max_rows=max_rows,
            max_cost=max_cost,
            allow_unpriced=allow_unpriced,
            stale=stale,
            check_columns=check_columns,
            specs_override=specs_override,
            save_json=save_json,
            result_formats=result_formats,
            block=block,
        )
        del values  # as in `deploy`
        require_name(intent, retry)
        payload = made.payload(rows)
        started = await self.call(made.start, payload, intent=intent, retry=retry)
        return AsyncRun(made.track(started, payload), self)

    def run_batches(
        self,
        workflow: Deployable,
        rows: Rows,
        *,
        size: int = 1000,
        concurrency: int = 4,
        intent: str,
        retry_failed: bool = False,
        folder: str | PathLike[str] | None = None,
        env: str | None = None,
        values: Mapping[str, Any] | None = None,
        stale: bool = False,
        max_rows: int | None = None,
        max_cost: float | None = None,
        allow_unpriced: bool = False,
        check_columns: bool = True,
        block: str | int | None = None,
        every: float = 5.0,
        timeout: float = DAY,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> AsyncIterator[Batch[AsyncRun]]:
        """Run an input of any length in batches, and yield each completed batch.

        Batches come in the order of the input. A batch is identified by the intent, its
        index and its rows. So the same call on the same input goes on where the last
        one stopped and buys no finished batch again, on any machine and after any
        accident.

        Args:
            workflow: What to run; it has to be deployed.
            rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file.
                It is read as it is needed, and must come in the same order again.
            size: Rows of each batch but the last.
            concurrency: The most runs under way at a time.
            intent: Name of the whole input, such as a date.
            retry_failed: Start batches again that failed when this intent was run
                before. Their rows are paid for again.
            folder: Save the final file of each batch here as soon as it exists, or the
                file of `block` if it is given.
            env: The environment. The default is that of the client, then `default`.
            values: Values for `value("name")`.
            stale: Run the deployed workflow even if it is not this code.
            max_rows: Start nothing if all batches together may take more rows.
            max_cost: Start nothing if all batches together may cost more dollars, by
                documented prices.
            allow_unpriced: Start although something has no documented price.
            check_columns: Compare rows with the `input_schema` of the source.
            block: The block that rows come from, by key path or number. Needed for
                `folder` if the workflow ends in several blocks.
            every: Seconds between polls of a run.
            timeout: Seconds after which to stop waiting for a run.
            max_bytes: The most bytes of each file in the folder; see `Run.rows`.
            allow_unproven: Keep files that nothing proves complete; see `Run.rows`.

        Raises:
            AmbiguousRowsError: `folder` is given, the workflow ends in several blocks,
                and no `block` is named. Nothing was started.
            RowsError: Rows cannot be sent. Those of a list or a file are checked before
                the first batch is started.
            BudgetError: The whole input may exceed a limit.
            BatchesError: Batches have failed, or were not started after two failures in
                a row or for lack of credits. It is raised after all other batches.
        """
        made = make_launcher(
            "run_batches",
            workflow,
            self._settings,
            env=env,
            values=values,
            max_rows=max_rows,
            max_cost=max_cost,
            allow_unpriced=allow_unpriced,
            stale=stale,
            check_columns=check_columns,
            block=block,
        )
        plan = BatchSettings(
            made,
            intent,
            size=size,
            concurrency=concurrency,
            retry_failed=retry_failed,
            folder=folder,
            every=every,
            timeout=timeout,
            allowance=Allowance(max_bytes, allow_unproven),
        )
        return self._batches(plan, rows)

    async def _batches(
        self, plan: BatchSettings, rows: Any
    ) -> AsyncIterator[Batch[AsyncRun]]:
        with note_interrupted_batches(plan.intent):
            events = self.stream(run_in_batches, plan, rows)
            async with aclosing(events):
                async for done in events:
                    yield batch_of(done, AsyncRun(done.tracked, self))
