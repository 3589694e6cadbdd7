"""A rule about secrets: a key does not belong into a definition."""

from __future__ import annotations

from collections.abc import Iterator

from ...definition import Definition, pointer, walk
from ...redaction import KEY_MARKS, KEY_SHAPES, redact_keys
from ._rule import Found, rule, texts


@rule(
    "values",
    "warning",
    advice=(
        'write `value("name", secret=True)`, which is filled in when it is '
        "deployed, and revoke the secret if others saw it"
    ),
    example=(
        'specs = {"token": "sk_live_" + "0123456789abcdef"}\n'
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)'
    ),
)
def secret_in_specs(definition: Definition) -> Iterator[Found]:
    """A spec holds a text that looks like a key, a token or a private key.

    Everyone with access to the workflow or its history could read it.
    """
    text = "\n".join(texts([block.specs for block in definition.blocks]))
    for mark in KEY_MARKS:
        if mark in text:
            break
    else:
        return
    if not any(shape.search(text) for shape in KEY_SHAPES.values()):
        return
    for position, block in enumerate(definition.blocks):
        for path, item in walk(block.specs):
            if isinstance(item, str) and (name := _secret(item)):
                where = redact_keys(pointer(path))
                message = f"specs{where} looks like {name} ({item[:3]}***)"
                yield Found(position, message)


def _secret(text: str) -> str | None:
    return next((n for n, shape in KEY_SHAPES.items() if shape.search(text)), None)
