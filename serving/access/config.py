"""Who is let in, and how that is found out: the settings.

auth = true
[access]
token_issuer = "https://worlds.example"
signing_key_file = "/run/secrets/nacre-signing-key"
[access.oidc]
issuer = "https://login.example"
audience = "nacre"
[access.tls]
certificate_file = "/run/tls/tls.crt"
key_file = "/run/tls/tls.key"
client_ca_file = "/run/tls/clients.crt"
[access.certificates]
"spiffe://example/game-server" = "acme:owner"
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from serving.access.roles import Role

DEFAULT_ISSUER = "nacre"
TABLES = ("oidc", "tls", "certificates")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """An identity provider whose tokens are taken."""

    issuer: str = ""  # empty for none
    audience: str = ""
    jwks_url: str = ""  # empty for what the issuer's discovery document says
    tenant_claim: str = "nacre_tenant"
    role_claim: str = "nacre_role"  # a role, or a list with one among others
    default_tenant: str = ""  # of those whose token names none; empty refuses them
    default_role: str = ""

    def __post_init__(self) -> None:
        if not self.issuer:
            return
        if not self.audience:
            raise ValueError("access.oidc needs an audience: else it takes tokens that were given to others")
        for url in (self.issuer, *([self.jwks_url] if self.jwks_url else [])):
            parts = urlsplit(url)
            is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
            if not is_safe:
                raise ValueError(f"access.oidc: {url} must be https, for who answers there says who may come in")
        if self.default_role:
            _role(self.default_role, "access.oidc.default_role")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """PEM files. Without a certificate the line is plain."""

    certificate_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""  # with it, every client must show a certificate that it signed

    def __post_init__(self) -> None:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("access.tls needs certificate_file and key_file, or neither")
        if self.client_ca_file and not self.certificate_file:
            raise ValueError("access.tls: client_ca_file says who may come in over TLS; it needs a certificate_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHolder:
    """Who one is that shows a certificate of this name."""

    tenant_id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    is_on: bool = False  # off: whoever reaches the port may do anything
    token_issuer: str = DEFAULT_ISSUER  # `iss` and `aud` of client tokens: another installation's open nothing here
    signing_key_file: str = ""  # of several gateways: all have the same. Empty for one made here, in `own_key_file`
    own_key_file: str = ""
    oidc: OidcConfig = field(default_factory=OidcConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    # By a name in the certificate: a URI or DNS name, or the common name.
    certificates: Mapping[str, CertificateHolder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.token_issuer:
            raise ValueError("access.token_issuer must not be empty")
        if self.oidc.issuer == self.token_issuer:
            raise ValueError("access.oidc.issuer and access.token_issuer must differ")
        if self.certificates and not self.tls.client_ca_file:
            raise ValueError("access.certificates needs access.tls.client_ca_file, which says whose are believed")


def read_access(table: Mapping[str, Any]) -> AccessConfig:
    """From the settings file. Raises ValueError."""
    values: dict[str, Any] = dict(table)
    if {"is_on", "own_key_file"} & values.keys():
        raise ValueError("access: it is switched on by auth = true, at the top; its own key lies in the data folder")
    try:
        if "oidc" in values:
            values["oidc"] = OidcConfig(**_texts(values["oidc"], "access.oidc"))
        if "tls" in values:
            values["tls"] = TlsConfig(**_texts(values["tls"], "access.tls"))
        if "certificates" in values:
            values["certificates"] = {name: _holder(name, who) for name, who in values["certificates"].items()}
        _texts({name: value for name, value in values.items() if name not in TABLES}, "access")
        return AccessConfig(**values)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"access: {error}") from error


def _texts(values: Any, where: str) -> Mapping[str, str]:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} must be a table, got {values!r}")
    for name, value in values.items():
        if not isinstance(value, str):
            raise ValueError(f"{where}.{name} must be of type str, got {value!r}")
    return values


def check_listening(host: str, access: AccessConfig) -> None:
    """Raises ValueError for a place where strangers could do anything."""
    if not access.is_on and not is_loopback(host):
        raise ValueError(
            f"without authentication the service listens on the loopback only, not on {host or 'every address'}: "
            "whoever reached it could do anything. Make a key with `nacre keys create` and switch authentication on "
            "with --auth or NACRE_AUTH=true, or listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def _holder(name: str, who: Any) -> CertificateHolder:
    tenant_id, separator, role = str(who).partition(":")
    if not (separator and tenant_id):
        raise ValueError(f'access.certificates: {name!r} must be "tenant:role", got {who!r}')
    return CertificateHolder(tenant_id=tenant_id, role=_role(role, f"access.certificates: {name!r}"))


def _role(name: str, where: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise ValueError(f"{where}: {name!r} is no role; there are {', '.join(Role)}") from None
