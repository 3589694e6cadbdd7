"""Rules that warn and note: what triggers them, and what is near and does not."""

from __future__ import annotations

import re

import pytest
from attrs import evolve, frozen

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, fan, tap, value
from flow64.analysis import findings
from flow64.blocks import (
    AppendToNotebook,
    Column,
    Columns,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    FindEmail,
    FindPhone,
    GroupBy,
    LeadEnrichment,
    LlmOpenai,
    OutgoingWebhook,
    QaAgent,
    ReadCsv,
    ResearchAgent,
    Search,
    TransformData,
    VerifyEmail,
    Webhook,
    YcCompanies,
)
from flow64.definition import FrozenDict, dumps, freeze
from tests.analysis.support import told, wired

POST = "https://example.com/hook"
SECRETS = {
    "an API key": "sk_live_" + "0123456789abcdef",
    "a key": "sk_" + "0123456789abcdef01",
    "a webhook signing secret": "sk_whsec_" + "0123456789abcdef" * 4,
    "a JSON Web Token": "Bearer eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiIxIn0.c2ln",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n",
    "an AWS access key": "AKIA" + "0123456789ABCDEF",
    "a Google API key": "AIza" + "0123456789abcdefghijklmnopqrstuvwxy",
    "a Slack token": "xoxb-" + "0123456789-abcdef",
    "a GitHub token": "ghp_" + "0123456789abcdefghijABCDEFGHIJ",
}


def finder(**fields):
    return Webhook(LEAD) >> FindEmail(**fields)


def raw(specs, kind="new_kind"):
    return Webhook(LEAD) >> RawBlock(kind, specs=specs)


def merged(**second):
    first = {"title": "Job title"}
    return (
        Webhook(LEAD)
        >> LeadEnrichment(return_fields=first, tier="low")
        >> LeadEnrichment(return_fields={"city": "City"}, key="city", **second)
    )


def noted(notebook, **fields):
    return Webhook(LEAD) >> AppendToNotebook(notebook_id=notebook, **fields)


SIZE = {"description": "Number of employees", "type": "int"}
SOURCES = [Webhook(LEAD), Search(LEAD, query="q")]

GRAPH = [
    ("no-source", finder(), []),
    ("no-source", RawBlock("new_kind") >> FindEmail(), []),
    (
        "no-source",
        FindEmail() >> FindPhone(),
        [("warning", "find_email", "nothing feeds find_email, so no rows reach it")],
    ),
    (
        "no-source",
        FindEmail(),
        [("warning", "find_email", "nothing feeds find_email, so no rows reach it")],
    ),
    ("several-sources", finder(), []),
    (
        "several-sources",
        fan(*SOURCES) >> FindEmail(),
        [
            (
                "warning",
                "webhook",
                "rows come from 2 sources: search (FILE) and webhook (FILE)",
            )
        ],
    ),
    (
        "several-sources",
        fan(*[Webhook(LEAD, key=f"w{i}") for i in range(9)]) >> FindEmail(),
        [
            (
                "warning",
                "w1",
                (
                    "rows come from 9 sources: w0 (FILE), w1 (FILE), w2 (FILE), w3 "
                    "(FILE), "
                    "w4 (FILE), w5 (FILE), w6 (FILE), w7 (FILE) and 1 more"
                ),
            )
        ],
    ),
    ("source-with-predecessor", Webhook(LEAD) >> YcCompanies(), []),
    ("source-with-predecessor", Webhook(LEAD), []),
    (
        "source-with-predecessor",
        Webhook(LEAD) >> RawBlock("search"),
        [
            (
                "warning",
                "search",
                "search brings its own rows, and webhook (FILE) feeds it",
            )
        ],
    ),
    ("isolated-block", Webhook(LEAD), []),
    ("isolated-block", finder(), []),
    (
        "isolated-block",
        fan(finder(), FindPhone()),
        [("warning", "find_phone", "nothing leads to it, and it leads nowhere")],
    ),
    (
        "isolated-block",
        fan(Webhook(LEAD), FindPhone()),
        [
            ("warning", "find_phone", "nothing leads to it, and it leads nowhere"),
            ("warning", "webhook", "nothing leads to it, and it leads nowhere"),
        ],
    ),
    ("sink-with-successor", Webhook(LEAD) >> OutgoingWebhook(url=POST), []),
    (
        "sink-with-successor",
        Webhook(LEAD) >> tap(OutgoingWebhook(url=POST)) >> FindEmail(),
        [],
    ),
    (
        "sink-with-successor",
        Webhook(LEAD) >> OutgoingWebhook(url=POST) >> FindEmail(),
        [
            (
                "warning",
                "outgoing_webhook",
                (
                    "find_email (FILE) follows outgoing_webhook, and whether rows go "
                    "on is "
                    "unknown"
                ),
            )
        ],
    ),
    ("several-parents", Webhook(LEAD) >> fan(FindEmail(), FindPhone()), []),
    (
        "several-parents",
        Webhook(LEAD)
        >> fan(FindEmail(), FindPhone())
        >> fan(Deduplicate(), Deduplicate(key="other")),
        [
            (
                "warning",
                "deduplicate",
                (
                    "rows of 2 blocks meet here (and 1 more blocks): find_email (FILE) "
                    "and "
                    "find_phone (FILE)"
                ),
            )
        ],
    ),
    (
        "several-parents",
        Webhook(LEAD) >> [FindEmail(key=f"f{i}") for i in range(5)] >> Deduplicate(),
        [
            (
                "warning",
                "deduplicate",
                (
                    "rows of 5 blocks meet here: f0 (FILE), f1 (FILE), f2 (FILE) "
                    "and 2 more"
                ),
            )
        ],
    ),
    ("first-block-not-webhook", finder(), []),
    ("first-block-not-webhook", ReadCsv(LEAD), []),
    (
        "first-block-not-webhook",
        Search(LEAD, query="q"),
        [
            (
                "note",
                "search",
                "it begins with search, and sources disagree on starting it by API",
            )
        ],
    ),
    ("read-csv-source", ReadCsv(LEAD, resource_handle_id="handle"), []),
    (
        "read-csv-source",
        ReadCsv(LEAD),
        [
            (
                "warning",
                "read_csv",
                "runs started by API need the handle of an uploaded file",
            )
        ],
    ),
]

ROWS = [
    (
        "company-to-leads-without-people",
        Webhook(COMPANY)
        >> CompanyEnrichment(return_fields={"a": "b"}, find_people=True)
        >> Deduplicate()
        >> CompanyToLeads(),
        [],
    ),
    (
        "company-to-leads-without-people",
        Webhook(COMPANY)
        >> CompanyEnrichment(return_fields={"a": "b"}, find_people=value("find"))
        >> CompanyToLeads(),
        [],
    ),
    (
        "company-to-leads-without-people",
        Webhook(COMPANY) >> RawBlock("new_kind") >> CompanyToLeads(),
        [],
    ),
    (
        "company-to-leads-without-people",
        Webhook(COMPANY)
        >> CompanyEnrichment(return_fields={"a": "b"}, find_people=False)
        >> CompanyToLeads(),
        [
            (
                "warning",
                "company_to_leads",
                "no company_enrichment before it has find_people, so it finds nobody",
            )
        ],
    ),
]


def filtered(name, schema=None):
    schema = {"company_size": "int"} if schema is None else schema
    first = Webhook(LEAD, input_schema=schema)
    return first >> FindEmail() >> Filter.where(name).equals("OK")


def near(name, known):
    message = f"it reads the column {name!r}, and rows have {known!r}"
    return [("warning", "filter", message)]


UNUSED = {"email": "str", "campaign": "str", "source": "str"}

NAMED = Webhook(LEAD, input_schema={"full_name": "string"})
UNNAMED = Webhook(LEAD)
STATUS = Filter.where("email_status").equals("OK")


def early(where, name, fate=""):
    """The finding of a block that reads a column of the find_email after it."""
    adds = f"which find_email (FILE) adds, and that comes later{fate}"
    return [("warning", where, f"it reads the column {name!r}, {adds}")]


def undeclared(name, fate=": probably no row passes"):
    message = f"it reads the column {name!r}, which no block before it declares or adds"
    return [("note", "filter", f"{message}{fate}")]


NO_ROW = ": probably no row passes"
COLUMNS = [
    ("undeclared-column", filtered("anything"), undeclared("anything")),
    ("undeclared-column", filtered("anything", {}), []),
    ("undeclared-column", NAMED >> LlmOpenai() >> Filter.where("x").equals(1), []),
    ("undeclared-column", NAMED >> Filter.where("full_nam").equals(1), []),
    ("undeclared-column", NAMED >> STATUS >> FindEmail(), []),
    (
        "undeclared-column",
        NAMED >> Filter.where("x").is_empty(),
        undeclared("x", ": probably every row passes"),
    ),
    (
        "undeclared-column",
        NAMED >> Filter.where("x").not_equals(1),
        undeclared("x", ""),
    ),
    ("undeclared-column", NAMED >> Filter.where("x").equals(None), undeclared("x", "")),
    (
        "undeclared-column",
        NAMED >> Filter.where("x").equals(1).or_("full_name").equals("A"),
        undeclared("x", ""),
    ),
    (
        "undeclared-column",
        NAMED >> Filter.where("x").is_empty().and_("full_name").equals("A"),
        undeclared("x", ""),
    ),
    ("undeclared-column", UNNAMED >> VerifyEmail(), []),
    (
        "undeclared-column",
        NAMED >> fan(FindEmail(), STATUS),
        undeclared("email_status"),
    ),
    ("read-before-written", NAMED >> FindEmail() >> STATUS, []),
    ("read-before-written", NAMED >> fan(FindEmail(), STATUS), []),
    ("read-before-written", NAMED >> STATUS, []),
    (
        "read-before-written",
        NAMED >> STATUS >> FindEmail(),
        early("filter", "email_status", NO_ROW),
    ),
    (
        "read-before-written",
        UNNAMED >> STATUS >> Deduplicate() >> FindEmail(),
        early("filter", "email_status", NO_ROW),
    ),
    (
        "read-before-written",
        NAMED >> VerifyEmail() >> FindEmail(),
        early("verify_email", "email"),
    ),
    ("read-before-written", UNNAMED >> VerifyEmail() >> FindEmail(), []),
    ("near-miss-column", filtered("email_status"), []),
    ("near-miss-column", filtered("anything"), []),
    (
        "near-miss-column",
        filtered("emial_status"),
        near("emial_status", "email_status"),
    ),
    ("near-miss-column", filtered("emailStatus"), near("emailStatus", "email_status")),
    ("near-miss-column", filtered("email_statu"), near("email_statu", "email_status")),
    (
        "near-miss-column",
        filtered("email_statuss"),
        near("email_statuss", "email_status"),
    ),
    (
        "near-miss-column",
        filtered("email_stetus"),
        near("email_stetus", "email_status"),
    ),
    ("near-miss-column", filtered("emale_stetus"), []),
    (
        "near-miss-column",
        filtered("company_sizes"),
        near("company_sizes", "company_size"),
    ),
    ("near-miss-column", filtered("ab1", {"ab2": "str"}), []),
    ("near-miss-column", filtered("phone1", {"phone2": "str"}), []),
    ("near-miss-column", filtered("phone", {"phone2": "str"}), []),
    ("near-miss-column", filtered("x" * 70, {"x" * 69: "str"}), []),
    ("near-miss-column", filtered("AB", {"a-b": "str"}), near("AB", "a-b")),
]

ENUM = {"size": {"description": "Size", "type": "enum"}}
FIELDS = [
    (
        "old-kind-name",
        raw({}, "enrich_lead"),
        [("warning", "enrich_lead", "enrich_lead is the old name of lead_enrichment")],
    ),
    ("unknown-kind", raw({}, "enrich_lead"), []),
    ("unknown-kind", raw({}, "find_email"), []),
    (
        "unknown-kind",
        raw({}, "find_emails"),
        [
            (
                "note",
                "find_emails",
                (
                    "'find_emails' is not in the catalogue (did you mean "
                    "'find_email'?), so "
                    "not checked"
                ),
            )
        ],
    ),
    (
        "unknown-kind",
        Webhook(LEAD) >> RawBlock("qqq", key="a") >> RawBlock("qqq", key="b"),
        [("note", "a", "'qqq' is not in the catalogue, so not checked (2 blocks)")],
    ),
    (
        "unknown-kind",
        raw({}, "score_lead"),  # scrape_web is not near
        [
            (
                "note",
                "score_lead",
                "'score_lead' is not in the catalogue, so not checked",
            )
        ],
    ),
    ("unknown-field", finder(mode="PERSONAL"), []),
    ("unknown-field", finder(extra={"region": "eu"}), []),
    ("unknown-field", raw({"anything": 1}, "verify_email"), []),
    (
        "unknown-field",
        finder(extra={"moode": 1}),
        [
            (
                "warning",
                "find_email",
                "find_email has no field 'moode' that is known (did you mean 'mode'?)",
            )
        ],
    ),
    (
        "unknown-field",
        raw({"region": "eu"}, "find_email"),
        [("warning", "find_email", "find_email has no field 'region' that is known")],
    ),
    (
        "unknown-field",
        raw({"by": "email"}, "deduplicate"),
        [("warning", "deduplicate", "deduplicate has no field 'by' that is known")],
    ),
    ("unchecked-field", finder(extra={"moode": 1}), []),
    ("unchecked-field", raw({"region": "eu"}, "find_email"), []),
    (
        "unchecked-field",
        finder(extra={"region": "eu"}),
        [("note", "find_email", "'region' was passed through extra= and not checked")],
    ),
    (
        "wrong-field-type",
        raw({"url": POST, "timeout_seconds": 5}, "outgoing_webhook"),
        [],
    ),
    ("wrong-field-type", raw({"url": value("url")}, "outgoing_webhook"), []),
    ("wrong-field-type", raw({"url": None}, "outgoing_webhook"), []),
    ("wrong-field-type", finder(verify_emails="inferred"), []),
    ("wrong-field-type", finder(mode=5), []),
    ("wrong-field-type", GroupBy(specs={"specs": 5}), []),
    (
        "wrong-field-type",
        raw({"url": POST, "timeout_seconds": True}, "outgoing_webhook"),
        [
            (
                "warning",
                "outgoing_webhook",
                "timeout_seconds is True, where a whole number is wanted",
            )
        ],
    ),
    (
        "wrong-field-type",
        raw({"return_fields": ["title"]}, "lead_enrichment"),
        [
            (
                "warning",
                "lead_enrichment",
                "return_fields is ['title'], where an object of names is wanted",
            )
        ],
    ),
    (
        "wrong-field-type",
        raw({"filters": [{"column": "a", "operator": "is_empty"}, "b"]}, "filter"),
        [
            (
                "warning",
                "filter",
                (
                    "filters is [{'column': 'a', 'operator': 'is_empty'}, 'b'], where "
                    "a list with an object in each place is wanted"
                ),
            )
        ],
    ),
    (
        "notebook-name-missing",
        noted("__create_new__"),
        [
            (
                "warning",
                "append_to_notebook",
                "notebook_id is '__create_new__', and the new notebook has no name",
            )
        ],
    ),
    ("notebook-name-missing", noted("__create_new__", notebook_name="May"), []),
    ("notebook-name-missing", noted("n"), []),
    (
        "object-in-struct",
        Webhook(LEAD) >> QaAgent(struct={"size": SIZE, "city": "City", "age": SIZE}),
        [
            (
                "warning",
                "qa_agent",
                (
                    "an object where the endpoint takes texts alone: struct.size and "
                    "struct.age"
                ),
            )
        ],
    ),
    ("object-in-struct", Webhook(LEAD) >> QaAgent(struct={"city": "City"}), []),
    ("object-in-struct", Webhook(LEAD) >> ResearchAgent(struct={"size": SIZE}), []),
    ("object-in-struct", raw({"struct": "text"}, "qa_agent"), []),
    ("unknown-type-word", merged(), []),
    ("unknown-type-word", Webhook(LEAD, input_schema={"a": "list[string]"}), []),
    (
        "unknown-type-word",
        Webhook(LEAD) >> TransformData(output_schema=ENUM),
        [
            (
                "warning",
                "transform_data",
                "output_schema.size is of type 'enum', which is undocumented",
            )
        ],
    ),
    ("unknown-type-word", Webhook(LEAD, input_schema={"a": "string", "b": {}}), []),
    ("unknown-type-word", Webhook(LEAD, input_schema={"a": 5}), []),
    ("unknown-type-word", raw({"input_schema": "text"}, "webhook"), []),
    (
        "unknown-type-word",
        Webhook(LEAD, input_schema={"a": "sstring"}),
        [
            (
                "warning",
                "webhook",
                (
                    "input_schema.a is of type 'sstring', which is undocumented (did "
                    "you mean 'string'?)"
                ),
            )
        ],
    ),
    (
        "unknown-type-word",
        Webhook(LEAD) >> LeadEnrichment(return_fields=ENUM),
        [
            (
                "warning",
                "lead_enrichment",
                "return_fields.size is of type 'enum', which is undocumented",
            )
        ],
    ),
    ("type-word-as-description", merged(), []),
    ("type-word-as-description", Webhook(LEAD, input_schema={"a": "string"}), []),
    (
        "type-word-as-description",
        Webhook(LEAD) >> LeadEnrichment(return_fields={"a": "string", "b": "int"}),
        [
            (
                "note",
                "lead_enrichment",
                (
                    "a bare type word is read as a description: return_fields.a and "
                    "return_fields.b"
                ),
            )
        ],
    ),
    (
        "mixed-logic",
        Webhook(LEAD) >> Filter.where("a").is_empty().and_("b").is_empty(),
        [],
    ),
    (
        "mixed-logic",
        Webhook(LEAD)
        >> Filter.where("a").is_empty().and_("b").is_empty().or_("c").is_empty(),
        [
            (
                "warning",
                "filter",
                "it mixes and with or, and which binds first is unknown",
            )
        ],
    ),
    ("unconfirmed-facts", finder(mode="PERSONAL"), []),
    ("unconfirmed-facts", Webhook(LEAD) >> TransformData(output_schema={}), []),
    (
        "unconfirmed-facts",
        Webhook(LEAD) >> TransformData(output_schema={}, specs={"prompt": "x"}),
        [("note", None, "it uses what no document confirms: transform_data.specs")],
    ),
    (
        "unconfirmed-facts",
        Webhook(LEAD)
        >> FindEmail(verify_emails=True, providers=["a"])
        >> GroupBy(specs={"column": "a"})
        >> GroupBy(key="empty")
        >> Filter.where("a").is_empty().or_("b").is_empty(),
        [
            (
                "note",
                None,
                (
                    "it uses what no document confirms: find_email.verify_emails, "
                    "find_email.providers, group_by.specs and filter.filters (or)"
                ),
            )
        ],
    ),
]

VALUES = [
    ("secret-in-specs", raw({"task_id": "sk_short", "ghost": "eyJ.no.jwt"}), []),
    ("secret-in-specs", raw({"column": "risk_assessment_of_customers"}), []),
    ("secret-in-specs", raw({"token": value("token", secret=True)}), []),
    (
        "secret-in-specs",
        raw({"headers": [{SECRETS["an API key"]: SECRETS["a key"]}]}),
        [("warning", "new_kind", "specs/headers/0/*** looks like a key (sk_***)")],
    ),
    *(
        (
            "secret-in-specs",
            raw({"a": {"b": ["", text]}}),
            [("warning", "new_kind", f"specs/a/b/1 looks like {name} ({text[:3]}***)")],
        )
        for name, text in SECRETS.items()
    ),
]

CREATED = "auto_execute buys as soon as the workflow is created, before any run"
UNSET = "auto_execute is not set; the service may buy when it is created"
EFFECTS = [
    ("auto-execute", Search(LEAD, query="q"), []),
    (
        "auto-execute",
        Search(LEAD, query="q", auto_execute=True),
        [("warning", "search", CREATED)],
    ),
    (
        "auto-execute",
        Search(LEAD, query="q", auto_execute=value("buy")),
        [("warning", "search", CREATED)],
    ),
    ("auto-execute", RawBlock("search"), [("note", "search", UNSET)]),
    ("create-new-notebook", Webhook(LEAD) >> AppendToNotebook(notebook_id="n"), []),
    (
        "create-new-notebook",
        Webhook(LEAD) >> AppendToNotebook(notebook_id="__create_new__"),
        [
            (
                "note",
                "append_to_notebook",
                "it may make a new notebook at each run",
            )
        ],
    ),
    ("effects", Webhook(LEAD) >> Deduplicate(), []),
    ("effects", finder(), [("note", None, "costs credits in each run: find_email")]),
]


def after(kind_of_filter, schema=("city",)):
    declared = Webhook(LEAD, input_schema=dict.fromkeys(schema, "str"))
    return declared >> FindEmail() >> kind_of_filter


SPARED = [("warning", "filter", "the filter reads nothing that find_email (FILE) adds")]
TWICE = [("note", "deduplicate", "rows are there twice when find_email (FILE) is paid")]
COST = [
    ("late-filter", after(Filter.where("email_status").equals("OK")), []),
    ("late-filter", after(Filter.where("email").is_empty(), ["email"]), []),
    ("late-filter", after(Filter.where("undeclared").is_empty()), []),
    ("late-filter", after(VerifyEmail() >> Filter.where("city").is_empty()), []),
    ("late-filter", after(Filter(filters=[])), []),
    ("late-filter", Webhook(LEAD) >> Filter.where("a").is_empty(), []),
    (
        "late-filter",
        fan(*SOURCES) >> Filter.where("a").is_empty() >> FindEmail(),
        [],
    ),
    (
        "late-filter",
        after(fan(Filter.where("city").is_empty(), FindPhone())),
        [],
    ),
    ("late-filter", after(Filter.where("city").is_empty()), SPARED),
    ("late-filter", after(Deduplicate() >> Filter.where("city").is_empty()), SPARED),
    ("late-filter", after(GroupBy() >> Filter.where("city").is_empty()), []),
    ("late-filter", after(RawBlock("new") >> Filter.where("city").is_empty()), []),
    ("late-deduplicate", finder(), []),
    ("late-deduplicate", Webhook(LEAD) >> Deduplicate() >> FindEmail(), []),
    (
        "late-deduplicate",
        Webhook(COMPANY) >> CompanyToLeads() >> Deduplicate(),
        [],
    ),
    ("late-deduplicate", after(Deduplicate()), TWICE),
    (
        "late-deduplicate",
        after(DeduplicateWrtNotebook(notebook_id="n")),
        [("note", "deduplicate_wrt_notebook", TWICE[0][2])],
    ),
    ("mergeable-enrichment", merged(tier="high"), []),
    ("mergeable-enrichment", merged(), []),
    (
        "mergeable-enrichment",
        Webhook(LEAD)
        >> LeadEnrichment(return_fields={"a": "A"}, key="a")
        >> FindPhone()
        >> LeadEnrichment(return_fields={"b": "B"}, key="b"),
        [],
    ),
    (
        "mergeable-enrichment",
        Webhook(LEAD) >> [LeadEnrichment(return_fields={}, key=key) for key in "ab"],
        [],
    ),
    (
        "mergeable-enrichment",
        merged(tier="low") >> LeadEnrichment(return_fields={}, key="c", tier="low"),
        [
            (
                "note",
                "lead_enrichment",
                "3 lead_enrichment blocks follow each other with the same settings",
            )
        ],
    ),
    ("cost-estimate", Webhook(LEAD) >> Deduplicate(), []),
    (
        "cost-estimate",
        finder(),
        [
            (
                "note",
                None,
                (
                    "1,000 input rows may cost up to $50 (find_email $50); an "
                    "estimate by documented prices, before filters"
                ),
            )
        ],
    ),
]

TABLE = [*GRAPH, *ROWS, *COLUMNS, *FIELDS, *VALUES, *EFFECTS, *COST]


@pytest.mark.parametrize(
    ("code", "flow", "expected"),
    TABLE,
    ids=[f"{number}-{code}" for number, (code, *_) in enumerate(TABLE)],
)
def test_advice(code, flow, expected):
    """Each definition has just these findings of the code, in these words."""
    found = told(flow, code)

    shown = [(s, where, hide_places(message)) for s, where, message in found]
    assert shown == expected


def hide_places(message):
    """The message without the lines of this file, which move when it is edited."""
    return re.sub(r"\([^()]*test_advice\.py:\d+\)", "(FILE)", message)


def test_a_finding_shows_the_line_of_code():
    """The place of a block is the call that made it, of a workflow its own call."""
    step = FindEmail()
    line = step.place.line
    workflow = Workflow("Leads", step >> FindPhone())

    found = {f.code: (f.file, f.line) for f in workflow.check()}

    assert found["no-source"] == (__file__, line)
    assert found["key-from-title"] == (__file__, line + 2)


def test_a_finding_shows_the_place_in_a_file():
    """Of what was read, the place of a block is a JSON pointer."""
    text = Workflow("Leads", FindEmail() >> FindPhone(), key="leads").to_json()

    found = [f for f in Workflow.from_json(text).check() if f.code == "no-source"]

    assert [(f.where, f.file) for f in found] == [
        ("/workflow_definition/blocks/0", None)
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"key": "leads"}, []),
        ({"was": "leads"}, []),
        (
            {},
            [
                (
                    "note",
                    None,
                    "its key is made from its title, so a new title is a new workflow",
                )
            ],
        ),
    ],
)
def test_key_from_title(options, expected):
    """A key that nobody gave is made from the title, unless `was=` holds the ids."""
    workflow = Workflow("Leads", Webhook(LEAD), **options)

    assert told(workflow, "key-from-title") == expected


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ("acme.example", 0),
        ("github.com/acme/pipelines", 0),
        ("acme/pipelines", 0),
        ("é.example", 0),
        ("Acme.Example", 0),
        ("Acme Inc", 1),
        ("Acme Inc.", 1),
        ("acme inc. ltd.com", 1),
        ("acme", 1),
        ("-", 1),
        ("", 0),
    ],
)
def test_vague_namespace(namespace, expected):
    """Ids are computed from it, and others may choose a plain name too.

    A namespace that is not a key is an error, and this rule adds nothing to it.
    """
    project = Project("growth", namespace=namespace)
    workflow = Workflow("Leads", Webhook(LEAD), key="leads", project=project)

    found = [one for one in workflow.check() if one.code == "vague-namespace"]

    message = (
        f"namespace is {namespace!r}, which is not a domain or repository, so others "
        "may have the same one"
    )
    assert [one.message for one in found] == [message] * expected


@pytest.mark.parametrize(
    ("flow", "advice"),
    [
        (
            FindEmail() >> Webhook(LEAD),
            "begin with webhook, before the blocks that take its rows",
        ),
        (
            Search(LEAD, query="q") >> Webhook(LEAD),
            "begin a workflow of its own with it",
        ),
        (RawBlock("new_kind") >> Webhook(LEAD), "begin a workflow of its own with it"),
    ],
)
def test_advice_for_a_source_behind_a_block(flow, advice):
    """If nothing else brings rows, the source is only at the wrong place."""
    found = Workflow("Leads", flow, key="leads").check()

    assert [f.help for f in found if f.code == "source-with-predecessor"] == [advice]


def test_no_namespace_is_not_vague():
    """Without a project, a workflow is for this machine alone."""
    workflow = Workflow("Leads", Webhook(LEAD), key="leads")

    assert "vague-namespace" not in {one.code for one in workflow.check()}


def test_ids_that_are_uuids():
    """Nothing is told of UUIDs, nor of a workflow without an id."""
    made = wired(("webhook", {}), ("find_email", {}))
    text = Workflow.from_definition(made).to_json()

    for definition in (made, evolve(made, id=None), wired()):
        assert not {f.code for f in findings(definition)} & {
            "workflow-id-not-uuid",
            "block-id-not-uuid",
        }
    assert told(Workflow.from_json(text), "block-id-not-uuid") == []


def test_conditions_are_reserved():
    """An edge with a condition is told at the block it leads to."""
    made = wired(("webhook", {}), ("find_email", {}))
    edges = [
        made.edges[0]._replace(extra=FrozenDict({"condition": condition, "x": 1}))
        for condition in ("email", None)
    ]

    found = [
        (f.severity, f.block_id, f.message)
        for f in findings(evolve(made, edges=tuple(edges)))
        if f.code == "condition-present"
    ]

    message = "an edge to it has a condition, and conditions are reserved"
    assert found == [("warning", made.blocks[1].id, message)]


def numbered(*numbers, edges=None):
    made = wired(*[("deduplicate", {}) for _ in numbers], edges=edges)
    blocks = [
        block._replace(number=number)
        for block, number in zip(made.blocks, numbers, strict=True)
    ]
    return evolve(made, blocks=tuple(blocks))


@pytest.mark.parametrize(
    ("numbers", "edges", "expected"),
    [
        ((1, 2, 3), None, []),
        ((1, 20, 300), None, []),
        ((2, 1), [(1, 0)], []),
        ((1, 2), [(0, 0), (0, 1)], []),
        ((-2, -1), None, []),
        ((1, 1), [], [(1, "duplicate-sequence-number")]),
        (
            (1, 2, 2, 2),
            [(0, 1), (0, 2)],
            [(2, "duplicate-sequence-number"), (3, "duplicate-sequence-number")],
        ),
        ((2, 1), None, [(1, "sequence-against-edges")]),
        ((1, 3, 2), [(0, 2), (1, 2)], [(2, "sequence-against-edges")]),
        ((5, 4, 3), [(0, 2), (1, 2)], [(2, "sequence-against-edges")]),
        (
            (1, 1),
            None,
            [(1, "duplicate-sequence-number"), (1, "sequence-against-edges")],
        ),
    ],
)
def test_sequence_numbers(numbers, edges, expected):
    """They are judged in JSON, at the block whose number is in doubt."""
    made = numbered(*numbers, edges=edges)
    ids = [block.id for block in made.blocks]

    found = [f for f in findings(made) if "sequence" in f.code]

    assert [(ids.index(f.block_id), f.code) for f in found] == expected
    assert {f.severity for f in found} <= {"warning"}
    reason = "; the final result is taken from the highest number"
    assert all(f.message.endswith(reason) for f in found)


def test_words_about_sequence_numbers():
    """They name the other block, as the file names it."""
    workflow = Workflow.from_json(dumps(numbered(1, 1)))
    first = "deduplicate (/workflow_definition/blocks/0)"
    reason = "the final result is taken from the highest number"

    assert [f.message for f in workflow.check() if "sequence" in f.code] == [
        f"sequence_number 1 is also that of {first}; {reason}",
        f"sequence_number 1 follows {first} with number 1; {reason}",
    ]


@pytest.mark.usefixtures("own_kinds")
def test_unknown_column_is_told_once_a_set_is_closed():
    """No kind of today's catalogue closes its set, but one of your own may."""

    @frozen(eq=False, kw_only=True)
    class Closed(YcCompanies):
        kind = "closed"
        about = evolve(YcCompanies.about, columns=Columns(adds=[Column("name")]))

    conditions = [
        {"column": "name", "operator": "is_empty"},
        {"column": "names", "operator": "not_equals", "value": 1, "logic": "and"},
        {"column": "other", "operator": "equals", "value": 1, "logic": "and"},
    ]
    made = wired(("closed", {}), ("filter", {"filters": conditions}))

    found = [
        (f.code, f.message, f.help) for f in findings(made) if f.family == "columns"
    ]

    assert found == [
        (
            "undeclared-column",
            f"it reads the column {name!r}, which rows do not have here{fate}",
            "they have name",
        )
        for name, fate in (("names", ""), ("other", NO_ROW))
    ]


def test_reads_of_a_long_chain_take_linear_time():
    """Four thousand filters each read a column of a block that is thousands further."""
    count = 4000
    filters = [
        ("filter", {"filters": [{"column": f"c{i}", "operator": "is_empty"}]})
        for i in reversed(range(count))
    ]
    adding = [
        ("lead_enrichment", {"return_fields": {f"c{i}": ""}}) for i in range(count)
    ]
    webhook = ("webhook", {"dataframe_type": "LEAD", "input_schema": {"a": "string"}})

    found = findings(wired(webhook, *filters, *adding))

    assert sum(one.code == "read-before-written" for one in found) == count


def test_a_name_that_slipped_is_near_only_to_what_rows_have_there():
    """A column that comes later, or on another branch, is not the one that is meant."""
    flow = Webhook(LEAD) >> Filter.where("emial_status").is_empty() >> FindEmail()

    assert told(flow, "near-miss-column") == []


@pytest.mark.parametrize(
    ("name", "is_near"), [("bcdefga", False), ("acbdefg", True), ("abcdefg", False)]
)
def test_columns_of_the_same_length_that_share_letters(name, is_near):
    """Two swapped letters are a slip. A letter that moved further is not."""
    flow = Webhook(LEAD, input_schema={"abcdefg": "string"}) >> FindEmail()

    found = Workflow(
        "Leads", flow >> Filter.where(name).is_empty(), key="leads"
    ).check()

    assert ("near-miss-column" in {one.code for one in found}) is is_near


@pytest.mark.parametrize("code", ["no-source", "effects", "cost-estimate"])
def test_a_project_silences_advice(code):
    """A code that a project allows is found in none of its workflows."""
    flow = FindEmail() >> FindPhone()
    project = Project("growth", namespace="acme.example", allow=[code])

    loud = Workflow("Leads", flow, key="leads")
    quiet = Workflow("Leads", flow, key="leads", project=project)

    assert told(loud, code)
    assert told(quiet, code) == []


def test_a_block_silences_advice():
    """A code that a block allows is not found there, and is elsewhere."""
    first, second = FindEmail(allow=("no-source",)), FindPhone()

    assert told(fan(first, second) >> Deduplicate(), "no-source") == [
        ("warning", "find_phone", "nothing feeds find_phone, so no rows reach it")
    ]


def test_a_code_that_is_allowed_and_does_not_exist():
    """It silences nothing, and is told where it stands; known codes are not."""
    find = FindEmail(allow=["no-sources", "cost-estimate", "x" * 99])
    project = Project("growth", namespace="acme.example", allow=["effect", "effects"])
    workflow = Workflow("Leads", Webhook(LEAD) >> find, key="leads", project=project)

    assert told(workflow, "unknown-allow") == [
        (
            "warning",
            None,
            "allow names 'effect', which no finding has (did you mean 'effects'?)",
        ),
        (
            "warning",
            "find_email",
            (
                "allow names 'no-sources', which no finding has "
                "(did you mean 'no-source'?)"
            ),
        ),
        (
            "warning",
            "find_email",
            f"allow names '{'x' * 58}…, which no finding has",
        ),
    ]
    assert told(Webhook(LEAD, allow="no-sources"), "unknown-allow") != []
    assert told(Webhook(LEAD, allow=["unknown-allow", "x"]), "unknown-allow") == []


def test_specs_of_any_shape_are_judged():
    """Lists where mappings are wanted, and empty ones, are no accident."""
    for specs in ({"filters": [1]}, {"filters": "ab"}, {"filters": {}}, {}):
        made = wired(("webhook", {}), ("filter", freeze(specs, (), [])))
        assert {f.severity for f in findings(made)} <= {"warning", "note"}
