"""The writes of blocks: notebooks, the outbox, and webhooks that are posted."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import httpx
from attrs import evolve
from werkzeug.wrappers import Response

from ..blocks import CREATE_NEW, AppendToNotebook, OutgoingWebhook, SendSlackMessage
from ..definition import WireBlock, is_number
from ..endpoints import host_of, is_loopback
from . import records
from .operations import as_response
from .records import JsonObject, format_cell
from .runs import file_path, sign_link
from .service import Call, Handler, RefusedError, Service
from .steps import BlockContext

TICK: Final = 0.05
"""Seconds between two looks at whether the wait should end."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    is_over: Callable[[], bool],
) -> int | str:
    """Return the status that a receiver answers, or why it did not answer.

    No proxy is used, and no redirect is followed.

    Args:
        seconds: The time for the whole request.
        is_over: Returns True if nothing waits for the answer any longer.
    """
    answers: SimpleQueue[int | str] = SimpleQueue()

    def work() -> None:
        try:
            with (
                httpx.Client(trust_env=False, timeout=seconds) as client,
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                answers.put(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            answers.put(str(error) or type(error).__name__)

    # A receiver that answers byte by byte can hold up this thread, but not the caller.
    Thread(target=work, daemon=True).start()
    ends = time.monotonic() + seconds
    while not is_over() and (seconds_left := ends - time.monotonic()) > 0:
        with suppress(Empty):
            return answers.get(timeout=min(seconds_left, TICK))
    return f"no answer within {seconds:g} seconds"


OPEN: Final = "being delivered"
"""The outcome of a record that is still to be delivered."""

SECONDS: Final = 10.0
"""Seconds that a receiver has to answer (documented)."""

RETRIES: Final = 5
"""Retries of a delivery."""

WAIT, SHORT_WAIT = 1.0, 0.02
"""Seconds before the first retry; each further one waits twice as long. The second is
for runs that take no time."""

INLINE_BYTES: Final = 256 * 1024
"""Rows up to this size are part of the body; the threshold is a guess."""

EVENT: Final = "outgoing_webhook.completed"
"""The event type of a delivery (documented)."""


def write_side_effects(context: BlockContext, row_count: int, now: datetime) -> None:
    """Write the side effects of a block, in the transaction that ends the block."""
    match context.block.kind:
        case AppendToNotebook.kind:
            _append_to_notebook(context, row_count, now)
        case SendSlackMessage.kind:  # nothing leaves this process
            _add_to_outbox(context, context.specs.get("channel"), "kept here", now)
        case OutgoingWebhook.kind:  # delivered once the rows can be read
            _add_to_outbox(context, context.specs.get("url"), OPEN, now)


def _append_to_notebook(context: BlockContext, row_count: int, now: datetime) -> None:
    """Add the rows to a notebook, which is created if it does not exist."""
    notebook_id, name = map(context.specs.get, ("notebook_id", "notebook_name"))
    if notebook_id == CREATE_NEW:
        notebook_id = uuid4()
    org_id, notebook_id = context.run.org_id, str(notebook_id)
    before = context.store.notebooks.get(
        f"{org_id}/{notebook_id}"
    ) or records.NotebookRecord(
        id=f"{org_id}/{notebook_id}",
        org_id=org_id,
        notebook_id=notebook_id,
        name=name if isinstance(name, str) else None,
        row_count=0,
        updated_at=now,
    )
    after = evolve(before, row_count=before.row_count + row_count, updated_at=now)
    context.store.notebooks.put(after)
    rows = context.store.rows(context.state.rows)
    context.store.add_rows(records.notebook_owner(org_id, notebook_id), rows)


def _add_to_outbox(
    context: BlockContext, target: object, outcome: str, now: datetime
) -> None:
    context.store.sent.put(
        records.OutboxEntry(
            id=_derive_event_id(context.run.id, context.block.id),
            org_id=context.run.org_id,
            run_id=context.run.id,
            block_id=context.block.id,
            kind=context.block.kind,
            position=context.state.position,
            target=None if target is None else format_cell(target),
            outcome=outcome,
            created_at=now,
            is_open=outcome == OPEN,
        )
    )


def _derive_event_id(run_id: str, block_id: str) -> str:
    """Return the event id of a block of a run; it is the same in every attempt."""
    return str(uuid5(UUID(run_id), block_id))


# -- Outgoing webhooks ----------------------------------------------------------------


def deliver(service: Service, run_id: str, block: WireBlock, stop: Event) -> None:
    """Post the open outbox record of a block, with retries.

    If the emulator stops, the record stays open and is delivered later.
    """
    sent = service.store.sent.get(_derive_event_id(run_id, block.id))
    if sent is None or not sent.is_open:
        return
    host = host_of(sent.target or "")
    if is_loopback(host) or host in service.allow_hosts:
        outcome = _post_with_retries(service, sent, block, stop)
    else:
        outcome = f"not sent: {host or 'nothing'} is not this machine, nor allowed"
    if stop.is_set() and outcome is None:
        run = service.store.runs.get(run_id)
        if run is None or not run.is_done:
            return
    words = outcome or "given up, since the run was cancelled"
    _update(service, sent, outcome=words, is_open=False)


def _post_with_retries(
    service: Service, sent: records.OutboxEntry, block: WireBlock, stop: Event
) -> str | None:
    """Post a record with retries; return the outcome, or None if stopped."""
    body = json.dumps(_build_body(service, sent), ensure_ascii=False).encode()
    seconds = _parse_timeout(block.specs.get("timeout_seconds"))
    wait = WAIT if service.switches.speed else SHORT_WAIT
    for attempt in range(1, RETRIES + 2):
        headers = _build_headers(service, sent, body, attempt)
        answer = post(sent.target or "", body, headers, seconds, stop.is_set)
        outcome = f"attempt {attempt}: {answer}"
        if isinstance(answer, int) and 200 <= answer < 300:
            return outcome
        _update(service, sent, outcome=outcome)
        if attempt <= RETRIES and stop.wait(wait * 2 ** (attempt - 1)):
            return None
    return f"given up after {outcome}"


def _build_body(service: Service, sent: records.OutboxEntry) -> JsonObject:
    """Return the body, with the rows or, if they are large, a download link."""
    rows: list[JsonObject] | None = []
    size = 0
    for chunk in service.store.texts(sent.owner):
        size += len(chunk.encode())
        if size > INLINE_BYTES:
            rows = None
            break
        rows += json.loads(chunk)
    run = service.store.runs.get(sent.run_id)
    file_format = "json" if run is not None and "json" in run.formats else "csv"
    path = file_path(sent.run_id, sent.block_id, file_format)
    link = sign_link(service, service.url or "http://localhost", path)
    return {
        "event_id": sent.id,
        "run_id": sent.run_id,
        "results": rows,
        "results_download_url": link if rows is None else None,
    }


def _build_headers(
    service: Service, sent: records.OutboxEntry, body: bytes, attempt: int
) -> Mapping[str, str]:
    active = list_active_secrets(service, sent.org_id)
    # Real time, since receivers compare the signature with it.
    texts = [secret.plaintext for secret in active]
    signature = sign_body(texts, int(time.time()), body)
    return {
        "Content-Type": "application/json",
        "User-Agent": "flow64-emulator",
        "Sixtyfour-Event-Id": sent.id,
        "Sixtyfour-Event-Type": EVENT,
        "Sixtyfour-Delivery-Attempt": str(attempt),
        **({"Sixtyfour-Signature": signature} if active else {}),
    }


def _update(service: Service, sent: records.OutboxEntry, **changes: Any) -> None:
    service.store.sent.change(sent.id, lambda old: evolve(old, **changes))


def list_active_secrets(
    service: Service, org_id: str
) -> list[records.SigningSecretRecord]:
    """Return the secrets that sign now, newest first."""
    now = service.clock.now()
    return [
        secret
        for secret in reversed(service.store.secrets.of(org_id))
        if secret.revoked_at is None
        and (secret.expires_at is None or now < secret.expires_at)
    ]


def sign_body(texts: Iterable[str], moment: int, body: bytes) -> str:
    """Return the signature header of a body: one `v1` for each secret, newest first."""
    text = b"%d.%b" % (moment, body)
    digests = (hmac.digest(secret.encode(), text, "sha256") for secret in texts)
    return ",".join([f"t={moment}", *(f"v1={digest.hex()}" for digest in digests)])


def _parse_timeout(timeout: Any) -> float:
    is_usable = is_number(timeout) and timeout > 0
    return min(float(timeout), SECONDS) if is_usable else SECONDS


# -- The signing secret ---------------------------------------------------------------

PREFIX: Final = "sk_whsec_"
"""The beginning of each secret (documented)."""

OVERLAP: Final = 24
"""Default hours that both secrets sign after a roll (documented)."""


def get_secret(service: Service, call: Call) -> JsonObject | None:
    """Describe the active secret, without the secret itself."""
    active = _find_active(service, call.org_id)
    return None if active is None else _meta_response(active)


def create_secret(service: Service, call: Call) -> JsonObject:
    """Create a secret; the active one is revoked at once."""
    with service.store.transaction():
        _revoke_secrets(service, call.org_id)
        return _create(service, call.org_id)


def roll_secret(service: Service, call: Call) -> JsonObject:
    """Create a secret; the active one also signs for some more hours."""
    hours = int(call.body.get("expire_overlap_hours", OVERLAP))
    with service.store.transaction():
        before = _find_active(service, call.org_id)
        if before is None:
            raise RefusedError(400, "There is no active signing secret to roll")
        _revoke_secrets(service, call.org_id, but=before if hours else None)
        if hours:
            ends = service.clock.now() + timedelta(hours=hours)
            service.store.secrets.put(evolve(before, expires_at=ends))
        return _create(service, call.org_id)


def delete_secret(service: Service, call: Call) -> Response:
    """Revoke every secret, so that deliveries are unsigned from now on."""
    with service.store.transaction():
        _revoke_secrets(service, call.org_id)
    return Response(status=204)


def _find_active(service: Service, org_id: str) -> records.SigningSecretRecord | None:
    """Return the latest secret, unless it was revoked."""
    active = list_active_secrets(service, org_id)
    return next((secret for secret in active if secret.expires_at is None), None)


def _revoke_secrets(
    service: Service, org_id: str, but: records.SigningSecretRecord | None = None
) -> None:
    now = service.clock.now()
    for secret in list_active_secrets(service, org_id):
        if secret != but:
            service.store.secrets.put(evolve(secret, revoked_at=now))


def _create(service: Service, org_id: str) -> JsonObject:
    secret = records.SigningSecretRecord(
        id=str(uuid4()),
        org_id=org_id,
        plaintext=PREFIX + secrets.token_hex(32),
        created_at=service.clock.now(),
    )
    service.store.secrets.add(secret)
    return {"plaintext": secret.plaintext, "meta": _meta_response(secret)}


def _meta_response(secret: records.SigningSecretRecord) -> JsonObject:
    """Return a `SigningSecretMetaResponse`."""
    status = "active" if secret.revoked_at is None else "revoked"
    preview = f"{PREFIX}....{secret.plaintext[-4:]}"
    return as_response(
        "SigningSecretMetaResponse", secret, status=status, preview=preview
    )


HANDLERS: Final[Mapping[str, Handler]] = {
    "get_signing_secret_webhooks_signing_secret_get": get_secret,
    "create_signing_secret_webhooks_signing_secret_post": create_secret,
    "roll_signing_secret_webhooks_signing_secret_roll_post": roll_secret,
    "delete_signing_secret_webhooks_signing_secret_delete": delete_secret,
}
