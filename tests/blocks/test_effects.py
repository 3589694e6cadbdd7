"""What blocks read, add, spend and touch."""

from __future__ import annotations

import pytest

from flow64.blocks import (
    CATALOGUE,
    CREATE_NEW,
    UNKNOWN_COLUMNS,
    Column,
    Columns,
    Fact,
    FindEmail,
    Price,
    columns_of,
)
from flow64.definition import Value

OPEN = Columns(opens=True)
NOTHING = Columns()

COLUMNS = [
    ("webhook", {}, Columns(adds=(), opens=True)),
    (
        "webhook",
        {"input_schema": {"email": "string", "size": {"type": "int"}, "x": "what"}},
        Columns(
            adds=[Column("email", "string"), Column("size", "int"), Column("x", None)],
            opens=True,
        ),
    ),
    ("read_csv", {}, OPEN),
    ("read_notebook", {"notebook_id": "n"}, OPEN),
    ("search", {"query": "q"}, OPEN),
    (
        "company_enrichment",
        {"return_fields": {"size": {"description": "Staff", "type": "int"}}},
        Columns(adds=[Column("size", "int", "D1")]),
    ),
    ("company_enrichment", {"find_people": False}, NOTHING),
    ("company_enrichment", {"find_people": True}, OPEN),
    ("company_enrichment", {"find_people": Value("people")}, OPEN),
    (
        "lead_enrichment",
        {"return_fields": {"title": "string"}},
        Columns(adds=[Column("title", None, "D")]),
    ),
    (
        "linkedin_enrichment",
        {"return_fields": {"title": "Job"}},
        Columns(
            reads=[Column("linkedin_url", "str", "I")],
            adds=[Column("title", None, "I")],
            opens=True,
        ),
    ),
    (
        "find_email",
        {},
        Columns(
            adds=[Column("email", None, "D1"), Column("email_status", "str", "D1")]
        ),
    ),
    (
        "find_email",
        {"mode": "PERSONAL"},
        Columns(
            adds=[
                Column("email", None, "D1"),
                Column("email_status", "str", "D1"),
                Column("personal_email", None, "I"),
            ]
        ),
    ),
    ("find_phone", {}, Columns(adds=[Column("phone", None, "I")])),
    ("verify_email", {}, Columns(reads=[Column("email", None, "I")], opens=True)),
    ("reverse_email", {}, Columns(reads=[Column("email", None, "I")], opens=True)),
    ("reverse_phone", {}, Columns(reads=[Column("phone", None, "I")], opens=True)),
    ("company_to_leads", {}, UNKNOWN_COLUMNS),
    ("leads_to_company", {}, UNKNOWN_COLUMNS),
    ("github_find_people", {}, UNKNOWN_COLUMNS),
    ("google_maps_search", {}, UNKNOWN_COLUMNS),
    ("scrape_web", {}, OPEN),
    ("backlinks_referring_domains", {}, UNKNOWN_COLUMNS),
    ("find_subdomains", {}, UNKNOWN_COLUMNS),
    ("x_search", {}, UNKNOWN_COLUMNS),
    ("tiktok_get_following", {}, UNKNOWN_COLUMNS),
    ("kaggle_leaderboard", {}, OPEN),
    ("llm_openai", {}, OPEN),
    (
        "qa_agent",
        {"struct": {"why": "Reason"}},
        Columns(adds=[Column("why", None, "I")], opens=True),
    ),
    (
        "research_agent",
        {"struct": {"why": "Reason"}},
        Columns(adds=[Column("why", None, "I")], opens=True),
    ),
    ("transform_data", {}, UNKNOWN_COLUMNS),
    (
        "filter",
        {"filters": [{"column": "a"}, {"column": 1}, {}, "b", {"column": "c"}]},
        Columns(reads=[Column("a", None, "D1"), Column("c", None, "D1")]),
    ),
    ("filter", {"filters": 1}, Columns(reads=[])),
    ("deduplicate", {}, NOTHING),
    ("deduplicate_wrt_notebook", {}, NOTHING),
    ("group_by", {}, UNKNOWN_COLUMNS),
    ("remove_columns", {}, UNKNOWN_COLUMNS),
    ("append_to_notebook", {}, NOTHING),
    ("send_slack_message", {}, NOTHING),
    ("outgoing_webhook", {}, NOTHING),
    ("hubspot_import", {}, OPEN),
    ("yc_batches", {}, OPEN),
    ("yc_companies", {}, UNKNOWN_COLUMNS),
]


@pytest.mark.parametrize(
    ("kind", "specs", "expected"),
    COLUMNS,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(COLUMNS)],
)
def test_what_a_block_does_to_columns(kind, specs, expected):
    """Documented columns by name; where names are unknown, the set is open."""
    found = CATALOGUE[kind].columns(specs)

    assert [list(part) for part in (expected.reads, expected.adds, expected.drops)] == [
        list(part) for part in (found.reads, found.adds, found.drops)
    ]
    assert (expected.opens, expected.resets) == (found.opens, found.resets)


def test_every_kind_is_in_the_table_of_columns():
    """No kind is forgotten."""
    assert set(CATALOGUE) == {kind for kind, _, _ in COLUMNS}


EFFECTS = """
webhook                     -
read_csv                    -
read_notebook               -
search                      spends spends-on-create
company_enrichment          spends
lead_enrichment             spends
linkedin_enrichment         may-spend
find_email                  spends
find_phone                  spends
verify_email                may-spend
reverse_email               may-spend
reverse_phone               may-spend
company_to_leads            -
leads_to_company            -
github_find_people          may-spend
google_maps_search          may-spend
scrape_web                  may-spend
backlinks_referring_domains may-spend
find_subdomains             may-spend
x_search                    may-spend
tiktok_get_following        may-spend
kaggle_leaderboard          may-spend
llm_openai                  may-spend
qa_agent                    may-spend
research_agent              may-spend
transform_data              may-spend
filter                      -
deduplicate                 -
deduplicate_wrt_notebook    -
group_by                    -
remove_columns              -
append_to_notebook          writes-outside
send_slack_message          writes-outside
outgoing_webhook            writes-outside
hubspot_import              -
yc_batches                  may-spend
yc_companies                may-spend
"""


def test_what_each_kind_spends_and_touches():
    """With empty specs; what an absent `auto_execute` does, nobody knows."""
    found = [
        " ".join([f"{kind:27}", *(block.effects({}) or ["-"])])
        for kind, block in CATALOGUE.items()
    ]

    assert EFFECTS.strip().splitlines() == found


@pytest.mark.parametrize(
    ("kind", "specs", "expected"),
    [
        ("search", {"auto_execute": False}, ("spends",)),
        ("search", {"auto_execute": True}, ("spends", "spends-on-create")),
        ("search", {"auto_execute": None}, ("spends", "spends-on-create")),
        ("search", {"auto_execute": Value("buy")}, ("spends", "spends-on-create")),
        ("append_to_notebook", {"notebook_id": "n"}, ("writes-outside",)),
        (
            "append_to_notebook",
            {"notebook_id": CREATE_NEW},
            ("writes-outside", "creates-storage"),
        ),
    ],
    ids=str,
)
def test_specs_decide_some_effects(kind, specs, expected):
    """Only a plain false keeps a search from buying when it is created."""
    assert expected == CATALOGUE[kind].effects(specs)


@pytest.mark.parametrize(
    ("kind", "specs", "expected"),
    [
        ("find_email", {}, Price(0.05, "D", "FE, SK")),
        ("find_email", {"mode": "PROFESSIONAL"}, Price(0.05, "D", "FE, SK")),
        ("find_email", {"mode": "PERSONAL"}, Price(0.20, "D1", "FE")),
        ("find_email", {"mode": "Professional"}, Price(0.05, "D", "FE, SK")),
        ("find_email", {"mode": "Personal"}, Price(0.20, "D1", "FE")),
        ("find_email", {"mode": "BOTH"}, None),
        ("find_email", {"mode": ["PERSONAL"]}, None),
        ("find_phone", {}, Price(0.30, "D1", "SK")),
        ("lead_enrichment", {}, Price(0.10, "D1", "older pages")),
        ("lead_enrichment", {"tier": "low"}, Price(0.10, "D1", "older pages")),
        ("lead_enrichment", {"tier": "high"}, None),
        ("company_enrichment", {}, Price(0.10, "D1", "older pages")),
        (
            "company_enrichment",
            {"find_people": False},
            Price(0.10, "D1", "older pages"),
        ),
        ("company_enrichment", {"find_people": True}, None),
        ("company_enrichment", {"full_org_chart": True}, None),
        ("company_enrichment", {"find_people": Value("people")}, None),
        ("company_enrichment", {"tier": Value("tier")}, None),
    ],
    ids=str,
)
def test_known_prices(kind, specs, expected):
    """Dollars a row where a source states them; else nobody knows."""
    assert expected == CATALOGUE[kind].price(specs)


def test_all_other_prices_are_unknown():
    """These are the kinds with a price that a source states."""
    priced = {kind for kind, block in CATALOGUE.items() if block.price({})}

    assert priced == {
        "find_email",
        "find_phone",
        "lead_enrichment",
        "company_enrichment",
    }


@pytest.mark.parametrize(
    ("fields", "words_are_types", "expected"),
    [
        (None, False, []),
        ("title", False, []),
        ({"a": "int"}, False, [Column("a", None, "I")]),
        ({"a": "int"}, True, [Column("a", "int", "I")]),
        ({"a": "headcount"}, True, [Column("a", None, "I")]),
        ({"a": {"type": "int"}}, False, [Column("a", "int", "I")]),
        ({"a": {"type": 1}}, False, [Column("a", None, "I")]),
        ({"a": 1}, True, [Column("a", None, "I")]),
    ],
    ids=str,
)
def test_columns_of_a_field_map(fields, words_are_types, expected):
    """A bare text is a description in `return_fields`, a type in `input_schema`."""
    found = columns_of(fields, confidence="I", words_are_types=words_are_types)

    assert expected == list(found)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("low", "low"),
        ("true", True),
        ("10", 10),
        ("LEAD (inferred)", "LEAD"),
        ("as many as there are", None),
        ("undocumented", None),
        ("null", None),
        (None, None),
    ],
)
def test_value_of_a_documented_default(words, value):
    """The words of a default begin with its value, if they state one."""
    assert Fact("D", "x", default=words).value == value


def test_target_of_an_effect_is_unknown_by_default():
    """A class says what an effect reaches, if anything is known of that."""
    assert FindEmail.effect_target({}, "writes-outside") is None
