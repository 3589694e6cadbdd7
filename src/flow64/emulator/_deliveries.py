"""Outgoing webhooks: posted, signed and retried."""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from threading import Event
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve

from ..definition import WireBlock, is_number
from ..endpoints import host_of, is_loopback
from ..errors import ConfigError
from ..posting import post
from ._records import JsonObject, OutboxRecord, SigningSecretRecord
from ._results import file_path
from ._services import Services
from ._side_effects import derive_event_id
from ._store import Store
from ._switches import Switches

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


def deliver(
    services: Services,
    run_id: str,
    block: WireBlock,
    switches: Switches,
    stop: Event,
) -> None:
    """Post the open outbox record of a block, with retries.

    If the emulator stops, the record stays open and is delivered later.
    """
    sent = services.store.sent.get(derive_event_id(run_id, block.id))
    if sent is None or not sent.is_open:
        return
    outcome = _find_refusal(services, sent) or _post_with_retries(
        services, sent, block, switches, stop
    )
    if stop.is_set() and outcome is None:
        run = services.store.runs.get(run_id)
        if run is None or not run.is_done:
            return
    words = outcome or "given up, since the run was cancelled"
    _update(services, sent, words, is_open=False)


def _find_refusal(services: Services, sent: OutboxRecord) -> str | None:
    """Return why the record may not be posted, or None."""
    host = host_of(sent.target or "")
    if is_loopback(host) or host in services.allow_hosts:
        return None
    return f"not sent: {host or 'nothing'} is not this machine, nor allowed"


def _post_with_retries(
    services: Services,
    sent: OutboxRecord,
    block: WireBlock,
    switches: Switches,
    stop: Event,
) -> str | None:
    """Post a record with retries; return the outcome, or None if stopped."""
    body = json.dumps(_build_body(services, sent), ensure_ascii=False).encode()
    seconds = _parse_timeout(block.specs.get("timeout_seconds"))
    wait = WAIT if switches.speed else SHORT_WAIT
    # At least one, even if the emulator stopped in the middle of the last attempt.
    first = min(sent.attempts, RETRIES) + 1
    for attempt in range(first, RETRIES + 2):
        _update(services, sent, sent.outcome, attempts=attempt)
        headers = _build_headers(services, sent, body, attempt)
        answer = post(sent.target or "", body, headers, seconds, stop.is_set)
        outcome = f"attempt {attempt}: {answer}"
        if isinstance(answer, int) and 200 <= answer < 300:
            return outcome
        sent = _update(services, sent, outcome)
        if attempt <= RETRIES and stop.wait(wait * 2 ** (attempt - 1)):
            return None
    return f"given up after {outcome}"


def _build_body(services: Services, sent: OutboxRecord) -> JsonObject:
    """Return the body, with the rows or, if they are large, a download link."""
    rows, link = None, None
    if services.store.size(sent.rows) <= INLINE_BYTES:
        rows = list(services.store.rows(sent.rows))
    else:
        run = services.store.runs.get(sent.run_id)
        is_json = run is not None and "json" in run.formats
        path = file_path(sent.run_id, sent.block_id, "json" if is_json else "csv")
        link = services.links.url(services.base_url(), path, services.clock.now())
    return {
        "event_id": sent.id,
        "run_id": sent.run_id,
        "results": rows,
        "results_download_url": link,
    }


def _build_headers(
    services: Services, sent: OutboxRecord, body: bytes, attempt: int
) -> Mapping[str, str]:
    active = list_active_secrets(services.store, sent.org_id, services.clock.now())
    # Real time, since receivers compare the signature with it.
    signed = sign_body([one.plaintext for one in active], int(time.time()), body)
    return {
        "Content-Type": "application/json",
        "User-Agent": "flow64-emulator",
        "Sixtyfour-Event-Id": sent.id,
        "Sixtyfour-Event-Type": EVENT,
        "Sixtyfour-Delivery-Attempt": str(attempt),
        **({"Sixtyfour-Signature": signed} if active else {}),
    }


def _update(
    services: Services, sent: OutboxRecord, outcome: str, **changes: Any
) -> OutboxRecord:
    return services.store.sent.change(
        sent.id, lambda old: evolve(old, outcome=outcome, **changes)
    )


def list_active_secrets(
    store: Store, org_id: str, now: datetime
) -> list[SigningSecretRecord]:
    """Return the secrets that sign at a moment, newest first."""
    return [
        secret
        for secret in store.secrets.newest(org_id)
        if secret.revoked_at is None
        and (secret.expires_at is None or now < secret.expires_at)
    ]


def sign_body(secrets: Iterable[str], moment: int, body: bytes) -> str:
    """Return the signature header of a body: one `v1` for each secret, newest first."""
    text = b"%d.%b" % (moment, body)
    digests = (hmac.digest(secret.encode(), text, "sha256") for secret in secrets)
    return ",".join([f"t={moment}", *(f"v1={digest.hex()}" for digest in digests)])


def as_host(text: str) -> str:
    """Normalise the name or the address of a host.

    Raises:
        ConfigError: The text is not a host, for example a URL.
    """
    host = text.strip().lower()
    bare = host.removeprefix("[").removesuffix("]")
    if _HOST.fullmatch(host) or _is_address(bare):
        return bare
    try:
        meant = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        meant = ""
    near = f" (did you mean {meant!r}?)" if _HOST.fullmatch(meant) else ""
    problem = f"{text!r} is not a host{near}"
    raise ConfigError(f"{problem}; write its name or address alone, without a port")


_HOST: Final = re.compile(r"\w([\w.-]*\w)?\.?")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parse_timeout(timeout: Any) -> float:
    is_given = is_number(timeout) and timeout > 0
    return min(float(timeout), SECONDS) if is_given else SECONDS
