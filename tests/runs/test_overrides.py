"""Settings of the source block in one run: checked like code, and sent whole."""

from __future__ import annotations

import logging
import math

import pytest

from flow64 import LEAD, Client, Project, RawBlock, Workflow, errors, value
from flow64.blocks import FindEmail, ReadNotebook, Search, Webhook
from flow64.emulator import Emulator
from flow64.runs import override_live, override_source, source_specs

GROWTH = Project("growth", namespace="acme.example")
QUERY = Search(LEAD, query="CTOs", max_results=300)


def workflow(source, name="leads"):
    return Workflow(name, source >> FindEmail(), project=GROWTH)


def overridden(given, source=QUERY):
    return override_source(workflow(source).compile(), given)


@pytest.fixture
def service():
    """An emulator, and a client of it that remembers nothing."""
    emulator = Emulator()
    with Client(
        "any", base_url="http://localhost", transport=emulator.transport(), journal=None
    ) as client:
        yield emulator, client


def test_all_settings_of_the_source_are_sent():
    """Whether the service keeps those that a run does not name is not documented."""
    made, warnings = overridden({"max_results": 50})

    assert warnings == []
    assert source_specs(made) == {
        "dataframe_type": "LEAD",
        "query": "CTOs",
        "max_results": 50,
        "auto_execute": False,
    }


def test_no_settings_change_nothing():
    """Neither none nor an empty mapping."""
    definition = workflow(QUERY).compile()

    assert override_source(definition, None) == (definition, [])
    assert override_source(definition, {}) == (definition, [])


def test_settings_are_copied():
    """Changing them afterwards changes nothing that is sent."""
    schema = {"email": "string"}
    made, _ = overridden({"input_schema": schema}, Webhook(LEAD))
    schema["email"] = "int"

    assert source_specs(made)["input_schema"] == {"email": "string"}


def test_secrets_of_the_source_are_sent():
    """In their places, as a deploy sends them."""
    found = workflow(Search(LEAD, query=value("q", secret=True))).compile(
        values={"q": ["a"]}
    )

    made, _ = override_source(found, {"max_results": 3})

    assert source_specs(made)["query"] == ["a"]


@pytest.mark.parametrize(
    ("source", "given", "problem"),
    [
        (
            QUERY,
            {"max_result": 50},
            (
                "search has no field 'max_result' that is known (did you mean "
                "'max_results'?); it has dataframe_type, query, max_results and "
                "auto_execute"
            ),
        ),
        (
            QUERY,
            {"dataframe_type": "LEDA"},
            (
                "dataframe_type is 'LEDA', which is not a documented word (did you "
                "mean 'LEAD'?); it takes LEAD, COMPANY"
            ),
        ),
        (
            QUERY,
            {"dataframe_type": "COMPANY"},
            (
                "find_email: company rows flow into find_email, which takes lead "
                "rows; put CompanyToLeads() between"
            ),
        ),
        (
            QUERY,
            {"query": math.nan},
            "query: nan is not a JSON number; leave the field out, or use null",
        ),
        (
            QUERY,
            {1: 2},
            "1 is an int, and JSON keys are Unicode text; write the key as a plain str",
        ),
        (
            QUERY,
            {"query": value("q")},
            "value('q') is not filled in here; write its content",
        ),
        (
            QUERY,
            ["max_results"],
            (
                "['max_results'] is not a mapping of fields to values; write "
                'specs_override={"max_results": 50}'
            ),
        ),
        (
            [QUERY, ReadNotebook()],
            {"max_results": 50},
            (
                "the workflow has 2 sources (read_notebook and search), and which "
                "one a run sets is not documented; set the fields in the code, and "
                "deploy it"
            ),
        ),
    ],
)
def test_settings_that_cannot_be_used(source, given, problem):
    """They are checked like those in code, and by the same rules."""
    with pytest.raises(errors.OverrideError) as caught:
        overridden(given, source)

    assert caught.value.problems == [problem]
    assert str(caught.value) == f"specs_override cannot be used:\n  {problem}"


def test_all_problems_are_listed():
    """A misspelt field, and a word that is wrong."""
    with pytest.raises(errors.OverrideError) as caught:
        overridden({"max_result": 5, "dataframe_type": "PEOPLE"})

    assert len(caught.value.problems) == 2


def test_fields_that_code_allows_may_be_set():
    """One that it sets through `extra=`, and any of a kind that nothing is known of."""
    extra = Search(LEAD, query="q", extra={"region": "eu"})
    raw = RawBlock("ask_oracle", specs={"depth": 1})

    assert source_specs(overridden({"region": "us"}, extra)[0])["region"] == "us"
    assert source_specs(overridden({"width": 2}, raw)[0]) == {"depth": 1, "width": 2}


def test_what_is_doubtful_is_a_warning():
    """As in `check`; what the code has itself is not repeated."""
    own = Search(LEAD, query="q", max_results="20")

    assert overridden({"query": "CTOs"}, own)[1] == []
    assert overridden({"max_results": "50"})[1] == [
        (
            "max_results is '50', where a whole number is wanted; write a value of the "
            "documented type"
        ),
        "search: it has no known limit of rows then",
    ]


def test_live_workflow_is_judged_like_code(service):
    """The service has stored what it has, and not what a run sets."""
    _, client = service
    made = workflow(QUERY)
    made.deploy(client)
    live = client.workflows.get(made.id()).definition

    with pytest.raises(errors.OverrideError, match="dataframe_type is 'LEDA'"):
        override_source(live, {"dataframe_type": "LEDA"})


def test_deployed_source_may_keep_settings_that_nobody_named():
    """So a limit has to hold for both definitions."""
    live = workflow(QUERY).compile()

    alone, kept = override_live(live, {"query": "CFOs"})

    assert source_specs(alone) == {"query": "CFOs"}
    assert source_specs(kept) == {**source_specs(live), "query": "CFOs"}


# -- Runs -----------------------------------------------------------------------------


def test_run_has_the_settings_of_the_code_and_of_the_run(service):
    """All of them are sent, as it is not documented whether the service merges."""
    _, client = service
    made = workflow(Search(LEAD, query="CTOs", max_results=3))
    made.deploy(client)

    run = made.run((), client, specs_override={"query": "CFOs"}, max_rows=3)

    assert len([*run.wait(every=0.01).rows()]) == 3


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"specs_override": {"max_result": 3}}, errors.OverrideError),
        ({"specs_override": {"max_results": 3}, "stale": True}, errors.OverrideError),
        ({"specs_override": {"max_results": 30}, "max_rows": 20}, errors.BudgetError),
        (
            {
                "specs_override": {"max_results": 30},
                "max_cost": 1,
                "allow_unpriced": True,
            },
            errors.BudgetError,
        ),
    ],
)
def test_refused_settings_start_no_run(service, options, error):
    """Nothing at all is sent for them."""
    emulator, client = service
    made = workflow(Search(LEAD, query="CTOs", max_results=5))
    made.deploy(client)
    before = len(emulator.requests)

    with pytest.raises(error):
        made.run((), client, **options)

    assert (len(emulator.requests), client.runs.list()) == (before, [])


def test_stale_run_cannot_have_settings(service):
    """They are sent with the others of the code, which the live source may not have."""
    _, client = service

    with pytest.raises(errors.OverrideError) as caught:
        workflow(QUERY).run((), client, specs_override={"query": "q"}, stale=True)

    assert str(caught.value) == (
        "specs_override cannot be used:\n  it sends all settings of the source block, "
        "which stale=True does not know; leave out stale=True, or run the live "
        "workflow: Workflow.from_definition(client.workflows.get(ID).definition)"
    )


def test_rows_are_compared_with_the_columns_of_the_run(service):
    """A run may declare others than the code."""
    _, client = service
    made = workflow(Webhook(LEAD, input_schema={"email": "string"}))
    made.deploy(client)
    override = {"input_schema": {"phone": "string"}}

    with pytest.raises(errors.RowsError, match="row 1 lacks phone"):
        made.run([{"email": "a"}], client, specs_override=override)
    run = made.run([{"phone": "1"}], client, specs_override=override)

    assert run.wait(every=0.01).status == "completed"


def test_run_may_bring_its_sample_rows(service):
    """They are a setting of a webhook like others."""
    _, client = service
    made = workflow(Webhook(LEAD))
    made.deploy(client)

    run = made.run((), client, specs_override={"webhook_input": '[{"email": "a"}]'})

    assert run.wait(every=0.01).status == "completed"


def test_settings_that_only_the_service_has(service, caplog):
    """They may cost more, so limits have to hold with them, and without them."""
    _, client = service
    made = workflow(Search(LEAD, query="CTOs"))
    made.deploy(client)
    live = client.workflows.get(made.id()).definition
    kept, _ = override_source(live, {"max_results": 50})
    client.workflows.update(made.id(), kept)
    options = {"specs_override": {"query": "CFOs"}, "allow_unpriced": True}

    with pytest.raises(errors.BudgetError, match="50 rows are more than max_rows=20"):
        made.run((), client, **options, max_rows=20)
    with caplog.at_level(logging.WARNING, "flow64"):
        made.run((), client, **options)

    assert caplog.messages[-1] == (
        "search has max_results on the service, which the code does not set: whether a "
        "run with specs_override keeps that is not documented"
    )


def test_warnings_are_logged(service, caplog):
    """In Python, where no `check` looks at what a run sets."""
    _, client = service
    made = workflow(QUERY)
    made.deploy(client)

    with caplog.at_level(logging.WARNING, "flow64"):
        made.run((), client, specs_override={"max_results": "3"})

    assert caplog.messages == [
        (
            "specs_override: max_results is '3', where a whole number is wanted; "
            "write a value of the documented type"
        ),
        "specs_override: search: it has no known limit of rows then",
    ]


@pytest.mark.parametrize("most", [0, -5, None])
def test_limit_that_is_none_is_doubtful(most):
    """A run of it may buy any number of rows."""
    _, warnings = overridden({"max_results": most})

    assert "search: it has no known limit of rows then" in warnings


def test_kind_without_facts_has_no_limit_to_lose():
    """Nothing is known of it before, either."""
    assert overridden({"size": 3}, RawBlock("new_source"))[1] == []
