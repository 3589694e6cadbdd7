"""The documented vector."""

from __future__ import annotations

NEW = "sk_whsec_" + "0123456789abcdef" * 4
OLD = "sk_whsec_" + "fedcba9876543210" * 4
AT = 1780000000
BODY = (
    b'{"event_id":"5f0c2d6e-9c7b-4c83-8d5b-0a4be2a9d001",'
    b'"run_id":"0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"}'
)
BY_NEW = "ef3b7e4f1a02a8bdd7d5a9720e701acae22d61124ed61ffbe320e99e8febda71"
BY_OLD = "289c0fe65dc8957ce2a633af1a25bab07400d3ce9d4f7bb2dff7a0380e6fc03a"


def signed(*digests, at=AT):
    """A header with some digests."""
    parts = [f"t={at}", *(f"v1={digest}" for digest in digests)]
    return {"Sixtyfour-Signature": ",".join(parts)}
