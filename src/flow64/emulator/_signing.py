"""The secret that deliveries are signed with: made, rolled, revoked."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve, frozen
from starlette.responses import Response

from ._clock import stamp, stamp_or_none
from ._http import Call, Route, answer, refused
from ._records import Data, SigningSecret
from ._secrets import active_secrets
from ._services import Services
from ._shapes import OPTIONAL_TEXT, TEXT, Shape

PREFIX: Final = "sk_whsec_"
"""What every secret begins with (documented)."""

OVERLAP: Final = 24
"""Hours for which the secret before signs as well, if nothing else is said."""

ROLL: Final = Shape(
    type="object",
    name="RollRequest",
    fields={
        "expire_overlap_hours": Shape(
            type="integer", minimum=0, maximum=72, default=OVERLAP
        )
    },
)

META: Final = Shape(
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

MADE: Final = Shape(
    type="object",
    name="SigningSecretResponse",
    fields={"plaintext": TEXT, "meta": META},
    required=("plaintext", "meta"),
)


def routes(services: Services) -> tuple[Route, ...]:
    """Every operation on the signing secret."""
    api = _Signing(services)
    path = "/webhooks/signing-secret"
    return (
        Route(
            method="GET",
            path=path,
            handler=api.signing_secret,
            answers={200: evolve(META, nullable=True)},
        ),
        Route(
            method="POST",
            path=path,
            handler=api.create_signing_secret,
            answers={201: MADE},
        ),
        Route(
            method="DELETE",
            path=path,
            handler=api.delete_signing_secret,
            answers={204: None},
        ),
        Route(
            method="POST",
            path=f"{path}/roll",
            handler=api.roll_signing_secret,
            body=ROLL,
            answers={200: MADE},
        ),
    )


@frozen
class _Signing:
    services: Services

    def signing_secret(self, call: Call) -> Response:
        """What is known of the active secret; never the secret itself."""
        found = self._active(call.org_id)
        return answer(found and _meta(found))

    def create_signing_secret(self, call: Call) -> Response:
        """Make a secret; the active one is revoked at once."""
        with self.services.store.transaction():
            self._revoke(call.org_id)
            made = self._made(call.org_id)
        return answer(_plain(made), 201)

    def roll_signing_secret(self, call: Call) -> Response:
        """Make a secret; the active one signs beside it for some hours."""
        hours = int(call.body.get("expire_overlap_hours", OVERLAP))
        with self.services.store.transaction():
            before = self._active(call.org_id)
            if before is None:
                return refused(400, "There is no active signing secret to roll")
            self._revoke(call.org_id, but=before if hours else None)
            if hours:
                ends = self.services.clock.now() + timedelta(hours=hours)
                self.services.store.secrets.put(evolve(before, expires_at=ends))
            made = self._made(call.org_id)
        return answer(_plain(made))

    def delete_signing_secret(self, call: Call) -> Response:
        """Revoke every secret: deliveries are unsigned from now on."""
        with self.services.store.transaction():
            self._revoke(call.org_id)
        return Response(status_code=204)

    def _active(self, org_id: str) -> SigningSecret | None:
        """The secret that was made last, where it was not revoked."""
        now = self.services.clock.now()
        found = active_secrets(self.services.store, org_id, now)
        return next((one for one in found if one.expires_at is None), None)

    def _revoke(self, org_id: str, but: SigningSecret | None = None) -> None:
        now = self.services.clock.now()
        for secret in active_secrets(self.services.store, org_id, now):
            if secret != but:
                self.services.store.secrets.put(evolve(secret, revoked_at=now))

    def _made(self, org_id: str) -> SigningSecret:
        made = SigningSecret(
            id=str(uuid4()),
            org_id=org_id,
            plaintext=PREFIX + secrets.token_hex(32),
            created_at=self.services.clock.now(),
        )
        self.services.store.secrets.add(made)
        return made


def _plain(secret: SigningSecret) -> Data:
    return {"plaintext": secret.plaintext, "meta": _meta(secret)}


def _meta(secret: SigningSecret) -> Data:
    """A `SigningSecretMetaResponse`."""
    return {
        "id": secret.id,
        "org_id": secret.org_id,
        "preview": f"{PREFIX}....{secret.plaintext[-4:]}",
        "status": "active" if secret.revoked_at is None else "revoked",
        "created_at": stamp(secret.created_at),
        "revoked_at": stamp_or_none(secret.revoked_at),
    }
