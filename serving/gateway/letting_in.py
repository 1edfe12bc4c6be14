"""Makes what lets callers in, from settings."""

from __future__ import annotations

from pathlib import Path

from serving.access.authenticator import Authenticator
from serving.access.config import AccessConfig
from serving.access.directory import Directory
from serving.access.oidc import OidcVerifier
from serving.access.revocations import Revocations
from serving.access.signing_key import load_signing_key
from serving.access.tokens import TokenMint
from serving.catalogue.access_records import CatalogueAccess
from serving.catalogue.library import Library
from serving.catalogue.revocations import RevocationTable


def make_authenticator(access: AccessConfig, library: Library | None) -> Authenticator | None:
    """None where nobody is asked. Raises ValueError for settings that cannot be used."""
    if not access.is_on:
        return None
    if library is None:
        raise ValueError("authentication needs a catalogue: keys and tenants are kept there")
    return Authenticator(
        directory=Directory(CatalogueAccess(library)),
        mint=TokenMint(signing_key(access), access.token_issuer),
        oidc=OidcVerifier(access.oidc) if access.oidc.issuer else None,
        certificates=access.certificates,
        revocations=Revocations(RevocationTable(library.database)),
    )


def signing_key(access: AccessConfig) -> bytes:
    """Raises ValueError, or OSError."""
    if access.signing_key_file:
        return load_signing_key(Path(access.signing_key_file), is_made_here=False)
    if not access.own_key_file:
        raise ValueError("authentication needs a signing key for client tokens: access.signing_key_file")
    return load_signing_key(Path(access.own_key_file), is_made_here=True)
