"""Every exception: its words, its family, and that it is an ordinary exception."""

from __future__ import annotations

import contextlib
import copy
import pickle

import pytest

from flow64 import errors
from flow64.diagnostics import Finding
from flow64.errors import (
    API_ERRORS,
    AmbiguousRowsError,
    AnswerError,
    ApiError,
    ArgumentError,
    AuthError,
    ComparisonError,
    CompileError,
    ConfigError,
    ConsentError,
    EmptyListError,
    EmulatorStoreError,
    FlowError,
    IntentFailedError,
    JoinedClassError,
    JoinedFunctionError,
    JoinedGeneratorError,
    JoinedMappingError,
    JoinedNoneError,
    JoinedSetError,
    JoinedStringError,
    JoinedWorkflowError,
    JoinError,
    LocalNamespaceError,
    MissingExtraError,
    OutcomeUnknownError,
    ReadError,
    ReturnsError,
    RowsError,
    RunFailedError,
    ServerError,
    StaleDeploymentError,
    StateRefusedError,
    TransportError,
    TruthError,
    UnboundValueError,
    UnfinishedFilterError,
    ValueInTextError,
    VariantError,
    VerificationError,
    WaitTimeoutError,
    did_you_mean,
    for_status,
    shortened,
)

# ruff: noqa: E501 - the words of an error stand here as they are shown

WORDS = [
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
        JoinedStringError("x"),
        "'x' cannot be joined with >>: a string names nothing here; put the block itself, or RawBlock(\"new_kind\", specs={...}) for a kind the catalogue does not know",
    ),
    (
        JoinedNoneError(),
        "None cannot be joined with >>: a function that should return a flow may lack its return; for a step that is sometimes left out, write include_if(flag, step)",
    ),
    (
        JoinedSetError({1}),
        "{1} cannot be joined with >>: a set has no order; write a list: a >> [b, c]",
    ),
    (
        JoinedMappingError({"a": 1}),
        "{'a': 1} cannot be joined with >>: write a list of its flows: a >> list(flows.values())",
    ),
    (
        JoinedGeneratorError("(x for x in xs)"),
        "'(x for x in xs)' cannot be joined with >>: a generator can be read only once; write a list: a >> [f(x) for x in xs]",
    ),
    (JoinedClassError(dict), "dict is a class: call it, as in >> dict(...)"),
    (JoinedClassError(1), "Block is a class: call it, as in >> Block(...)"),
    (JoinedFunctionError(len), "len is a function that was not called: write >> len()"),
    (
        JoinedFunctionError(1),
        "fragment is a function that was not called: write >> fragment()",
    ),
    (
        JoinedWorkflowError("w" * 80),
        "'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww… is a whole workflow and no part of another: let a function return the flow, and use that function in both",
    ),
    (
        EmptyListError([]),
        "an empty list joins nothing: leave the step out, or write include_if(flag, step) for a step that is sometimes left out",
    ),
    (
        UnfinishedFilterError("x"),
        "'x' waits for its operator: write for example 'x'.equals(\"OK\")",
    ),
    (
        ValueInTextError("hook"),
        "value('hook') stands for a whole value and cannot be part of a text: let the environment fill in the whole text",
    ),
    (
        AmbiguousRowsError("r", ["archive", "work/deliver"]),
        "run r ends in several blocks: archive, work/deliver; say whose rows are wanted: run.rows(Person, block='work/deliver')",
    ),
    (
        ComparisonError(),
        "flows are joined with >> and cannot be compared: write a >> b, not a > b",
    ),
    (
        TruthError(),
        "a flow is neither true nor false: `a >> b and c` drops a >> b; write a >> [b, c] for both, `is None` to test, or include_if(flag, b) to choose",
    ),
    (
        ReturnsError("Person", ["title has no type", "age is bytes"]),
        '@returns Person: title has no type; age is bytes; write for example title: Annotated[str | None, "Current job title"], with str, int, float, bool, dict, list, or list[str|int|float|bool]',
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
        "the emulator needs more packages: pip install 'flow64[emulator]'",
    ),
    (
        EmulatorStoreError("runs.db", "it is damaged"),
        "the emulator's store runs.db: it is damaged; name another file",
    ),
    (
        LocalNamespaceError("Leads", "https://api.example"),
        '\'Leads\' has no project: anybody who uses its key without one gets the same id, so it is not deployed to https://api.example; name what is yours: Workflow(..., project=Project("growth", namespace="your-domain.example"))',
    ),
    (
        UnboundValueError("Leads", "prod", ["a", "b"]),
        "'Leads' needs values that environment 'prod' does not give: a, b; pass values={\"a\": ..., \"b\": ...}",
    ),
    (
        StateRefusedError("Leads", "ID", "foreign"),
        "'Leads' (ID) was not deployed by this code (it carries no stamp of ours); nothing was written. Take the edit into the code, or overwrite it: deploy(force=True)",
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
        ConsentError("Leads", ["search buys", "search 2 buys"]),
        "deploying 'Leads' may spend credits at once: search buys; search 2 buys; if that is meant: deploy(allow_spend=True)",
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
        "the run of intent '2026-11-24' is RUN, which ended as failed and may have charged for rows; it is not repeated by itself: run again under another intent to pay for it again",
    ),
    (
        OutcomeUnknownError("run of 'Leads'", "reset"),
        "run of 'Leads': outcome unknown (reset); nothing was sent again, so look at it in the web editor before you do",
    ),
    (
        WaitTimeoutError("RUN", "running", 30.0),
        "run RUN is still running after 30 s; it goes on and was not cancelled: wait again with run.wait()",
    ),
    (
        ApiError(418, "GET", "/workflows", "tea\x1b", ["specs.url: bad\n"]),
        "GET /workflows answered 418: tea\\x1b\n  specs.url: bad\\n",
    ),
    (
        AuthError(401, "GET", "/workflows", "no"),
        "GET /workflows answered 401: no; check SIXTYFOUR_API_KEY; it is sent as x-api-key",
    ),
    (
        TransportError("GET", "/workflows", "refused"),
        "GET /workflows: refused; it changes nothing, so try again",
    ),
    (
        AnswerError("GET", "/workflows", "it is a list"),
        "GET /workflows answered something unexpected: it is a list; check that SIXTYFOUR_API_ENDPOINT is the service",
    ),
]
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
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, Exception)
    }
    shown = {type(error).__name__ for error, _ in WORDS}

    assert classes == shown | GROUPS | STATUSES
    assert all(isinstance(error, FlowError) for error, _ in WORDS)


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
        (JoinedNoneError(), TypeError),
        (ComparisonError(), TypeError),
        (TruthError(), TypeError),
        (ReturnsError("X", []), TypeError),
        (VariantError("x"), ValueError),
        (ReadError("x"), ValueError),
        (ConfigError("x"), ValueError),
        (RowsError([]), ValueError),
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


def test_headers_stay_out_of_the_repr():
    """They may hold what belongs to one origin alone."""
    made = for_status(
        401, method="GET", path="/x", message="m", headers={"set-cookie": "s3cret"}
    )

    assert "s3cret" not in repr(made) + str(made)


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("mod", ["mode", "key"], " (did you mean 'mode'?)"),
        ("MODE", ["mode", "key"], " (did you mean 'mode'?)"),
        ("OK", ["ok"], " (did you mean 'ok'?)"),
        ("zzz", ["mode", "key"], ""),
        ("x", [], ""),
    ],
)
def test_a_near_word_is_offered(word, known, hint):
    """By spelling, or by letters in another case."""
    assert did_you_mean(word, known) == hint


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        ("\u202e\n", "'\\u202e\\n'"),
        ("x" * 80, f"'{'x' * 58}…"),
        ("x" * 58, f"'{'x' * 58}'"),
    ],
)
def test_a_value_is_shown_on_one_line(value, text):
    """Cut where it is long."""
    assert shortened(value) == text
