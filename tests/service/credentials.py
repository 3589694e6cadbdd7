"""Made-up keys and OAuth clients."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from flow64.api.auth import OAuth
from flow64.emulator import OAuthClient

NAME = "client-1"
KID = "key-1"


@cache
def key(_which="ours", size=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def pem(private=None, encryption=None):
    """A private key as text."""
    made = (private or key()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
    )
    return made.decode()


def public(private=None):
    """The public half of a key as text."""
    half = (private or key()).public_key()
    return half.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def oauth(private=None, **more):
    """An OAuth client that has a key of ours."""
    return OAuth(NAME, pem(private), **{"kid": KID, **more})


def known(**more):
    """The same as the emulator knows it."""
    return OAuthClient(client_id=NAME, public_key_pem=public(), kid=KID, **more)
