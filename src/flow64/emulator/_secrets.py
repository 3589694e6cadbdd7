"""Which signing secrets are in force."""

from __future__ import annotations

from datetime import datetime

from ._records import SigningSecret
from ._store import Store


def active_secrets(store: Store, org_id: str, now: datetime) -> list[SigningSecret]:
    """The secrets that sign at a moment, the newest first."""
    return [
        secret
        for secret in store.secrets.newest(org_id)
        if secret.revoked_at is None
        and (secret.expires_at is None or now < secret.expires_at)
    ]
