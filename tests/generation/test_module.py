"""Modules of block classes: which classes, with which fields, rows and facts."""

from __future__ import annotations

import ast
import json
import random
from copy import deepcopy
from typing import get_args

import pytest
from inline_snapshot import snapshot

from flow64 import LEAD, Workflow, errors
from flow64.analysis import LiveCatalogue, cost
from flow64.blocks import (
    CATALOGUE,
    Filter,
    FilterOperator,
    FindEmail,
    OutgoingWebhook,
    SendSlackMessage,
    Webhook,
    facts_of,
    field_docs,
    specs_schema,
)
from flow64.generation import BlockFacts, write_blocks
from tests.catalogue.answer import ANSWER, HOSTILE, LATER, SECRET
from tests.generation.support import DAY, entry, fields_of, live, load, text_of

pytestmark = pytest.mark.usefixtures("own_kinds")

TEXT = {"type": "string"}


# -- Which classes ---------------------------------------------------------------------


def test_what_the_catalogue_lacks():
    """New kinds, new fields, new words, and fields that are no longer required."""
    made = write_blocks(live(*ANSWER))

    assert [*made.kinds.values()] == snapshot(
        [
            "backlinks_referring_domains",
            "company_enrichment",
            "company_to_leads",
            "deduplicate",
            "filter",
            "find_email",
            "github_find_people",
            "google_maps_search",
            "group_by",
            "hubspot_import",
            "llm_openai",
            "reddit_search",
            "remove_columns",
            "score_lead",
            "scrape_web",
            "search",
            "send_slack_message",
            "tiktok_get_following",
            "transform_data",
            "verify_email",
            'x"); import os; os.abort(); ("',
            "x_search",
            "yc_companies",
        ]
    )


def test_all():
    """With `everything`, each listed kind has a class."""
    made = write_blocks(live(*ANSWER), everything=True)

    assert {*made.kinds.values()} == {one["block_name"] for one in ANSWER}


def test_nothing_is_lacking():
    """A list without anything new gives a module without classes."""
    text = text_of(entry("find_phone"))

    assert text == snapshot('''\
"""Block classes for what the built-in catalogue of flow64 lacks.

Written by `flow64 blocks generate` from the live catalogue of 2026-11-28. Do not edit
it: write facts that no schema says into `blocks.toml`, and generate it again.
"""

from __future__ import annotations
''')


def test_new_kind():
    """A new kind is a class of its own, with what the list says of it."""
    listed = {
        **entry(
            "score_lead",
            {
                "limit": {"type": "integer", "minimum": 1, "default": 5},
                "model": {"enum": ["fit-1", "fit-2"], "description": "The model."},
                "url": {"type": "string", "format": "uri"},
            },
            ["model"],
            description="Score each lead. It takes some time.",
        ),
        "input_type": "LEAD",
        "output_type": "LEAD",
        "price_per_row": 0.02,
    }

    assert text_of(listed) == snapshot('''\
"""Block classes for what the built-in catalogue of flow64 lacks.

Written by `flow64 blocks generate` from the live catalogue of 2026-11-28. Do not edit
it: write facts that no schema says into `blocks.toml`, and generate it again.
"""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen
from flow64 import Flow, Lead
from flow64.blocks import UNKNOWN_COLUMNS, About, CatalogueBlock, Price
from flow64.dsl import UNSET, Unset

SOURCE: Final = "live, 2026-11-28"
"""Where all facts below are from."""


@frozen(eq=False, kw_only=True)
class ScoreLead(Flow[Lead, Lead], CatalogueBlock):
    """Score each lead.

    It takes some time.

    Rows: takes LEAD, gives LEAD (live).
    """

    kind = "score_lead"
    about = About(
        role="step",
        takes="LEAD",
        gives="LEAD",
        rows="D1",
        source=SOURCE,
        effects=["spends"],
        columns=UNKNOWN_COLUMNS,
        price=Price(0.02, "I", source=SOURCE),
    )

    model: Literal["fit-1", "fit-2"]
    """The model."""
    limit: int | Unset = UNSET
    """Default: 5. At least 1."""
    url: str | Unset = UNSET
    """Format: uri."""
''')


def test_kind_without_known_fields():
    """The class of a built-in kind without known fields inherits all its facts."""
    slack = entry("send_slack_message", {"channel": TEXT, "specs": TEXT}, ["channel"])

    assert text_of(slack).partition("\n\n\n")[2] == snapshot('''\
from attrs import frozen
from flow64 import blocks as built_in
from flow64.dsl import UNSET, Unset


@frozen(eq=False, kw_only=True)
class SendSlackMessage(built_in.SendSlackMessage):
    """Send a message to a channel of Slack.

    Sent without the underscore at the end: `specs_`.

    Rows: takes any, gives the same (documented once).
    """

    kind = "send_slack_message"
    specs_known = True

    channel: str
    specs_: str | Unset = UNSET
''')


def test_new_field():
    """Of a kind with known fields, only the new ones are written."""
    listed = entry("find_phone", {"providers": {"type": "array"}, "region": TEXT})

    assert text_of(listed).partition("\n\n\n")[2] == snapshot('''\
from attrs import frozen
from flow64 import blocks as built_in
from flow64.dsl import UNSET, Unset


@frozen(eq=False, kw_only=True)
class FindPhone(built_in.FindPhone):
    """Find a phone number for each person.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    region: str | Unset = UNSET
''')


def test_new_word():
    """A word that the built-in type refuses makes a class with all fields."""
    mode = {"enum": ["PROFESSIONAL", "PERSONAL", "BOTH"]}

    assert text_of(entry("find_email", {"mode": mode})).partition("\n\n\n")[
        2
    ] == snapshot('''\
@frozen(eq=False, kw_only=True)
class FindEmail(Flow[Lead, Lead], CatalogueBlock):
    """Find an e-mail address for each person.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind = "find_email"
    about = built_in.FindEmail.about

    mode: Literal["PROFESSIONAL", "PERSONAL", "BOTH"] | Unset = UNSET
''')


def operators(**operator):
    """The entry of filters whose operators have a schema."""
    members = {"column": TEXT, "operator": operator}
    condition = {"properties": members, "required": ["column", "operator"]}
    filters = {"type": "array", "items": condition}
    return entry("filter", {"filters": filters}, ["filters"])


def test_new_word_inside_a_field(tmp_path):
    """A new operator of filters is one that `compare` takes."""
    words = [*get_args(FilterOperator), "between"]
    text = text_of(operators(enum=words))

    made = load(text, tmp_path).Filter.where("a").compare("between", [1, 2]).and_("b")

    assert "class Filter(built_in.FilterBase[FilterOperator]):" in text
    assert "    operator: FilterOperator\n" in text
    assert [one["operator"] for one in made.is_empty().filters] == [
        "between",
        "is_empty",
    ]
    assert "class Filter" not in text_of(operators(enum=words[:-1]))


@pytest.mark.parametrize(
    ("operator", "base"),
    [
        ({"enum": ["a", "b"]}, "FilterBase[FilterOperator]"),
        ({"enum": [*map(str, range(100))]}, "FilterBase[str]"),
    ],
)
def test_words_of_operators(operator, base):
    """Very many words are text."""
    assert f"class Filter(built_in.{base}):" in text_of(operators(**operator))


def test_filter_without_words():
    """If only a requirement is dropped, any word is an operator."""
    listed = entry("filter", {"filters": {}})

    assert "class Filter(built_in.FilterBase[str]):" in text_of(listed)


def test_dropped_requirement():
    """So does a field that is no longer required."""
    listed = entry("outgoing_webhook", {"url": TEXT, "timeout_seconds": {}})

    assert "class OutgoingWebhook(Passthrough, CatalogueBlock)" in text_of(listed)
    assert "url: str | Unset = UNSET" in text_of(listed)


def test_rows_that_a_field_decides():
    """A source keeps the type of its rows."""
    listed = entry("search", {"query": TEXT, "freshness": TEXT}, ["query"])

    assert "class Search(built_in.Search[A], Generic[A]):" in text_of(listed)


def test_kind_without_schema():
    """A new kind without a usable schema takes its specs whole."""
    text = text_of({"block_name": "new_kind", "specs_schema": None})

    assert "class NewKind(Flow[Any, Any], UncheckedBlock):" in text


# -- Fields ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        (TEXT, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "null"}, "None"),
        ({"type": "array", "items": TEXT}, "Sequence[str]"),
        ({"type": "array"}, "Sequence[Any]"),
        ({"type": "object"}, "Mapping[str, Any]"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            "Mapping[str, int]",
        ),
        ({"anyOf": [TEXT, {"type": "null"}]}, "str | None"),
        ({"anyOf": [{"type": "null"}, TEXT]}, "str | None"),
        ({"oneOf": [TEXT, {"type": "integer"}]}, "str | int"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"type": []}, "Any"),
        ({"anyOf": [TEXT, {}]}, "Any"),
        ({"enum": ["a", "b", None]}, 'Literal["a", "b"] | None'),
        ({"enum": [1, -2, True]}, "Literal[1, -2, True]"),
        ({"enum": [None]}, "Any"),
        ({"enum": [1.5]}, "Any"),
        ({"enum": []}, "Any"),
        ({"enum": "a"}, "Any"),
        ({"enum": [*map(str, range(100))]}, "str"),
        ({"enum": [*range(100)]}, "Any"),
        ({"const": "x"}, 'Literal["x"]'),
        ({"allOf": [{"$ref": "#/$defs/Word"}]}, 'Literal["w"]'),
        ({"$ref": "#/$defs/Word", "default": "w"}, 'Literal["w"]'),
        ({"$ref": "#/$defs/a~1b"}, "int"),
        ({"$ref": "#/$defs/Round"}, "Any"),
        ({"$ref": "#/$defs/Missing"}, "Any"),
        ({"$ref": "https://example.com"}, "Any"),
        ({"$ref": 1}, "Any"),
        ({"type": "something"}, "Any"),
        ({"type": {}}, "Any"),
        ({"type": "object", "properties": 5}, "Mapping[str, Any]"),
        ({"type": "object", "properties": {"a": TEXT}}, "NewKindItem"),
        (
            {"additionalProperties": {"anyOf": [TEXT, {"properties": 5}]}},
            "Any",
        ),
        ({"anyOf": [TEXT, {"type": ["integer", "null"]}]}, "str | int | None"),
        ("nonsense", "Any"),
        (None, "Any"),
        (
            {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [TEXT, {"properties": {"description": TEXT}}]
                },
            },
            "FieldMap",
        ),
    ],
)
def test_type(schema, hint):
    """Each schema has a type; what is not understood takes anything."""
    defs = {
        "Word": {"enum": ["w"]},
        "Round": {"$ref": "#/$defs/Round"},
        "a/b": {"type": "integer"},
    }

    made = fields_of({"field": schema}, ["field"], **{"$defs": defs})

    assert f"field: {hint}" in made.splitlines()


def test_schema_behind_a_reference():
    """The fields may stand behind a reference, and in several parts."""
    schema = {
        "$ref": "#/$defs/Specs",
        "$defs": {
            "Specs": {
                "allOf": [{"properties": {"a": TEXT}, "required": ["a"]}],
                "properties": {"b": {"type": "integer"}},
            }
        },
    }

    text = text_of({"block_name": "new_kind", "specs_schema": schema})

    assert "    a: str\n    b: int | Unset = UNSET\n" in text


def test_deep_type():
    """What is nested very deep takes anything."""
    schema = TEXT
    for _ in range(30):
        schema = {"type": "array", "items": schema}

    assert fields_of({"field": schema}) == "field: Any | Unset = UNSET"


def test_record():
    """An object with named members is a class, made once for each definition."""
    defs = {
        "Place": {
            "title": "Point",
            "description": "A place. It is on a map.",
            "properties": {
                "x": {"type": "number", "description": "To the right."},
                "next": {"$ref": "#/$defs/Place"},
            },
            "required": ["x"],
        }
    }
    point = {"$ref": "#/$defs/Place"}
    fields = {"start": point, "way": {"type": "array", "items": point}}

    assert fields_of(fields, **{"$defs": defs}) == snapshot('''\
class NewKindPoint(TypedDict):
"""A place.
It is on a map.
"""
x: float
"""To the right."""
next: NotRequired[Mapping[str, Any]]
"""A place. It is on a map."""
start: NewKindPoint | Unset = UNSET
"""A place. It is on a map."""
way: Sequence[NewKindPoint] | Unset = UNSET\
''')


def test_record_without_plain_names():
    """One with other names is a mapping."""
    schema = {"type": "object", "properties": {"a b": TEXT}}

    assert fields_of({"field": schema}) == "field: Mapping[str, Any] | Unset = UNSET"


def test_long_words():
    """Many words get a name; what still does not fit takes anything."""
    words = {"enum": [f"{letter * 10}" for letter in "abcdefgh"]}
    long_name = "x" * 60
    either = {"anyOf": [{"type": "array", "items": words}, {"type": "null"}]}

    made = fields_of({"word": words, "words": either, long_name: words})

    assert made == snapshot("""\
NewKindWord: TypeAlias = Literal[
"aaaaaaaaaa",
"bbbbbbbbbb",
"cccccccccc",
"dddddddddd",
"eeeeeeeeee",
"ffffffffff",
"gggggggggg",
"hhhhhhhhhh",
]
word: NewKindWord | Unset = UNSET
words: Sequence[NewKindWord] | Unset | None = UNSET
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: Any | Unset = UNSET\
""")


def test_names_that_python_uses(tmp_path):
    """An underscore tells a field from what Python or the class means by its name."""
    names = ["columns", "key", "import", "specs", "str", "with", "ok"]
    text = text_of(entry("new_kind", dict.fromkeys(names, TEXT), ["columns"]))

    assert "Sent without the underscore at the end: `columns_`, `import_`, `key_`" in (
        " ".join(text.split())
    )
    new_kind = load(text, tmp_path).NewKind
    assert new_kind.spec_names == snapshot(
        {
            "columns_": "columns",
            "import_": "import",
            "key_": "key",
            "ok": "ok",
            "specs_": "specs",
            "str_": "str",
            "with__": "with",
        }
    )
    with pytest.raises(errors.ArgumentError, match="columns_"):
        new_kind(columns="a")
    made = new_kind(columns_="a", import_="b", key_="c", with__="d", key="own")
    (_, block) = Workflow("W", Webhook(LEAD) >> made).compile().blocks
    assert block.specs == {"columns": "a", "import": "b", "key": "c", "with": "d"}


def test_names_that_no_argument_can_have(tmp_path):
    """The docstring says where other names go."""
    names = ["__init__", "a b", "é", "x" * 61, "x" * 60, "end_", "ok"]
    text = text_of(entry("new_kind", dict.fromkeys(names, TEXT), ["a b"]))

    assert "give them in `extra`: `a?b` (required), `__init__`" in (
        " ".join(text.split())
    )
    fields = [*load(text, tmp_path).NewKind.spec_names]
    assert fields == ["ok", "x" * 60]


def test_names_that_a_built_in_class_uses(tmp_path):
    """A new field hides no method of the class that it is added to."""
    listed = entry("filter", {"filters": {}, "where": TEXT}, ["filters"])

    made = load(text_of(listed), tmp_path).Filter(filters=[], where_="here")

    assert made.where("a").is_empty().filters
    assert made.where_ == "here"


def test_names_of_classes():
    """Kinds that read alike have different classes, and none hides an import."""
    kinds = ["a_b", "a-b", "flow", "1x", "é", "x" * 100]

    made = write_blocks(live(*map(entry, kinds)))

    assert {kind[:9]: name for name, kind in made.kinds.items()} == snapshot(
        {
            "1x": "Block1x",
            "a-b": "AB",
            "a_b": "AB2",
            "flow": "Flow2",
            "xxxxxxxxx": "Xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "é": "Block",
        }
    )


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"description": "A \\d pattern"}, 'r"""A \\d pattern."""'),
        ({"description": '"quoted"'}, '"""quoted"."""'),
        ({"description": "\u201cdash\u2013dash\u201d \u2026"}, '"""dash-dash" ..."""'),
        ({"minimum": 1, "maximum": 5}, '"""From 1 to 5."""'),
        ({"maximum": 5e9}, '"""At most 5000000000.0."""'),
        ({"minLength": 1}, '"""At least 1 character."""'),
        ({"maxItems": 3}, '"""At most 3 items."""'),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, '"""Above 0. Below 1."""'),
        ({"default": "a"}, '"""Default: "a"."""'),
        ({"format": "uri"}, '"""Format: uri."""'),
        ({"minimum": "1", "description": 5}, None),
        ({"anyOf": [{"minimum": 2}, {"type": "null"}]}, '"""At least 2."""'),
    ],
)
def test_docstring(schema, text):
    """The docstring of a field says its meaning, default and bounds."""
    lines = fields_of({"field": schema}).splitlines()

    assert lines[1:] == ([] if text is None else [text])


# -- Order -----------------------------------------------------------------------------


def test_deterministic():
    """The order of the answer, and of the keys in it, means nothing."""
    shuffled = deepcopy(ANSWER)
    random.Random(64).shuffle(shuffled)
    again = json.loads(json.dumps(shuffled, sort_keys=True))

    assert text_of(*again) == text_of(*ANSWER)


def test_saved_list():
    """The answer and what is saved of it give the same module."""
    saved = LiveCatalogue.of(json.loads(json.dumps(live(*ANSWER).as_data())))

    assert write_blocks(saved).text == text_of(*ANSWER)


def test_date():
    """A list that only has another day changes two lines."""
    other = write_blocks(LiveCatalogue.of(ANSWER, date="2027-01-02")).text

    pairs = zip(text_of(*ANSWER).splitlines(), other.splitlines(), strict=True)
    assert len([None for before, after in pairs if before != after]) == 2


def test_no_date():
    """A list without a day says so by leaving it out."""
    text = write_blocks(LiveCatalogue.of([entry("new_kind")])).text

    assert 'SOURCE: Final = "live"' in text


# -- Hostile texts ---------------------------------------------------------------------


@pytest.mark.parametrize("answer", [ANSWER, LATER])
def test_hostile_texts_are_no_code(answer, tmp_path):
    """Importing the module only defines classes; the names and texts stay texts."""
    text = write_blocks(live(*answer), everything=True).text

    module = load(text, tmp_path)

    assert CATALOGUE[HOSTILE] is module.XImportOsOsAbort
    spec_names = module.XImportOsOsAbort.spec_names
    assert spec_names == {f"{name}_": name for name in ("import", "kind", "self")}
    assert not hasattr(module, "os")
    assert SECRET not in text


def test_texts_that_are_refused_by_the_audit():
    """No text of a kind, field, word or description gets through as code."""
    nasty = [
        'x"""; import os; """',
        "x'''\nimport os\n'''",
        "\\",
        'a\\"""',
        "\u202e",
        "\x00",
        "# type: ignore",
        '"' * 7,
        "{__import__('os')}",
        "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    ]
    for one in nasty:
        schema = {"description": one, "default": one, "enum": [one], "format": one}
        text = text_of(
            entry(one, {one: schema, "ok": schema}, [one], description=one, title=one)
        )
        names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        assert "__import__" not in names
        assert "os" not in names


# -- Use -------------------------------------------------------------------------------


@pytest.fixture
def blocks(tmp_path):
    """The module of the made-up answer."""
    return load(text_of(*ANSWER), tmp_path)


def test_classes_join_the_catalogue(blocks):
    """New kinds join, kinds without known fields are replaced, others stay."""
    assert CATALOGUE["score_lead"] is blocks.ScoreLead
    assert CATALOGUE["send_slack_message"] is blocks.SendSlackMessage
    assert issubclass(blocks.SendSlackMessage, SendSlackMessage)
    assert CATALOGUE["find_email"] is FindEmail


def test_workflow(blocks):
    """The classes make the blocks that the service lists."""
    flow = (
        Webhook(LEAD, input_schema={"full_name": "string"})
        >> blocks.ScoreLead(signals=[{"column": "title", "weight": 5}], scale=10)
        >> Filter.where("score").greater(5)
        >> blocks.FindEmail(mode="BOTH")
        >> blocks.GroupBy(aggregate={"a": "sum"}, columns_=["domain"])
        >> blocks.SendSlackMessage(channel="#leads", message="{{full_name}}")
        >> OutgoingWebhook(url="https://crm.acme.example/hooks")
    )
    made = Workflow("Scored", flow, key="scored").with_blocks(live(*ANSWER))

    found = made.check()

    assert [dict(block.specs) for block in made.compile().blocks][1:6] == snapshot(
        [
            {"signals": [{"column": "title", "weight": 5}], "scale": 10},
            {"filters": [{"column": "score", "operator": "greater", "value": 5}]},
            {"mode": "BOTH"},
            {"aggregate": {"a": "sum"}, "columns": ["domain"]},
            {"channel": "#leads", "message": "{{full_name}}"},
        ]
    )
    assert [f"{one.severity} {one.code}" for one in found] == snapshot(
        ["warning sink-with-successor", "note effects", "note cost-estimate"]
    )
    assert cost(made.compile()).dollars


def test_missing_argument(blocks):
    """A required field is a required argument."""
    with pytest.raises(errors.ArgumentError, match="channel"):
        blocks.SendSlackMessage(message="hello")


def test_wrong_type_of_a_field(blocks):
    """A check knows all types that a field takes."""
    flow = Webhook(LEAD) >> blocks.ScoreLead(signals=5, explain=None)

    found = Workflow("Wrong", flow).check()

    assert [one.message for one in found if one.code == "wrong-field-type"] == (
        snapshot(["signals is 5, where a list with an object in each place is wanted"])
    )


def test_field_of_several_types(tmp_path):
    """A value may be of any of them."""
    either = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    text = text_of(entry("new_kind", {"one": either, "two": either}))
    new_kind = load(text, tmp_path).NewKind

    found = Workflow("W", Webhook(LEAD) >> new_kind(one=["a"], two=5)).check()

    assert [one.message for one in found if one.code == "wrong-field-type"] == [
        "two is 5, where text or a list with text in each place is wanted"
    ]


def test_facts_of_a_field(blocks):
    """Its facts come from the list, and its words from the docstring."""
    fact = facts_of(blocks.RedditSearch)["query"]

    assert (fact.source, fact.required) == (f"live, {DAY}", True)
    assert field_docs(blocks.RedditSearch)["sort"].startswith("Order of the posts.")


def test_schema_again(blocks):
    """Each class gives a JSON Schema again, as the emulator lists it."""
    for name in vars(blocks):
        if (cls := getattr(blocks, name)) in CATALOGUE.values():
            assert specs_schema(cls)["type"] == "object"
    assert specs_schema(blocks.RedditSearch)["properties"]["since"]["anyOf"] == [
        {"type": "string"},
        {"type": "null"},
    ]


# -- Facts -----------------------------------------------------------------------------


def test_facts_of_a_file():
    """What no schema says is in the class."""
    facts = {
        "new_kind": {
            "takes": "LEAD",
            "gives": "COMPANY",
            "role": "converter",
            "price": 0.5,
            "effects": ["spends", "writes-outside"],
            "reads": ["company"],
            "adds": {"score": "int"},
            "drops": ["email"],
            "opens": True,
            "resets": True,
        }
    }

    text = text_of(entry("new_kind"), facts=facts)

    assert text.partition("@frozen")[2] == snapshot('''\
(eq=False, kw_only=True)
class NewKind(Flow[Lead, Company], CatalogueBlock):
    """Block of the kind `new_kind`.

    Rows: takes LEAD, gives COMPANY (live).
    """

    kind = "new_kind"
    about = About(
        role="converter",
        takes="LEAD",
        gives="COMPANY",
        source=SOURCE,
        effects=["spends", "writes-outside"],
        columns=Columns(
            reads=[Column("company")],
            adds=[Column("score", "int")],
            drops=["email"],
            opens=True,
            resets=True,
        ),
        price=Price(0.5, source=SOURCE),
    )
''')


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            {"takes": "any", "gives": "same"},
            "class NewKind(Passthrough, CatalogueBlock):",
        ),
        ({"takes": "none", "gives": "LEAD"}, 'role="source",'),
        (
            {"takes": "LEAD", "gives": "same"},
            "class NewKind(Flow[Lead, Lead], CatalogueBlock):",
        ),
        ({"price": 0}, "class NewKind(Flow[Any, Any], CatalogueBlock):"),
        ({"opens": True}, "columns=Columns(opens=True),"),
        ({"reads": ["a"]}, 'columns=Columns(reads=[Column("a")]),'),
    ],
)
def test_fact(facts, line):
    """Facts decide the types of rows."""
    assert line in text_of(entry("new_kind"), facts={"new_kind": facts})


def test_facts_of_a_built_in_kind():
    """Facts about a kind without known fields replace what we inferred."""
    listed = entry("x_search", {"query": TEXT}, ["query"])

    text = text_of(listed, facts={"x_search": {"takes": "none", "gives": "LEAD"}})

    assert "class XSearch(Flow[Start, Lead], CatalogueBlock):" in text


def test_facts_about_other_kinds():
    """Facts about kinds that are not listed, or known, are mistakes."""
    with pytest.raises(errors.SettingsError) as caught:
        text_of(
            entry("new_kind"),
            entry("find_email"),
            facts={"new_kid": {"price": 1}, "find_email": {"price": 1}},
        )

    assert [one[:70] for one in caught.value.mistakes] == snapshot(
        [
            "the live catalogue of 2026-11-28 does not list 'new_kid' (did you mean",
            "flow64 knows find_email and its rows; remove [find_email]",
        ]
    )


def test_mistakes_in_a_file(tmp_path):
    """All mistakes of a file are listed."""
    file = tmp_path / "blocks.toml"
    file.write_text(
        """
top = 1
[a]
takes = "lead"
prise = 1
price = -1
effects = ["buys"]
reads = 5
drops = {a = "b"}
opens = 1
adds = {a = 1}
[b]
takes = "none"
gives = "same"
what = 1
""",
        "utf-8",
    )

    with pytest.raises(errors.SettingsError) as caught:
        BlockFacts.read(file)

    assert [one[:70] for one in caught.value.mistakes] == snapshot(
        [
            "'top' is not a table; write [top] and the facts below it",
            "[a] takes is 'lead'; write one of none, LEAD, COMPANY and any",
            "[a] has no fact 'prise' (did you mean 'price'?)",
            "[a] price is -1; write dollars for one input row, such as 0.02",
            "[a] effects is ['buys']; write a list of spends, may-spend, spends-on-",
            "[a] reads is 5; write a list of names, or names with types, such as {s",
            "[a] drops is {'a': 'b'}; write a list of names, such as [\"company\"]",
            "[a] opens is 1; write true or false",
            "[a] adds is {'a': 1}; write a list of names, or names with types, such",
            "[b] has no fact 'what'; it has role, takes, gives, effects, price, rea",
            '[b] takes "none", so it cannot give the "same"',
        ]
    )


def test_file_that_is_no_toml(tmp_path):
    """A file that is not TOML is refused."""
    file = tmp_path / "blocks.toml"
    file.write_text("[a", "utf-8")

    with pytest.raises(errors.SettingsError, match="not TOML"):
        BlockFacts.read(file)


def test_good_file(tmp_path):
    """A file is read by kind and name."""
    file = tmp_path / "blocks.toml"
    file.write_text('[a]\nadds = ["b"]\ndrops = ["c"]\nprice = 0.1\n', "utf-8")

    assert BlockFacts.read(file).by_kind == {
        "a": {"adds": ["b"], "drops": ["c"], "price": 0.1}
    }
