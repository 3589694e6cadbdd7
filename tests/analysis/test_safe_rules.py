"""Rules that stop a compile: what triggers them, and what is near and does not."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, value
from flow64.analysis import allow_errors, errors, findings
from flow64.blocks import (
    CATALOGUE,
    AppendToNotebook,
    CompanyToLeads,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    LeadsToCompany,
    OutgoingWebhook,
    QaAgent,
    ReadCsv,
    Webhook,
)
from flow64.definition import BoundSecret, Edge, FrozenDict, Value
from tests.analysis.support import told, wired

LOOPBACK = "url is http to this machine, which the service cannot reach"
OPERATORS = (
    "equals, not_equals, contains, not_contains, greater, less, in, not_in, is_empty, "
    "is_not_empty, matches"
)


def sent(url):
    return wired(("outgoing_webhook", {"url": url}))


def filtered(**condition):
    return wired(("filter", {"filters": [condition, "no condition"]}))


def found_in(definition, code):
    return [(f.severity, f.message) for f in findings(definition) if f.code == code]


@pytest.mark.parametrize(
    ("definition", "code", "expected"),
    [
        (wired(), "no-blocks", [("error", "it has no blocks")]),
        (wired(("webhook", {})), "no-blocks", []),
        (
            wired(("webhook", {}), ("find_email", {}), edges=[(0, 1), (1, 1)]),
            "self-edge",
            [("error", "find_email feeds itself")],
        ),
        (
            wired(
                ("webhook", {}), ("a", {}), ("b", {}), edges=[(0, 1), (1, 2), (2, 1)]
            ),
            "cycle",
            [("error", "rows run in a circle: a >> b >> a")],
        ),
        (
            wired(
                *[(kind, {}) for kind in "abcd"], edges=[(0, 2), (0, 3), (2, 3), (3, 1)]
            ),
            "cycle",
            [],
        ),
        (wired(("find_email", {"mode": "PERSONAL"})), "unknown-word", []),
        (wired(("find_email", {"mode": value("mode")})), "unknown-word", []),
        (wired(("find_email", {"mode": None})), "unknown-word", []),
        (
            wired(("find_email", {"mode": "personal"})),
            "unknown-word",
            [
                (
                    "warning",
                    "mode is 'personal', and the documented word is 'PERSONAL'",
                )
            ],
        ),
        (
            wired(("find_email", {"mode": "PERSONALL"})),
            "unknown-word",
            [
                (
                    "error",
                    (
                        "mode is 'PERSONALL', which is not a documented word (did "
                        "you mean 'PERSONAL'?)"
                    ),
                )
            ],
        ),
        (
            wired(("webhook", {"dataframe_type": 5})),
            "unknown-word",
            [("error", "dataframe_type is 5, which is not a documented word")],
        ),
        (filtered(column="a", operator="in", value=[], logic="or"), "unknown-word", []),
        (
            filtered(column="a", operator="eq", logic="xor"),
            "unknown-word",
            [
                (
                    "warning",
                    "filters[0].operator is 'eq', which is not a documented word",
                ),
                (
                    "warning",
                    (
                        "filters[0].logic is 'xor', which is not a documented word "
                        "(did you "
                        "mean 'or'?)"
                    ),
                ),
            ],
        ),
        (
            filtered(value=1),
            "missing-field",
            [
                ("warning", "filters[0] has no column, which every condition has"),
                ("warning", "filters[0] has no operator, which every condition has"),
            ],
        ),
        (
            filtered(column="", operator="is_empty"),
            "missing-field",
            [("warning", "filters[0].column is '', which names no column")],
        ),
        (
            filtered(column=" \t", operator=""),
            "missing-field",
            [
                ("warning", "filters[0].column is ' \\t', which names no column"),
                ("warning", "filters[0].operator is '', which names no operator"),
            ],
        ),
        (
            filtered(column=5, operator="is_empty"),
            "missing-field",
            [("warning", "filters[0].column is 5, which names no column")],
        ),
        (filtered(column=value("c"), operator="is_empty"), "missing-field", []),
        (
            wired(("filter", {"filters": []}), ("search", {"query": " "})),
            "missing-field",
            [
                ("warning", "query is ' ', which is blank"),
                ("warning", "filters has no condition, so it tests nothing"),
            ],
        ),
        (
            wired(
                ("outgoing_webhook", {}),
                ("append_to_notebook", {"notebook_id": None}),
                ("search", {"query": ""}),
            ),
            "missing-field",
            [
                ("error", "search has no query, and the service requires it"),
                (
                    "error",
                    (
                        "append_to_notebook has no notebook_id, and the service "
                        "requires it"
                    ),
                ),
                ("error", "outgoing_webhook has no url, and the service requires it"),
            ],
        ),
        (sent(""), "insecure-url", []),
        (sent(value("url")), "insecure-url", []),
        (sent("https://example.com"), "insecure-url", []),
        (sent("https://example.com:8443/x"), "insecure-url", []),
        *(
            (
                sent(f"https://{login}@example.com/x"),
                "insecure-url",
                [
                    (
                        "warning",
                        (
                            "url has credentials, which everyone who reads the "
                            "workflow can see"
                        ),
                    )
                ],
            )
            for login in ("user:word", "token")
        ),
        (sent("http://127.0.0.1:1/x"), "insecure-url", [("note", LOOPBACK)]),
        (sent("http://[::1]/x"), "insecure-url", [("note", LOOPBACK)]),
        (sent("http://localhost/x"), "insecure-url", [("note", LOOPBACK)]),
        *(
            (
                sent(f"http://{host}"),
                "insecure-url",
                [
                    (
                        "warning",
                        f"url is http to {host}, so rows would travel in the clear",
                    )
                ],
            )
            for host in ("8.8.8.8", "x.localhost")
        ),
        *(
            (
                sent(url),
                "insecure-url",
                [("error", f"url is {url!r}, which is not an absolute https address")],
            )
            for url in ("ftp://example.com", "/hook", "https://", "https://[", 5)
        ),
        (
            wired(("append_to_notebook", {"notebook_id": "__create_new__"})),
            "notebook-name-missing",
            [
                (
                    "warning",
                    "notebook_id is '__create_new__', and the new notebook has no name",
                )
            ],
        ),
        (
            wired(("append_to_notebook", {"notebook_id": "n"})),
            "notebook-name-missing",
            [],
        ),
    ],
)
def test_safe_rules(definition, code, expected):
    """Each definition has just these findings of the code, in these words."""
    assert found_in(definition, code) == expected


def test_dangling_edges():
    """An edge that names no block is told at the end that is there."""
    made = wired(("webhook", {}), ("find_email", {}))
    edge = made.edges[0]
    edges = (edge._replace(target="x"), edge._replace(source="y"))

    found = [
        (f.severity, f.block_id, f.message)
        for f in findings(type(made)("x", "", made.blocks, edges))
        if f.code == "dangling-edge"
    ]

    assert found == [
        (
            "error",
            made.blocks[position].id,
            f"an edge names block {end!r}, which is not in the definition",
        )
        for position, end in enumerate("xy")
    ]


def test_a_secret_url_is_judged_and_not_shown():
    """The address that an environment fills in is judged like any other."""
    secret = Value("url", secret=True)
    made = sent("x")
    block = made.blocks[0]

    def judged(url):
        specs = FrozenDict(url=BoundSecret(secret, url))
        blocks = (block._replace(specs=specs),)
        return found_in(type(made)("x", "", blocks, ()), "insecure-url")

    assert judged("https://example.com/secret") == []
    assert judged("http://localhost/secret") == [("note", LOOPBACK)]
    assert [severity for severity, _ in judged("ftp://secret")] == ["error"]
    assert judged("ftp://secret")[0][1].startswith("url is value('")
    assert judged("http://secret.example") == [
        ("warning", "url is http, so rows would travel in the clear")
    ]


MISMATCH = "company rows flow into find_email, which takes lead rows"


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (Webhook(LEAD) >> FindEmail(), []),
        (Webhook(COMPANY) >> CompanyToLeads() >> FindEmail(), []),
        (Webhook(COMPANY) >> QaAgent() >> FindEmail(), []),
        (Webhook(COMPANY) >> RawBlock("new") >> FindEmail(), []),
        (RawBlock("webhook") >> FindEmail(), []),
        (
            [Webhook(LEAD), Webhook(COMPANY, key="b")] >> Deduplicate() >> FindEmail(),
            [],
        ),
        (Webhook(COMPANY) >> FindEmail(), [("error", "find_email", MISMATCH)]),
        (
            Webhook(COMPANY)
            >> [Deduplicate(), Filter.where("a").is_empty()]
            >> Deduplicate(key="end")
            >> FindEmail(),
            [("error", "find_email", MISMATCH)],
        ),
        (
            Webhook(LEAD) >> LeadsToCompany() >> FindPhone(),
            [
                (
                    "error",
                    "find_phone",
                    "company rows flow into find_phone, which takes lead rows",
                )
            ],
        ),
    ],
)
def test_row_kinds(flow, expected):
    """Told where both kinds are documented; where one is inferred, nothing is."""
    assert told(flow, "row-kind-mismatch") == expected


def test_row_kinds_on_a_cycle():
    """Rows are followed as far as they are known, in whatever order blocks stand."""
    specs = {"dataframe_type": "COMPANY"}
    blocks = ("find_email", {}), ("deduplicate", {}), ("webhook", specs)
    backwards = wired(*blocks, edges=[(2, 1), (1, 0)])
    in_circles = wired(*blocks, edges=[(2, 1), (1, 0), (0, 1)])

    assert found_in(backwards, "row-kind-mismatch") == [("error", MISMATCH)]
    assert found_in(in_circles, "row-kind-mismatch") == []


def test_keys():
    """Two blocks of one key are told at the second, with the place of the first."""
    first = FindEmail(key="a")
    second = FindPhone(key="a")

    assert told(Webhook(LEAD) >> first >> second, "duplicate-key") == [
        ("error", "a", f"key 'a' is used twice, here and at {first.place}")
    ]
    named = told(
        Webhook(LEAD) >> FindEmail(key="find_phone") >> FindPhone(), "duplicate-key"
    )
    assert [severity for severity, *_ in named] == ["error"]
    left = FindEmail()
    assert told(Webhook(LEAD) >> left >> FindEmail(), "ambiguous-default-key") == [
        (
            "error",
            "find_email",
            f"two blocks of kind 'find_email' have no key, here and at {left.place}",
        )
    ]


def test_ids_that_stand_twice_in_a_file():
    """Without keys, an id that stands twice is told by itself."""
    made = wired(("webhook", {}), ("find_email", {}))
    blocks = (made.blocks[0], made.blocks[1]._replace(id=made.blocks[0].id))

    found = found_in(type(made)("x", "", blocks, ()), "duplicate-key")

    assert found == [("error", f"id {made.blocks[0].id!r} is used twice, here")]


def test_errors_are_those_of_severity_error():
    """A note of a safe rule stops no compile."""
    made = sent("http://localhost/x")

    assert errors(made) == []
    assert [f.code for f in errors(wired())] == ["no-blocks"]


def test_errors_of_specs_can_be_silenced_and_those_of_the_graph_cannot():
    """A definition that is no graph, or has no ids, is no definition."""
    allow = ["insecure-url", "cycle", "duplicate-key"]
    project = Project("growth", namespace="acme.example", allow=allow)
    step = FindEmail()
    flow = Webhook(LEAD) >> step >> FindPhone(key="b") >> step
    flow = flow >> OutgoingWebhook(url="/hook", key="b")

    workflow = Workflow("Leads", flow, key="leads", project=project)

    codes = {f.code for f in workflow.check() if f.severity == "error"}
    assert codes == {"cycle", "duplicate-key"}


def test_errors_of_an_answer_are_warnings():
    """What the service has stored, it has not refused; a cycle is still an error."""
    specs = {"dataframe_type": "COMPANY"}
    made = wired(("webhook", specs), ("find_email", {"mode": "x"}), is_answer=True)
    circle = evolve(made, edges=(*made.edges, Edge(*made.edges[0][1::-1])))

    assert errors(made) == []
    assert found_in(made, "row-kind-mismatch") == [
        ("warning", f"{MISMATCH} (but the service has stored it)")
    ]
    assert [f.code for f in errors(circle)] == ["cycle"]


def test_errors_that_are_stored_can_be_allowed():
    """Each block allows its own; what is allowed already stays."""
    made = wired(
        ("webhook", {"dataframe_type": "COMPANY"}),
        ("find_email", {"mode": "x"}),
        ("outgoing_webhook", {"url": "https://example.com"}),
        is_answer=True,
    )
    twice = evolve(made, blocks=(*made.blocks, made.blocks[0]))

    allowed, codes = allow_errors(made)

    assert codes == ["row-kind-mismatch", "unknown-word"]
    assert [allowed.origins[at].allowed for at in range(3)] == [(), tuple(codes), ()]
    assert errors(evolve(allowed, is_answer=False)) == []
    assert allow_errors(allowed) == (allowed, codes)
    assert [f.code for f in errors(allow_errors(twice)[0])] == ["duplicate-key"]


def test_a_block_silences_its_error():
    """A code that a block allows stops no compile there."""
    quiet = OutgoingWebhook(url="/hook", allow=["insecure-url"])
    note = AppendToNotebook(notebook_id="n")

    assert told(Webhook(LEAD) >> quiet >> note, "insecure-url") == []


@pytest.mark.parametrize(
    "cls", [cls for cls in CATALOGUE.values() if cls.about.takes != "none"]
)
def test_row_kinds_go_through_where_that_is_documented(cls):
    """The page of unknown facts lists which blocks take either kind, and both kinds."""
    definition = wired(
        ("webhook", {"dataframe_type": "COMPANY"}), (cls.kind, {}), ("find_email", {})
    )
    about = cls.about

    refused = bool(found_in(definition, "row-kind-mismatch"))

    is_sure = about.rows in {"D", "D1"}
    assert refused is (is_sure and (about.gives != "LEAD" or about.takes == "LEAD"))


@pytest.mark.parametrize(
    ("flow", "is_judged"),
    [
        (
            [Webhook(LEAD), Webhook(COMPANY, key="c")] >> Deduplicate() >> FindEmail(),
            False,
        ),
        (Webhook(COMPANY) >> [Deduplicate(), FindEmail()], True),
        (Webhook(value("kind")) >> FindEmail(), False),
        (ReadCsv(COMPANY) >> FindEmail(), False),
        (ReadCsv() >> FindEmail(), False),
        (RawBlock("new_kind") >> FindEmail(), False),
    ],
)
def test_row_kinds_that_are_not_judged(flow, is_judged):
    """What the page of unknown facts says of flows."""
    codes = {found.code for found in Workflow("w", flow, key="w").check()}

    assert ("row-kind-mismatch" in codes) is is_judged
