"""Rules: for each code, workflows that have the finding and near ones without it."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, Project, RawBlock, Schedule, Workflow, fan, tap, value
from flow64.analysis.check import RULES, errors, findings, rules_for
from flow64.analysis.fields import survey
from flow64.blocks import (
    CATALOGUE,
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    GroupBy,
    LeadEnrichment,
    LeadsToCompany,
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
    facts_of,
)
from flow64.definition import FrozenDict
from tests.analysis.support import wired

GROWTH = Project("growth", namespace="acme.example")
POST = "https://example.com/hook"
KEY = "sk_live_" + "0123456789abcdef"
LEADS = Webhook(LEAD)
NAMED = Webhook(LEAD, input_schema={"full_name": "string", "age": "int", "ok": "bool"})
STATUS = Filter.where("email_status").equals("OK")
SOURCES = [Webhook(LEAD), Search(LEAD, query="q")]
TITLE = {"title": "Job title"}


def timed(flow, cron="0 9 * * *"):
    return Workflow("x", flow, schedules=[Schedule("daily", cron)])


def raw(specs, kind="new_kind"):
    return LEADS >> RawBlock(kind, specs=specs)


def finder(**fields):
    return LEADS >> FindEmail(**fields)


def lead(fields=None, **more):
    return LEADS >> LeadEnrichment(TITLE if fields is None else fields, **more)


def company(**fields):
    enrichment = CompanyEnrichment(return_fields={"size": "Employees"}, **fields)
    return Webhook(COMPANY, input_schema={"industry": "string"}) >> enrichment


def sent(url):
    return LEADS >> OutgoingWebhook(url=url)


def kept(column, operator, *values):
    condition = getattr(Filter.where(column), operator)
    return NAMED >> FindEmail() >> condition(*values)


def after(*steps):
    flow = Webhook(LEAD, input_schema={"city": "str"}) >> FindEmail()
    for step in steps:
        flow = flow >> step
    return flow


def numbered(*numbers, edges=None):
    definition = wired(*[(kind, {}) for kind in "abc"[: len(numbers)]], edges=edges)
    pairs = zip(definition.blocks, numbers, strict=True)
    return evolve(definition, blocks=tuple(b._replace(number=n) for b, n in pairs))


def conditional(extra):
    definition = wired(("webhook", {}), ("find_email", {}))
    return evolve(definition, edges=(definition.edges[0]._replace(extra=extra),))


def filtered(**condition):
    return wired(("filter", {"filters": [condition]}))


CITY = Filter.where("city").is_empty()

# Code: workflows with a finding and its severity, and workflows without one.
CASES = {
    "no-blocks": ({"error": [wired()]}, [wired(("webhook", {}))]),
    "cycle": (
        {
            "error": [
                wired(*[(k, {}) for k in "abc"], edges=[(0, 1), (1, 2), (2, 1)]),
                wired(("webhook", {}), ("a", {}), edges=[(0, 1), (1, 1)]),
            ]
        },
        [wired(*[(k, {}) for k in "abcd"], edges=[(0, 2), (0, 3), (2, 3), (3, 1)])],
    ),
    "dangling-edge": (
        {
            "error": [
                evolve(
                    wired(("a", {}), ("b", {})),
                    edges=(wired(("a", {}), ("b", {})).edges[0]._replace(target="x"),),
                )
            ]
        },
        [finder()],
    ),
    "row-kind-mismatch": (
        {
            "error": [
                Webhook(COMPANY) >> FindEmail(),
                Webhook(COMPANY) >> Deduplicate() >> FindEmail(),
                finder() >> LeadsToCompany() >> FindPhone(),
            ]
        },
        [
            finder(),
            Webhook(COMPANY) >> CompanyToLeads() >> FindEmail(),
            fan(Webhook(COMPANY), Webhook(LEAD, key="b"))
            >> Deduplicate()
            >> FindEmail(),
            Webhook(COMPANY) >> ResearchAgent() >> FindEmail(),
        ],
    ),
    "no-source": (
        {"warning": [FindEmail() >> FindPhone(), FindEmail()]},
        [finder(), RawBlock("new_kind") >> FindEmail()],
    ),
    "several-sources": ({"warning": [fan(*SOURCES) >> FindEmail()]}, [finder()]),
    "source-with-predecessor": (
        {"warning": [LEADS >> RawBlock("search")]},
        [LEADS >> YcCompanies(), LEADS],
    ),
    "isolated-block": (
        {"warning": [fan(finder(), FindPhone()), fan(LEADS, FindPhone())]},
        [LEADS, finder()],
    ),
    "sink-with-successor": (
        {"warning": [sent(POST) >> FindEmail()]},
        [sent(POST), LEADS >> tap(OutgoingWebhook(url=POST)) >> FindEmail()],
    ),
    "several-parents": (
        {"warning": [LEADS >> fan(FindEmail(), FindPhone()) >> Deduplicate()]},
        [LEADS >> fan(FindEmail(), FindPhone())],
    ),
    "condition-present": (
        {"warning": [conditional(FrozenDict(condition="email"))]},
        [conditional(FrozenDict(condition=None)), finder()],
    ),
    "wrong-sequence-number": (
        {"warning": [numbered(1, 1), numbered(2, 1, 1), numbered(1, 3, 2)]},
        [numbered(5, 7), numbered(1, 2, 3, edges=[(0, 1), (1, 2), (2, 1)]), finder()],
    ),
    "first-block-not-webhook": (
        {"note": [Search(LEAD, query="q")], "warning": [ReadCsv(LEAD)]},
        [finder(), ReadCsv(LEAD, resource_handle_id="handle")],
    ),
    "no-project": (
        {"warning": [Workflow("Leads", LEADS, key="leads")]},
        [
            finder(),
            Workflow("x", LEADS, id="00000000-0000-4000-8000-000000000001"),
            evolve(wired(("webhook", {})), path="ns:local/workflow:x"),  # from JSON
        ],
    ),
    "vague-namespace": (
        {"warning": [Workflow("x", LEADS, project=Project("p", namespace="Acme Inc"))]},
        [
            finder(),
            Workflow("x", LEADS, project=Project("p", namespace="github.com/acme/x")),
            Workflow("x", LEADS),
        ],
    ),
    "key-from-title": (
        {"note": [Workflow("Leads", LEADS)]},
        [Workflow("Leads", LEADS, key="leads")],
    ),
    "workflow-id-not-uuid": (
        {"warning": [evolve(wired(("webhook", {})), id="leads")]},
        [finder()],
    ),
    "missing-description": (
        {"warning": [evolve(wired(("webhook", {})), is_described=False)]},
        [finder()],
    ),
    "company-to-leads-without-people": (
        {"warning": [company() >> CompanyToLeads()]},
        [
            company(find_people=True) >> Deduplicate() >> CompanyToLeads(),
            company(find_people=value("find")) >> CompanyToLeads(),
            Webhook(COMPANY) >> RawBlock("new_kind") >> CompanyToLeads(),
        ],
    ),
    "late-filter": (
        {
            "warning": [after(CITY), after(Deduplicate(), CITY)],
            "note": [after(Deduplicate())],
        },
        [
            after(STATUS),
            LEADS >> Deduplicate() >> FindEmail(),
            after(VerifyEmail(), CITY),
            after(GroupBy(), CITY),
            after(RawBlock("new"), CITY),
            after(fan(CITY, FindPhone())),
            after(Filter.where("undeclared").is_empty()),
            LEADS >> CITY,
        ],
    ),
    "mergeable-enrichment": (
        {"note": [lead() >> LeadEnrichment({"city": "City"}, key="city")]},
        [
            lead() >> LeadEnrichment({"city": "City"}, key="city", tier="low"),
            lead() >> FindPhone() >> LeadEnrichment({"city": "City"}, key="city"),
        ],
    ),
    "undeclared-column": (
        {
            "warning": [
                NAMED >> Filter.where("x").equals(1),
                NAMED >> Filter.where("full_nam").equals(1),
                NAMED >> fan(FindEmail(), STATUS),
                NAMED >> OutgoingWebhook(url=value("hook")) >> STATUS,
                NAMED >> STATUS >> FindEmail(),
                LEADS >> STATUS >> Deduplicate() >> FindEmail(),
                NAMED >> VerifyEmail() >> FindEmail(),
                *(
                    kept(name, "equals", "OK")
                    for name in ("emial_status", "emailStatus", "email_statuss")
                ),
                *(
                    company(find_people=True)
                    >> CompanyToLeads()
                    >> FindEmail()
                    >> Filter.where(name).equals("x")
                    for name in ("industry", "size")
                ),
            ]
        },
        [
            LEADS >> Filter.where("x").equals(1),
            LEADS >> VerifyEmail() >> FindEmail(),
            NAMED >> LlmOpenai() >> Filter.where("x").equals(1),
            NAMED >> FindEmail(mode=value("mode")) >> Filter.where("x").equals(1),
            NAMED >> FindEmail() >> STATUS,
            company() >> Filter.where("industry").equals("x"),
            company(find_people=True)
            >> CompanyToLeads()
            >> LeadEnrichment({"industry": "Its industry"})
            >> Filter.where("industry").equals("x"),
        ],
    ),
    "overwritten-column": (
        {"warning": [NAMED >> LeadEnrichment({"full_name": "Name"})]},
        [
            NAMED >> LeadEnrichment(TITLE),
            lead() >> LeadEnrichment(TITLE, key="again"),
            Webhook(LEAD, input_schema={"email": "str"}) >> FindEmail(),
        ],
    ),
    "unlisted-value": (
        {
            "warning": [
                kept("email_status", "equals", "ok"),
                kept("email_status", "in_", ["OK", "VALID"]),
                kept("email_status", "not_equals", "BAD"),
            ]
        },
        [
            kept("email_status", "equals", "OK"),
            kept("email_status", "equals", value("status")),
            kept("email_status", "is_empty"),
            NAMED
            >> FindEmail()
            >> LlmOpenai()
            >> Filter.where("email_status").equals(1),
        ],
    ),
    "wrong-value-type": (
        {
            "warning": [
                kept("age", "greater", "many"),
                kept("age", "greater", "50"),
                kept("ok", "equals", "maybe"),
                kept("age", "in_", 5),
                kept("age", "in_", []),
                kept("full_name", "equals", ["Ada"]),
                NAMED >> Filter([{"column": "age", "operator": "greater"}]),
                *(kept("full_name", "equals", nothing) for nothing in (None, "")),
            ],
            "note": [kept("full_name", "equals", 5)],
        },
        [
            kept("age", "greater", 50),
            kept("age", "greater", value("limit")),
            kept("age", "in_", [1, 2]),
            kept("unknown", "greater", "x"),
            kept("full_name", "matches", "a["),
        ],
    ),
    "contradicting-conditions": (
        {
            "warning": [
                LEADS >> Filter.where("a").equals(1).and_("a").equals(2),
                LEADS >> Filter.where("a").greater(5).and_("a").less(5),
                LEADS >> Filter.where("a").is_empty().and_("a").is_not_empty(),
                LEADS >> Filter.where("a").is_empty().and_("a").contains("b"),
                LEADS
                >> Filter.where("a", key="x").in_(["b", "c"])
                >> FindEmail()
                >> Filter.where("a").not_in(["B", "c"]),
                RawBlock("new")
                >> Filter.where("a", key="x").equals(1)
                >> fan(FindEmail(verify_emails=value("verify")), FindPhone())
                >> Filter.where("a").equals(2),
            ]
        },
        [
            LEADS >> Filter.where("a").equals(1).or_("a").equals(2),
            LEADS >> Filter.where("a").equals(1).and_("a").equals("1"),
            LEADS >> Filter.where("a").greater(5).and_("a").less(6),
            LEADS >> Filter.where("a").equals(1).and_("b").equals(2),
            LEADS
            >> Filter.where("title", key="x").equals("a")
            >> LeadEnrichment(TITLE)
            >> Filter.where("title").equals("b"),
            LEADS
            >> Filter.where("a", key="x").equals(1)
            >> fan(Deduplicate(), LlmOpenai())
            >> Filter.where("a").equals(2),
            LEADS
            >> Filter.where("a", key="x").equals(1)
            >> RawBlock("new")
            >> Filter.where("a").equals(2),
        ],
    ),
    "unknown-kind": (
        {
            "note": [raw({}, "find_emails"), raw({}, "score_lead")],
            "warning": [raw({}, "enrich_lead")],
        },
        [finder()],
    ),
    "unknown-field": (
        {
            "warning": [
                finder(extra={"moode": 1}),
                raw({"region": "eu"}, "find_email"),
                raw({"by": "email"}, "deduplicate"),
            ]
        },
        [
            finder(mode="PERSONAL"),
            finder(extra={"region": "eu"}),
            raw({"anything": 1}, "verify_email"),
        ],
    ),
    "unknown-word": (
        {
            "error": [
                finder(mode="PERSONALL"),
                raw({"dataframe_type": 5}, "webhook"),
                finder(mode=["PERSONAL"]),
            ],
            "warning": [
                raw({"dataframe_type": 5}, "search"),
                finder(mode="personal"),
                lead(tier="hihg"),
                filtered(column="a", operator="eq"),
                filtered(column="a", operator="in", logic="xor"),
            ],
        },
        [
            finder(mode="PERSONAL"),
            finder(mode=value("mode")),
            finder(mode=None),
            lead(tier="low"),
            filtered(column="a", operator="in", value=[], logic="or"),
        ],
    ),
    "wrong-field-type": (
        {
            "error": [
                sent(5),
                LEADS >> OutgoingWebhook(url=POST, timeout_seconds=True),
                lead(["title"]),
                lead("title"),
                lead({"title": 5}),
                LEADS >> Filter("email_status == 'OK'"),
                LEADS >> Filter(["email_status == 'OK'"]),
            ],
            "warning": [
                finder(mode=None),
                finder(verify_emails="yes"),
                LEADS >> QaAgent(qualification_criteria=["is large"]),
                Search(LEAD, query="q", max_results="5"),
                LEADS >> TransformData(output_schema=None),
                lead({"title": ""}),
                lead(research_plan=" "),
            ],
        },
        [
            LEADS >> OutgoingWebhook(url=value("url"), timeout_seconds=5),
            sent(""),
            Webhook(LEAD, input_schema={"title": {}}) >> FindEmail(),
            finder(mode=5),
            lead({"title": {"description": "x"}, "name": value("name")}),
            LEADS >> GroupBy(specs={"specs": 5}),
            sent(None),
        ],
    ),
    "missing-field": (
        {
            "error": [sent(""), raw({}, "outgoing_webhook"), sent(None)],
            "warning": [
                sent("  "),
                Webhook() >> FindEmail(),
                LEADS >> Filter(filters=[]),
                filtered(operator="is_empty"),
                filtered(column=" ", operator="is_empty"),
                filtered(column="a"),
            ],
        },
        [
            sent(value("url")),
            LEADS >> Filter.where(value("column")).is_empty(),
            finder(),
        ],
    ),
    "number-below-one": (
        {
            "warning": [
                Search(LEAD, query="q", max_results=0),
                LEADS >> OutgoingWebhook(url=POST, timeout_seconds=-1),
            ]
        },
        [Search(LEAD, query="q", max_results=1)],
    ),
    "insecure-url": (
        {
            "error": [sent(url) for url in ("ftp://a.example", "/hook", "https://[")],
            "warning": [
                sent(url) for url in ("http://8.8.8.8", "https://user:word@a.example")
            ],
            "note": [sent(url) for url in ("http://127.0.0.1:1/x", "http://[::1]/x")],
        },
        [sent(POST), sent(""), sent(value("url")), sent("https://a.example:8443/x")],
    ),
    "mixed-logic": (
        {
            "warning": [
                LEADS
                >> Filter.where("a").is_empty().and_("b").is_empty().or_("c").equals(1)
            ]
        },
        [LEADS >> Filter.where("a").is_empty().and_("b").is_empty()],
    ),
    "nothing-to-find": (
        {"warning": [lead({})]},
        [lead(), Webhook(COMPANY) >> CompanyEnrichment({}, find_people=True)],
    ),
    "object-in-struct": (
        {"warning": [LEADS >> QaAgent(struct={"size": {"description": "x"}})]},
        [LEADS >> QaAgent(struct={"size": "x"})],
    ),
    "unknown-type-word": (
        {
            "warning": [
                Webhook(LEAD, input_schema={"email": "text"}),
                lead({"size": {"description": "Size", "type": "enum"}}),
            ]
        },
        [NAMED, lead({"size": {"description": "Size", "type": "int"}}), lead()],
    ),
    "type-word-as-description": (
        {
            "note": [
                lead({"title": "string"}),
                lead({"n": "number"}),
            ]
        },
        [lead(), NAMED, lead({"title": "Title"})],
    ),
    "unconfirmed-facts": (
        {
            "note": [
                finder(verify_emails=True),
                finder(extra={"region": "eu"}),
                LEADS >> GroupBy(specs={"column": "a"}),
                LEADS >> Filter.where("a").is_empty().or_("b").is_empty(),
            ]
        },
        [finder(mode="PERSONAL"), LEADS >> GroupBy(), lead()],
    ),
    "secret-in-specs": (
        {
            "warning": [
                raw({"a": {"b": ["", KEY]}}),
                raw({"a": "Bearer eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiIxIn0.c2ln"}),
                raw({"a": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n"}),
            ]
        },
        [
            raw({"task_id": "sk_short", "ghost": "eyJ.no.jwt"}),
            raw({"token": value("token", secret=True)}),
        ],
    ),
    "auto-execute": (
        {
            "warning": [
                Search(LEAD, query="q", auto_execute=True),
                Search(LEAD, query="q", auto_execute=value("buy")),
            ],
            "note": [RawBlock("search")],
        },
        [Search(LEAD, query="q")],
    ),
    "schedule-without-rows": (
        {"warning": [timed(Webhook(LEAD) >> FindEmail())]},
        [timed(Search(LEAD, query="q")), Webhook(LEAD) >> FindEmail()],
    ),
    "unreadable-cron": (
        {"warning": [timed(Search(LEAD, query="q"), "0 25 * * *")]},
        [timed(Search(LEAD, query="q"), "*/5 9 L * MON-FRI")],
    ),
    "create-new-notebook": (
        {
            "note": [
                LEADS >> AppendToNotebook("__create_new__", notebook_name="Leads")
            ],
            "warning": [LEADS >> AppendToNotebook("__create_new__")],
        },
        [LEADS >> AppendToNotebook("n")],
    ),
    "effects": ({"note": [finder()]}, [LEADS >> Deduplicate()]),
    "cost-estimate": ({"note": [finder()]}, [LEADS >> Deduplicate()]),
    "duplicate-key": (
        {"error": [finder(key="a") >> FindPhone(key="a")]},
        [finder(key="a") >> FindPhone(key="a").scoped("s")],
    ),
    "ambiguous-default-key": (
        {"error": [finder() >> FindEmail()]},
        [finder() >> FindEmail(key="b")],
    ),
    "unknown-allow": (
        {"warning": [finder(allow=["no-sources"])]},
        [finder(allow=["no-source"])],
    ),
}

LIVE = {"unlisted-kind", "schema-mismatch", "unusable-schema"}
"""Codes of rules that read the service's own list of blocks; see `test_live.py`."""


def workflow_of(subject):
    if isinstance(subject, Workflow):
        return subject
    if hasattr(subject, "blocks"):
        return Workflow.from_definition(subject)
    return Workflow("Leads", subject, key="leads", project=GROWTH)


def findings_of(subject):
    return workflow_of(subject).check()


def severities(subject, code):
    return {
        finding.severity for finding in findings_of(subject) if finding.code == code
    }


def test_every_rule_is_here():
    """A new rule needs a workflow that has it, and one that is near."""
    assert {rule.code for rule in RULES} == {*CASES, *LIVE}


@pytest.mark.parametrize("code", CASES)
def test_rule(code):
    """A rule finds what it is for, and leaves what is near alone."""
    faulty, right = CASES[code]

    for severity, subjects in faulty.items():
        for subject in subjects:
            assert severity in severities(subject, code), subject
    for subject in right:
        assert severities(subject, code) == set(), subject


@pytest.mark.parametrize("code", CASES)
def test_a_rule_that_is_not_asked_finds_nothing(code):
    """The kinds and traits of a rule are all that its fault may need."""
    faulty, right = CASES[code]
    for subject in sum(faulty.values(), right):
        definition = workflow_of(subject).lower().definition
        asked = rules_for(frozenset(survey(definition).traits))
        others = [rule for rule in RULES if rule not in asked]
        assert [rule.code for rule in others if [*rule.find(definition)]] == []


SLIPS = {
    "overwritten-column": NAMED >> LeadEnrichment(return_fields={"age": "Age"}),
    "contradicting-conditions": NAMED
    >> Filter.where("age").greater(5).and_("age").less(5),
    "late-filter": NAMED >> FindEmail() >> Filter.where("age").greater(5),
    "undeclared-column": kept("emial_status", "equals", "OK"),
    "missing-field": NAMED >> Filter([{"column": " ", "operator": "is_empty"}]),
    "wrong-value-type": NAMED >> Filter.where("age").greater("5"),
    "wrong-field-type": NAMED >> OutgoingWebhook(url=POST, timeout_seconds="5"),
    "unknown-word": finder(mode="BUSINESS"),
    "insecure-url": sent("example.com/hook"),
    "duplicate-key": finder(key="a") >> FindPhone(key="a"),
    "row-kind-mismatch": LEADS >> CompanyEnrichment(return_fields=TITLE),
    "no-project": Workflow("Leads", finder(), key="leads"),
}


@pytest.mark.parametrize("code", SLIPS)
def test_a_slip_is_one_finding(code):
    """It is said once, at its line, with what to write instead."""
    findings = [each for each in findings_of(SLIPS[code]) if each.severity != "note"]

    assert [finding.code for finding in findings] == [code]
    assert findings[0].help
    assert findings[0].file == __file__


def test_a_value_may_let_rows_pass():
    """Nothing is said of the fate of rows that an environment decides."""
    one, other = (kept("age", "in_", [item, "x"]) for item in ("y", value("age")))

    assert "no row passes" in str(findings_of(one))
    assert "no row passes" not in str(findings_of(other))


def test_place_of_a_finding():
    """A block has the place of its call, and a workflow that of its own."""
    step = FindEmail()
    workflow = Workflow("Leads", step >> FindPhone())
    read = Workflow.from_json(workflow.to_json())

    lines = {finding.code: (finding.file, finding.line) for finding in workflow.check()}
    (of_json,) = [finding for finding in read.check() if finding.code == "no-source"]

    assert lines["no-source"] == (__file__, step.place.line)
    assert lines["key-from-title"] == (__file__, step.place.line + 1)
    assert of_json.where == "/workflow_definition/blocks/0"


INFERRED = [
    (kind, name)
    for kind, block in CATALOGUE.items()
    for name, fact in facts_of(block).items()
    if fact.confidence in ("I", "U")
]


@pytest.mark.parametrize(("kind", "name"), INFERRED)
def test_no_error_rests_on_an_inferred_fact(kind, name):
    """The service may take any value, so none is refused."""
    plain = {(each.code, each.message) for each in errors(wired((kind, {})))}

    for value_of_spec in ("x", 5, -1, True, None, [], ["x"], [5], {}, {"a": 5}):
        definition = wired((kind, {name: value_of_spec}))
        assert {(each.code, each.message) for each in errors(definition)} <= plain


def test_stored_errors_are_warnings():
    """The service has not refused what it stored, so no error is seen in an answer."""
    definition = wired(("webhook", {}), ("find_email", {"mode": "BUSINESS"}))

    assert [finding.code for finding in errors(definition)] == ["unknown-word"]
    assert errors(evolve(definition, is_answer=True)) == []


def test_allowing():
    """`allow=` silences a code on a block or in a project, and never in the graph."""
    block = FindEmail(mode="BUSINESS", allow=["unknown-word", "ambiguous-default-key"])
    workflow = Workflow("w", LEADS >> block >> FindEmail(allow=["cycle"]), key="w")
    codes = [
        finding.code for finding in workflow.check() if finding.severity == "error"
    ]

    assert codes == ["ambiguous-default-key"]
    allowed = Project("growth", namespace="acme.example", allow=["unknown-word"])
    quiet = Workflow("w", finder(mode="BUSINESS"), key="w", project=allowed)
    assert quiet.compile()


def test_long_and_odd_definitions():
    """Time grows with the number of blocks, and no shape of specs is an accident."""
    odd = [{"filters": [1]}, {"filters": "ab"}, {"filters": {}}, {"filters": None}, {}]
    blocks = [("webhook", {"input_schema": {"a": "str"}})]
    for at in range(3_000):
        condition = {"column": f"c{at}", "operator": "equals", "value": at}
        blocks.append(("filter", {"filters": [condition]}))
    for specs in odd:
        blocks += [(kind, specs) for kind in ("filter", "webhook", "lead_enrichment")]

    codes = {finding.code for finding in findings(wired(*blocks))}

    assert "undeclared-column" in codes
