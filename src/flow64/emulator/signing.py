"""The operations of the secret that outgoing webhooks are signed with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve
from werkzeug.wrappers import Response

from .clock import format_optional_time, format_time
from .records import JsonObject, SigningSecretRecord
from .service import Call, Handler, RefusedError, Service
from .side_effects import list_active_secrets

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


def _find_active(service: Service, org_id: str) -> SigningSecretRecord | None:
    """Return the latest secret, unless it was revoked."""
    active = list_active_secrets(service, org_id)
    return next((secret for secret in active if secret.expires_at is None), None)


def _revoke_secrets(
    service: Service, org_id: str, but: SigningSecretRecord | None = None
) -> None:
    now = service.clock.now()
    for secret in list_active_secrets(service, org_id):
        if secret != but:
            service.store.secrets.put(evolve(secret, revoked_at=now))


def _create(service: Service, org_id: str) -> JsonObject:
    secret = SigningSecretRecord(
        id=str(uuid4()),
        org_id=org_id,
        plaintext=PREFIX + secrets.token_hex(32),
        created_at=service.clock.now(),
    )
    service.store.secrets.add(secret)
    return {"plaintext": secret.plaintext, "meta": _meta_response(secret)}


def _meta_response(secret: SigningSecretRecord) -> JsonObject:
    """Return a `SigningSecretMetaResponse`."""
    return {
        "id": secret.id,
        "org_id": secret.org_id,
        "preview": f"{PREFIX}....{secret.plaintext[-4:]}",
        "status": "active" if secret.revoked_at is None else "revoked",
        "created_at": format_time(secret.created_at),
        "revoked_at": format_optional_time(secret.revoked_at),
    }


HANDLERS: Final[Mapping[str, Handler]] = {
    "get_signing_secret_webhooks_signing_secret_get": get_secret,
    "create_signing_secret_webhooks_signing_secret_post": create_secret,
    "roll_signing_secret_webhooks_signing_secret_roll_post": roll_secret,
    "delete_signing_secret_webhooks_signing_secret_delete": delete_secret,
}
