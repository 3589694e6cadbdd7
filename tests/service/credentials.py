"""Made-up keys and OAuth clients."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

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


def write_certificate(path):
    """Write a certificate of this machine that signs itself, with its private key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder(
            name, name, key().public_key(), x509.random_serial_number()
        )
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key(), hashes.SHA256())
    )
    path.write_text(pem() + signed.public_bytes(Encoding.PEM).decode())


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
