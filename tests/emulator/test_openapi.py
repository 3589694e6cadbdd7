"""The emulator's own document, and that it has all that the published one has."""

from __future__ import annotations

import pytest

from flow64.http import httpx
from tests.emulator import support
from tests.emulator.support import NO_CERTIFICATES, own_contract

METHODS = {"get", "post", "put", "patch", "delete"}


def schema_of(document, schema):
    """A schema with its references followed, and without null."""
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        elif "anyOf" in schema:
            found = [one for one in schema["anyOf"] if one.get("type") != "null"]
            schema = found[0] if found else {}
        else:
            return schema


def operations(document):
    """Every operation, by path and method, without interactive sessions."""
    return {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS and "/interactive/" not in path
    }


def fields(document, schema, seen=()):
    """Where a schema has members, and which it must have."""
    schema = schema_of(document, schema)
    if any(schema is other for other in seen):
        return
    seen = (*seen, schema)
    for name, inner in schema.get("properties", {}).items():
        yield (name,), name in schema.get("required", ())
        for place, is_required in fields(document, inner, seen):
            yield (name, *place), is_required
    if "items" in schema:
        for place, is_required in fields(document, schema["items"], seen):
            yield ("*", *place), is_required


def bodies(operation):
    """The schemas of what an operation takes, and of what it answers when done."""
    request = operation.get("requestBody", {}).get("content", {})
    answers = [
        answer.get("content", {})
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    for content in (request, *answers):
        yield next((media.get("schema", {}) for media in content.values()), {})


def parameters(operation):
    """Parameters, without the credential."""
    return {
        (one["in"], one["name"].lower()): one.get("required", False)
        for one in operation.get("parameters", ())
        if one["name"] != "x-api-key"
    }


def test_document_needs_no_credential(shared):
    """It is at a path of its own."""
    reply = httpx.get(f"{shared.url}/openapi.json", verify=NO_CERTIFICATES)

    assert reply.status_code == 200
    assert reply.json() == own_contract()
    assert reply.json()["openapi"] == "3.1.0"


def test_operations_are_named_once():
    """Each has a name of its own and a summary; nothing of the emulator's is there."""
    found = operations(own_contract())
    names = [operation["operationId"] for operation in found.values()]

    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for operation in found.values())
    assert not [path for path, _ in found if path.startswith(("/_", "/files"))]


def test_references_lead_somewhere():
    """Every name that is referred to is there, and every one there is referred to."""
    text = str(own_contract())
    names = own_contract()["components"]["schemas"]

    referred = {
        part.partition("'")[0] for part in text.split("#/components/schemas/")[1:]
    }

    assert referred == set(names)


def test_only_what_takes_a_body_refuses_one_as_too_long():
    """And all of those do."""
    found = operations(own_contract())
    refusing = {key for key, one in found.items() if "413" in one["responses"]}

    assert refusing == {key for key, one in found.items() if "requestBody" in one}


def test_open_operations_say_so():
    """Those that need no credential, and no others."""
    found = {
        path
        for (path, _), operation in operations(own_contract()).items()
        if operation.get("security") == []
    }

    assert found == {"/oauth/token", "/.well-known/oauth-authorization-server"}


published = pytest.mark.skipif(
    support.contract() is None,
    reason="the published OpenAPI document is not beside this repository",
)


@published
def test_every_published_operation_is_ours():
    """Besides, there are an upload and a balance, which it names in its prose."""
    ours, theirs = operations(own_contract()), operations(support.contract())

    assert theirs.keys() <= ours.keys()
    assert ours.keys() - theirs.keys() == {
        ("/storage/csv/upload", "post"),
        ("/check-balance", "get"),
    }


@published
def test_every_published_status_is_ours():
    """What it answers, ours may answer."""
    ours, theirs = operations(own_contract()), operations(support.contract())

    missing = {
        (*key, status)
        for key, operation in theirs.items()
        for status in operation["responses"]
        if status not in ours[key]["responses"]
        # No credential is asked for there, so none is wrong.
        and (key[0], status) != ("/.well-known/oauth-authorization-server", "401")
    }

    assert missing == set()


@published
def test_every_published_field_is_ours():
    """Parameters, members of bodies and of answers, and which of them are required."""
    ours, theirs = operations(own_contract()), operations(support.contract())
    missing = set()
    for key, operation in theirs.items():
        own = ours[key]
        missing |= {(key, item) for item in parameters(operation).items()} - {
            (key, item) for item in parameters(own).items()
        }
        for place, (schema, own_schema) in enumerate(
            zip(bodies(operation), bodies(own), strict=True)
        ):
            missing |= {
                (key, place, *field) for field in fields(support.contract(), schema)
            } - {(key, place, *field) for field in fields(own_contract(), own_schema)}

    assert missing == set()
