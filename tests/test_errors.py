"""Every exception: its words, its family, and that it is an ordinary exception."""

from __future__ import annotations

import contextlib
import copy
import pickle
from types import SimpleNamespace

import pytest
from attrs import asdict, evolve

from flow64 import errors
from flow64.diagnostics import Finding
from flow64.errors import (
    API_ERRORS,
    AmbiguousRowsError,
    AnswerError,
    ApiError,
    ArgumentError,
    AuthError,
    BatchesError,
    BudgetError,
    CannotLiftError,
    CompileError,
    ConfigError,
    ConflictError,
    ConsentError,
    EmulatorStoreError,
    FlowError,
    HeldBackError,
    HistoryError,
    IntentChangedError,
    IntentFailedError,
    JoinError,
    JournalError,
    LinkRefusedError,
    LocalNamespaceError,
    ManifestError,
    MissingExtraError,
    NoAnswerError,
    NoResultError,
    NotFoundError,
    OrganisationError,
    OutcomeUnknownError,
    OverrideError,
    PlanRefusedError,
    PruneError,
    PullError,
    ReadError,
    ResultError,
    RetryError,
    ReturnsError,
    RowKeyError,
    RowsError,
    RunFailedError,
    SavedPlanError,
    SaveError,
    ServerError,
    SettingsError,
    StaleChangesError,
    StaleDeploymentError,
    StalePlanError,
    StateRefusedError,
    TokenError,
    TransportError,
    TruthError,
    UnboundValueError,
    UnknownEnvironmentError,
    UnknownOperatorError,
    ValueInTextError,
    VariantError,
    VerificationError,
    WaitTimeoutError,
    WebhookError,
    for_status,
)

# ruff: noqa: E501 - the words of an error stand here as they are shown

WORDS = [
    (
        NotFoundError(404, "GET", "/workflows", "Not Found"),
        "GET /workflows answered 404: Not Found; every service has this list, so the path of the endpoint is probably wrong: check base_url= or SIXTYFOUR_API_ENDPOINT, such as https://api.sixtyfour.ai without a path",
    ),
    (
        NotFoundError(404, "GET", "/workflows/ID", "Not Found"),
        "GET /workflows/ID answered 404: Not Found; check the id, and the organisation of the key",
    ),
    (
        ConflictError(409, "POST", "/workflows/create_workflow", "Conflict"),
        "POST /workflows/create_workflow answered 409: Conflict; look at what has the id before you try again",
    ),
    (
        ConflictError(409, "POST", "/workflows/run", "Conflict"),
        "POST /workflows/run answered 409: Conflict; look at the runs of the workflow before you try again",
    ),
    (
        ManifestError("a\x1b/flow64.json", "it is none", "/files"),
        "a\\x1b/flow64.json at /files: it is none",
    ),
    (ManifestError("a.json", "x", ""), "a.json at /: x"),
    (ManifestError("a.json", "x"), "a.json: x"),
    (
        CannotLiftError("W\x1b", ["rows run in a circle", "an id\x1b twice"]),
        "'W\\x1b' cannot be written as flow64 code: rows run in a circle; an id\\x1b twice; correct that, or keep it as JSON",
    ),
    (PullError("x\x1b", "it is not there"), "x\\x1b was not pulled: it is not there"),
    (
        SettingsError("pyproject.toml", ["line 2, [tool.flow64]: zzz\x1b", "b"]),
        "pyproject.toml cannot be used:\n  line 2, [tool.flow64]: zzz\\x1b\n  b",
    ),
    (
        UnknownEnvironmentError("", ["staging", "prod"]),
        'several environments are configured (staging, prod): name one of them, as in -e staging, or with FLOW64_ENV=staging, or always with default_env = "staging" under [tool.flow64]',
    ),
    (
        UnknownEnvironmentError("prd", ["staging", "prod"]),
        "there is no environment 'prd' (did you mean 'prod'?); there are staging, prod",
    ),
    (
        UnknownEnvironmentError("prd", ["staging", "prod"], "FLOW64_ENV"),
        "FLOW64_ENV is 'prd': there is no environment 'prd' (did you mean 'prod'?); there are staging, prod",
    ),
    (
        OrganisationError("prod", "org_b", "org_a", "GET /workflows"),
        "GET /workflows answered for organisation 'org_a', and environment 'prod' has org_id = 'org_b': no more was sent; use the key of that organisation, or correct org_id",
    ),
    (
        ArgumentError("find_email()", "no argument 'mod'", ["mode", "key"]),
        "find_email(): no argument 'mod'; it takes mode, key",
    ),
    (
        ArgumentError("find_email()", "no argument 'mod'"),
        "find_email(): no argument 'mod'",
    ),
    (
        JoinError(1),
        "1 cannot be joined with >>: put a block, a flow, or a list of them there",
    ),
    (
        ValueInTextError("hook"),
        "value('hook') stands for a whole value and cannot be part of a text: let the environment fill in the whole text",
    ),
    (
        AmbiguousRowsError("", ["archive", "work/deliver"]),
        "the workflow ends in several blocks: archive, work/deliver; nothing was started; name one of them: block='work/deliver'",
    ),
    (
        AmbiguousRowsError("r", ["archive", "work/deliver"]),
        "run r ends in several blocks: archive, work/deliver; name one of them: run.rows(Person, block='work/deliver')",
    ),
    (
        UnknownOperatorError("Filter.where('x')", "equal", ["equals", "matches"]),
        "Filter.where('x') has no operator 'equal' (did you mean 'equals'?); it has equals, matches",
    ),
    (
        TruthError(),
        "a flow is neither true nor false: `a >> b and c` drops a >> b; write a >> [b, c] for both, `is None` to test, or include_if(flag, b) to choose",
    ),
    (
        ReturnsError("Person", ["title has no type", "age is bytes"]),
        '@returns Person: title has no type; age is bytes; write for example title: Annotated[str | None, "Current job title"], with str, int, float, bool, dict, list, list[str|int|float|bool], or a Literal of words',
    ),
    (VariantError("two variants are called 'us'"), "two variants are called 'us'"),
    (
        CompileError("Leads", [Finding("cycle", "graph", "error", "a feeds itself")]),
        "'Leads' has 1 error\n\nerror[cycle] a feeds itself",
    ),
    (ReadError("no JSON"), "<text>: no JSON"),
    (
        ReadError("no JSON", "a\x1bb.json", 7, 2, ""),
        "a\\x1bb.json:2 (offset 7) at /: no JSON",
    ),
    (
        ReadError("no\nJSON", "a.json", pointer="/x\u202e"),
        "a.json at /x\\u202e: no\\nJSON",
    ),
    (ConfigError("SIXTYFOUR_API_KEY is not set"), "SIXTYFOUR_API_KEY is not set"),
    (
        MissingExtraError("the emulator", "emulator"),
        (
            "the emulator needs more packages: install flow64 again with the extra "
            "emulator, from where it came (in a clone: pip install '.[emulator]')"
        ),
    ),
    (
        EmulatorStoreError("runs.db", "it is damaged"),
        "the emulator's store runs.db: it is damaged; name another file",
    ),
    (
        LocalNamespaceError("Leads", "https://api.example"),
        '\'Leads\' has no project, so another user\'s workflow could have the same id at https://api.example, and it is not deployed; give it one: Workflow(..., project=Project("growth", namespace="your-domain.example"))',
    ),
    (
        UnboundValueError("Leads", "prod", ["a", "b"]),
        "'Leads' needs values that environment 'prod' does not give: a, b; pass values={\"a\": ..., \"b\": ...}",
    ),
    (
        UnboundValueError("Leads", "prod", ["hook", "b"], ["hok", "b", "other"]),
        "'Leads' needs values that environment 'prod' does not give: hook (did you mean 'hok'?), b; it gives hok and other; pass values={\"hook\": ..., \"b\": ...}",
    ),
    (
        StateRefusedError("Leads", "ID", "foreign"),
        "'Leads' (ID) was not deployed by this code; nothing was written. Take the edit into the code, or overwrite it: deploy(force=True)",
    ),
    (
        StateRefusedError("Leads", "ID", "taken"),
        "'Leads' (ID) was not written: its id is taken by a workflow that this key may not see; give the other organisation an environment of its own in pyproject.toml, [tool.flow64.environments.NAME], where the ids are others; or use the key of the organisation that has the workflow",
    ),
    (
        StateRefusedError("Leads", "ID", "drifted", ["name: 'a' to 'b'", "x\x1b"]),
        "'Leads' (ID) was edited on the service since it was deployed; nothing was written. Take the edit into the code, or overwrite it: deploy(force=True)\n  name: 'a' to 'b'\n  x\\x1b",
    ),
    (
        StateRefusedError("Leads", "ID", "conflict"),
        "'Leads' (ID) was edited on the service, and the code has changed as well; nothing was written. Take the edit into the code, or overwrite it: deploy(force=True)",
    ),
    (
        StateRefusedError("Leads", "ID", "behind"),
        "'Leads' (ID) was deployed by newer code, which yours does not have; nothing was written. Merge that code, or overwrite it: deploy(force=True)",
    ),
    (
        StateRefusedError("Leads", "ID", "absent"),
        "'Leads' (ID) is pinned to a workflow that is not there, or not shown to you; nothing was written, since a pin is never created: correct the pin, or the credential",
    ),
    (
        HistoryError(".flow64/history\x1b", "it is no folder"),
        "the history .flow64/history\\x1b: it is no folder",
    ),
    (
        PlanRefusedError(["a: it was edited\x1b", "b: search buys"]),
        "the plan was refused, and nothing was written:\n  a: it was edited\\x1b\n  b: search buys",
    ),
    (
        PruneError(["2 would be deleted"], ["a", "b\x1b"]),
        "prune was refused, so these stay: a, b\\x1b:\n  2 would be deleted",
    ),
    (
        PruneError(["it is not known"]),
        "prune was refused, and nothing was deleted:\n  it is not known",
    ),
    (
        StalePlanError("a b", "ID", "edited", ["~ x\x1b"], ["~ y"], ["c"]),
        "'a b' (ID) was edited since the plan was made; it was not written. Make a new plan, and then take their edit into the code, overwrite it with --force 'a b', or leave it with --skip-drifted\n  their edit:\n    ~ x\\x1b\n  our change:\n    ~ y\n  also changed since: c",
    ),
    (
        StalePlanError("a", "ID", "deleted"),
        "'a' (ID) was deleted since the plan was made; it was not written. Make a new plan, and then take their edit into the code, overwrite it with --force a, or leave it with --skip-drifted",
    ),
    (
        SavedPlanError("plan.json\x1b", "it was edited since it was made"),
        "the plan plan.json\\x1b is not applied: it was edited since it was made; make a new one: flow64 plan SOURCE -o FILE",
    ),
    (
        SavedPlanError("notes.txt\x1b", "it is no saved plan", is_new=True),
        "the plan was not saved in notes.txt\\x1b: it is no saved plan; name another file",
    ),
    (
        ConsentError("Leads", ["search buys", "search 2 buys"]),
        "deploying 'Leads' may spend credits at once: search buys; search 2 buys; to allow it: deploy(allow_spend=True)",
    ),
    (
        VerificationError("Leads", "ID", ["/name", "/x\n"]),
        "'Leads' (ID) was written, but reading it back shows something else; deploy again or look at it in the editor:\n  /name\n  /x\\n",
    ),
    (RowsError(["row 1: \x1b"]), "these rows cannot be sent:\n  row 1: \\x1b"),
    (
        RowsError([f"row {n}" for n in range(22)]),
        "these rows cannot be sent:\n  row 0\n  row 1\n  row 2\n  row 3\n  row 4\n  row 5\n  row 6\n  row 7\n  row 8\n  row 9\n  row 10\n  row 11\n  row 12\n  row 13\n  row 14\n  row 15\n  row 16\n  row 17\n  row 18\n  row 19\n  and 2 more",
    ),
    (
        OverrideError(["query: a", "b"]),
        "specs_override cannot be used:\n  query: a\n  b",
    ),
    (
        StaleDeploymentError("Leads", "ID", "it was edited"),
        "'Leads' (ID) is not what this code says: it was edited; deploy() first, or run what is there: run(..., stale=True)",
    ),
    (
        RunFailedError("RUN", "failed"),
        "run RUN ended as failed; rows that were processed before that may have been charged",
    ),
    (
        RunFailedError("RUN", "timeout", "no\ncredits"),
        "run RUN ended as timeout: no\\ncredits; rows that were processed before that may have been charged",
    ),
    (
        IntentFailedError("RUN", "failed", "2026-11-24"),
        "the run of intent '2026-11-24' is RUN, which ended as failed and may have charged for rows; it is not repeated by itself: to start it again, and maybe pay for those rows again: run(..., intent='2026-11-24', retry='RUN')",
    ),
    (
        OutcomeUnknownError("run of 'Leads'", "reset"),
        "run of 'Leads': outcome unknown (reset); nothing more was sent, so look at it in the web editor before you send it again",
    ),
    (
        WaitTimeoutError("RUN", "running", 30.0),
        'run RUN is still running after 30 s; it was not cancelled, and goes on; wait again with client.runs.get("RUN").wait(), or in a shell: flow64 watch RUN',
    ),
    (
        ApiError(418, "GET", "/workflows", "tea\x1b", ["specs.url: bad\n"]),
        "GET /workflows answered 418: tea\\x1b\n  specs.url: bad\\n",
    ),
    (
        AuthError(401, "GET", "/workflows", "no"),
        "GET /workflows answered 401: no; check the credential: SIXTYFOUR_API_KEY, or the OAuth client",
    ),
    (
        HeldBackError("GET", "/workflows", "why", sent=False),
        "GET /workflows: held back by the client's own pace until after its deadline (why); nothing was sent: wait longer, send less at a time, or set Policy(requests_per_minute=...)",
    ),
    (
        WaitTimeoutError("RUN", "running", 30.0, is_held_back=True),
        'run RUN is still running after 30 s; the last look was held back by the client\'s own pace; it was not cancelled, and goes on; wait again with client.runs.get("RUN").wait(), or in a shell: flow64 watch RUN',
    ),
    (
        TransportError("GET", "/workflows", "refused"),
        "GET /workflows: refused; it changes nothing, so try again",
    ),
    (
        AnswerError("GET", "/workflows", "it is a list"),
        "GET /workflows answered something unexpected: it is a list; check that SIXTYFOUR_API_ENDPOINT is the service",
    ),
    (
        NoAnswerError("reset"),
        "no answer: reset",
    ),
    (
        NoAnswerError("refused", sent=False),
        "no answer: refused; nothing was sent",
    ),
    (
        LinkRefusedError("store.example"),
        "a result link to store.example was not opened: it is not a plain https address, or its host is not allowed",
    ),
    (
        TokenError("invalid_client: who\nis that"),
        "no access token: invalid_client: who\\nis that",
    ),
    (
        WebhookError("there is no signature"),
        "a webhook was not accepted: there is no signature",
    ),
    (
        ResultError("f.csv", "it ends within a line", line=3),
        "result f.csv:3: it ends within a line; download it again, or look at the file",
    ),
    (
        SaveError("f.csv", "it exists"),
        "f.csv was not written: it exists",
    ),
    (
        RowKeyError("email", ["/1: has none"]),
        "'email' does not identify rows; name a column that each row has, with a value of its own:\n  /1: has none",
    ),
    (
        IntentChangedError("intent 'x'", "another body (2 rows)", "RUN"),
        "intent 'x' was started before (run RUN) with another body (2 rows); nothing was sent. Give it what it had, or name what is new: run(..., intent=...)",
    ),
    (
        RetryError("RUN", "it has completed, and its rows are there"),
        "retry='RUN': it has completed, and its rows are there",
    ),
    (
        JournalError("runs.jsonl", "it is no file"),
        "the journal of runs runs.jsonl: it is no file; correct that, or name another file with journal= or FLOW64_JOURNAL (journal=None remembers nothing, so a start that is cut off may be paid twice)",
    ),
    (
        BudgetError(
            "Leads",
            ["4 rows are more than max_rows=3"],
            4,
            0.2,
            ["qa_agent: no price is documented"],
        ),
        "'Leads' was not run: 4 rows are more than max_rows=3. It would start with 4 rows, and what it may cost is unknown: $0.20 by an estimate from documented prices, and more\n  not counted: qa_agent: no price is documented",
    ),
    (
        BudgetError("Leads", ["4 rows are more than max_rows=3"], 4, 0.2),
        "'Leads' was not run: 4 rows are more than max_rows=3. It would start with 4 rows and may cost $0.20 by an estimate from documented prices",
    ),
    (
        BudgetError("Leads", ["?"], None, 0.0, ["qa_agent: no price is documented"]),
        "'Leads' was not run: ?. It would start with an unknown number of rows, and what it may cost is unknown\n  not counted: qa_agent: no price is documented",
    ),
    (
        BatchesError(
            "2026-W48",
            ["batch 1 (rows 11 to 20, run RUN) failed: no\ncredits"],
            "credits: none",
        ),
        "1 batch of intent '2026-W48' did not complete; no more was started: credits: none; their rows may have been charged. The same call with the same intent goes on and buys no finished batch again; retry_failed=True starts the failed ones again, and pays for their rows again:\n  batch 1 (rows 11 to 20, run RUN) failed: no\\ncredits",
    ),
    (
        BatchesError("2026-W48", [f"batch {n}" for n in range(22)]),
        "22 batches of intent '2026-W48' did not complete; their rows may have been charged. The same call with the same intent goes on and buys no finished batch again; retry_failed=True starts the failed ones again, and pays for their rows again:\n  batch 0\n  batch 1\n  batch 2\n  batch 3\n  batch 4\n  batch 5\n  batch 6\n  batch 7\n  batch 8\n  batch 9\n  batch 10\n  batch 11\n  batch 12\n  batch 13\n  batch 14\n  batch 15\n  batch 16\n  batch 17\n  batch 18\n  batch 19\n  and 2 more",
    ),
    (
        BatchesError(
            "2026-W48",
            ["batch 2 (rows 21 to 30) was not started"],
            "row 26 lacks company",
            [SimpleNamespace(dollars=None)],
        ),
        "1 batch of intent '2026-W48' did not complete; no more was started: row 26 lacks company. The same call with the same intent goes on and buys no finished batch again:\n  batch 2 (rows 21 to 30) was not started",
    ),
    (
        BatchesError("2026-W48", [], "rows.csv: it ends within a line"),
        "the batches of intent '2026-W48' came to an early end; no more was started: rows.csv: it ends within a line. The same call with the same intent goes on from there",
    ),
    (
        TransportError("POST", "/x", "reset", attempts=3, elapsed=1.234),
        "POST /x (3 attempts in 1.23 s): reset; it may have arrived, so look before you send it again",
    ),
    (
        AnswerError("GET", "/x", "no JSON", attempts=2, elapsed=60.0),
        "GET /x answered something unexpected (2 attempts in 60 s): no JSON; check that SIXTYFOUR_API_ENDPOINT is the service",
    ),
    (
        ApiError(
            429,
            "GET",
            "/x",
            "slow down",
            request_id="r-1",
            wait=20.0,
            attempts=7,
            elapsed=12.0,
        ),
        "GET /x answered 429 (7 attempts in 12 s): slow down (request r-1); it asks to wait 20 s",
    ),
    (
        NoResultError("RUN", "work/find_email"),
        "run RUN has no result file of block 'work/find_email'; results() lists the files that there are",
    ),
    (
        StaleChangesError("x"),
        "the changes are about another state of block 'x'; compare again: apply(diff(before, after), before)",
    ),
]
BUILT_IN = [
    (TransportError("GET", "/x", "reset"), ConnectionError),
    (HeldBackError("GET", "/x", "why", sent=False), ConnectionError),
    (WaitTimeoutError("RUN", "running", seconds=30.0), TimeoutError),
    (RowsError(["row 1"]), ValueError),
]


@pytest.mark.parametrize(("error", "built_in"), BUILT_IN, ids=str)
def test_error_is_one_of_python_too(error, built_in):
    """With the fields and words of flow64, also after a journey to another process."""
    copies = [pickle.loads(pickle.dumps(error)), copy.copy(error), evolve(error)]

    assert isinstance(error, FlowError)
    for each in (error, *copies):
        with pytest.raises(built_in) as caught:
            raise each
        assert (str(caught.value), repr(caught.value)) == (str(error), repr(error))
        assert asdict(each) == asdict(error)
        assert getattr(each, "errno", None) is None


GROUPS = {"FlowError", "DeployError", "RunError"}
"""Those that are only ever caught."""
STATUSES = {"ServerError", *(kind.__name__ for kind in API_ERRORS.values())}


@pytest.mark.parametrize(("error", "words"), WORDS, ids=range(len(WORDS)))
def test_an_error_words_its_facts_once(error, words):
    """And shows control characters of other people's text escaped."""
    assert str(error) == words


def test_every_error_has_its_words_here():
    """And every class is a FlowError, so that one `except` is enough."""
    classes = {
        name
        for name in dir(errors)
        if isinstance(found := getattr(errors, name), type)
        and issubclass(found, Exception)
    }
    shown = {type(error).__name__ for error, _ in WORDS}

    assert classes == shown | GROUPS | STATUSES
    assert all(isinstance(error, FlowError) for error, _ in WORDS)


@pytest.mark.parametrize("name", ["Nope", "_nope"])
def test_what_is_no_error_is_not_there(name):
    """Although errors of the service are loaded when they are asked for."""
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(errors, name)


@pytest.mark.parametrize(("error", "words"), WORDS, ids=range(len(WORDS)))
@pytest.mark.parametrize(
    "again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_can_be_sent_elsewhere(again, error, words):
    """Process pools pickle what they raise."""
    if callable(getattr(error, "other", None)):
        error = type(error)(1)  # what stood beside >> need not be picklable
        words = str(error)

    twin = again(error)

    assert (type(twin), str(twin)) == (type(error), words)


def test_an_error_is_an_ordinary_exception():
    """It is raised, chained, annotated, hashed and passed through a context manager."""

    @contextlib.contextmanager
    def room():
        yield

    with pytest.raises(ReadError) as caught, room():
        raise ReadError("no JSON") from KeyError("x")

    caught.value.add_note("while reading")
    assert [
        type(caught.value.__cause__),
        caught.value.__notes__,
        len({caught.value, ReadError("no JSON")}),
    ] == [KeyError, ["while reading"], 2]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ArgumentError("f", "x"), TypeError),
        (UnknownOperatorError("Filter.where('x')", "eq", []), AttributeError),
        (TruthError(), TypeError),
        (ReturnsError("X", []), TypeError),
        (VariantError("x"), ValueError),
        (ReadError("x"), ValueError),
        (ConfigError("x"), ValueError),
        (RowsError([]), ValueError),
        (OverrideError([]), ValueError),
        (MissingExtraError("x", "cli"), ImportError),
    ],
)
def test_an_error_is_also_what_python_calls_it(error, kind):
    """Who catches a ValueError of a wrong value catches ours."""
    assert isinstance(error, kind)


@pytest.mark.parametrize(("error", "words"), WORDS, ids=range(len(WORDS)))
def test_the_repr_of_an_error_is_its_words(error, words):
    """Up to the first line, so that a log of many findings stays short."""
    first, _, _ = words.partition("\n")

    assert repr(error) == f"{type(error).__name__}({first!r})"


@pytest.mark.parametrize(
    ("status", "kind"),
    [*API_ERRORS.items(), (500, ServerError), (599, ServerError), (418, ApiError)],
)
def test_a_status_has_its_error(status, kind):
    """Those that the documents name, 5xx, and the rest."""
    made = for_status(status, method="GET", path="/x", message="m")

    assert (type(made), made.status) == (kind, status)
