"""Writing: canonical JSON, the same bytes everywhere, and fingerprints."""

from __future__ import annotations

import decimal
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from json.encoder import encode_basestring as quote
from typing import Any

from .freezing import Hidden, Value, thaw
from .ids import canonical_id
from .model import Definition, Edge
from .stamp import split_stamp


def as_body(
    definition: Definition, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the create body as plain dicts, keys in the order of the documents.

    Args:
        definition: The definition.
        values: Content to fill in by name, for the request itself. Without them, values
            stay unbound.
    """

    def fill(item: Any) -> Any:
        if values is None or type(item) is not Value:
            return _show(item)
        return thaw(values[item.name])

    body: dict[str, Any] = thaw(body_of(definition), fill)
    return body


def dumps(definition: Definition, *, indent: int | None = 2) -> str:
    """Return the canonical text, with one newline at the end.

    Args:
        indent: Spaces for each level; None writes it compact, which is much faster.
    """
    return f"{_encoder(indent).encode(body_of(definition))}\n"


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(
        indent=indent,
        separators=(",", ":") if indent is None else None,
        ensure_ascii=False,
        allow_nan=False,
        check_circular=False,  # what is frozen holds no circle
        default=_show,
    )


def body_of(definition: Definition) -> dict[str, Any]:
    """Return the create body around the frozen data, keys in the documents' order."""
    blocks: list[dict[str, Any]] = [
        {
            "block_id": block_id,
            "sequence_number": number,
            "block_type": label,
            "block_name": kind,
            "specs": specs,
            **extra,
        }
        for block_id, kind, specs, label, number, extra in definition.blocks
    ]
    edges: list[dict[str, Any]] = [
        {"from_block_id": source, "to_block_id": target, **extra}
        for source, target, extra in definition.edges
    ]
    graph = {"blocks": blocks, "edges": edges, **definition.graph_extra}
    body: dict[str, Any] = {
        "workflow_name": definition.name,
        "workflow_description": definition.description,
        "workflow_definition": graph,
    }
    if definition.id is not None:
        body["id"] = definition.id
    return body | definition.extra


def _show(value: Any) -> Any:
    return value.as_data() if type(value) in (Value, Hidden) else value


# -- Fingerprints ----------------------------------------------------------------------


def rfc8785(value: Any) -> bytes:
    """Return the canonical JSON of RFC 8785 (JCS): sorted keys, one form of a number.

    Integers beyond 2^53 - 1 keep their digits. Only data that was read has such ones.

    Raises:
        ValueError: A number is not JSON (NaN, infinity), or a text is not Unicode.
        TypeError: A value is not JSON.
    """
    return "".join(_rfc8785_pieces(value)).encode()


def meaning(definition: Definition) -> dict[str, Any]:
    """Reduce a definition to its meaning: without order, numbers and labels."""
    description, _ = split_stamp(definition.description)
    blocks: dict[str, Any] = {}
    for block in definition.blocks:
        data = {"kind": block.kind, "specs": thaw(block.specs, _show)}
        blocks.setdefault(canonical_id(block.id), []).append(data)
    for block_id, copies in blocks.items():
        # Two with one id are faulty, and yet no block may be lost from sight.
        blocks[block_id] = (
            copies[0] if len(copies) == 1 else sorted(copies, key=rfc8785)
        )
    return {
        "name": definition.name,
        "description": description,
        "blocks": blocks,
        "edges": sorted({_edge(edge) for edge in definition.edges}, key=rfc8785),
    }


def fingerprint(definition: Definition) -> str:
    """Return 64 hex digits. They are equal if two definitions mean the same.

    It is the bound fingerprint if the plain values are filled in. Secrets are names in
    both, so neither tells anything about them.
    """
    return digest(meaning(definition))


def digest(value: Any) -> str:
    """Return the SHA-256, in hex, of the RFC 8785 form of plain JSON data."""
    return hashlib.sha256(rfc8785(value)).hexdigest()


def _edge(edge: Edge) -> tuple[str, ...]:
    ends = (canonical_id(edge.source), canonical_id(edge.target))
    return ends if edge.condition is None else (*ends, edge.condition)


def _rfc8785_pieces(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield quote(value)
    elif isinstance(value, Mapping):
        # RFC 8785 sorts by UTF-16 code units, which differs from code points where
        # characters beyond U+FFFF meet U+E000 to U+FFFF.
        separator = "{"
        for key in sorted(value, key=lambda key: key.encode("utf-16-be")):
            yield f"{separator}{quote(key)}:"
            yield from _rfc8785_pieces(value[key])
            separator = ","
        yield "}" if value else "{}"
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            yield separator
            yield from _rfc8785_pieces(item)
            separator = ","
        yield "]" if value else "[]"
    elif isinstance(value, float):
        yield _double(value)
    else:  # null, true, false and integers
        yield json.dumps(value)


def _double(value: float) -> str:
    """Return a double as ECMAScript and RFC 8785 print it."""
    if value == 0:
        return "0"
    text = json.dumps(value, allow_nan=False)
    if 1e-6 <= abs(value) < 1e21:
        text = format(decimal.Decimal(text), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
