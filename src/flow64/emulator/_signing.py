"""The routes of the signing secret: create, roll, revoke."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve, frozen
from starlette.responses import Response

from ._clock import format_optional_time, format_time
from ._deliveries import list_active_secrets
from ._http import ApiCall, RefusedError, Route
from ._records import JsonObject, SigningSecretRecord
from ._schema import OPTIONAL_TEXT, TEXT, Schema
from ._services import Services

PREFIX: Final = "sk_whsec_"
"""Prefix of every secret (documented)."""

OVERLAP: Final = 24
"""Default hours for which the previous secret still signs."""

ROLL: Final = Schema(
    type="object",
    name="RollRequest",
    fields={
        "expire_overlap_hours": Schema(
            type="integer", minimum=0, maximum=72, default=OVERLAP
        )
    },
)

META: Final = Schema(
    type="object",
    name="SigningSecretMetaResponse",
    fields={
        "id": TEXT,
        "org_id": TEXT,
        "preview": TEXT,
        "status": TEXT,
        "created_at": TEXT,
        "revoked_at": OPTIONAL_TEXT,
    },
    required=("id", "org_id", "preview", "status", "created_at", "revoked_at"),
)

MADE: Final = Schema(
    type="object",
    name="SigningSecretResponse",
    fields={"plaintext": TEXT, "meta": META},
    required=("plaintext", "meta"),
)


def make_routes(services: Services) -> tuple[Route, ...]:
    """Make the routes of the signing secret."""
    api = _SigningHandlers(services)
    path = "/webhooks/signing-secret"
    return (
        Route(
            "GET", path, api.signing_secret, answers={200: evolve(META, nullable=True)}
        ),
        Route("POST", path, api.create_signing_secret, answers={201: MADE}),
        Route("DELETE", path, api.delete_signing_secret, answers={204: None}),
        Route(
            "POST",
            f"{path}/roll",
            api.roll_signing_secret,
            body=ROLL,
            answers={200: MADE},
        ),
    )


@frozen
class _SigningHandlers:
    services: Services

    def signing_secret(self, call: ApiCall) -> JsonObject | None:
        """Describe the active secret, without the secret itself."""
        found = self._find_active(call.org_id)
        return None if found is None else _meta_response(found)

    def create_signing_secret(self, call: ApiCall) -> JsonObject:
        """Create a secret; the active one is revoked at once."""
        with self.services.store.transaction():
            self._revoke_secrets(call.org_id)
            made = self._make_secret(call.org_id)
        return _secret_response(made)

    def roll_signing_secret(self, call: ApiCall) -> JsonObject:
        """Create a secret; the active one also signs for some more hours."""
        hours = int(call.body.get("expire_overlap_hours", OVERLAP))
        with self.services.store.transaction():
            before = self._find_active(call.org_id)
            if before is None:
                raise RefusedError(400, "There is no active signing secret to roll")
            self._revoke_secrets(call.org_id, but=before if hours else None)
            if hours:
                ends = self.services.clock.now() + timedelta(hours=hours)
                self.services.store.secrets.put(evolve(before, expires_at=ends))
            made = self._make_secret(call.org_id)
        return _secret_response(made)

    def delete_signing_secret(self, call: ApiCall) -> Response:
        """Revoke every secret, so that deliveries are unsigned from now on."""
        with self.services.store.transaction():
            self._revoke_secrets(call.org_id)
        return Response(status_code=204)

    def _find_active(self, org_id: str) -> SigningSecretRecord | None:
        """Return the latest secret, unless it was revoked."""
        now = self.services.clock.now()
        found = list_active_secrets(self.services.store, org_id, now)
        return next((one for one in found if one.expires_at is None), None)

    def _revoke_secrets(
        self, org_id: str, but: SigningSecretRecord | None = None
    ) -> None:
        now = self.services.clock.now()
        for secret in list_active_secrets(self.services.store, org_id, now):
            if secret != but:
                self.services.store.secrets.put(evolve(secret, revoked_at=now))

    def _make_secret(self, org_id: str) -> SigningSecretRecord:
        made = SigningSecretRecord(
            id=str(uuid4()),
            org_id=org_id,
            plaintext=PREFIX + secrets.token_hex(32),
            created_at=self.services.clock.now(),
        )
        self.services.store.secrets.add(made)
        return made


def _secret_response(secret: SigningSecretRecord) -> JsonObject:
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
