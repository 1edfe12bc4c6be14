"""The gateway's side of TLS, from PEM files. Files that change are read again with the next connection."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import grpc

from serving.access.config import TlsConfig

logger = logging.getLogger(__name__)


def check_tls(config: TlsConfig) -> None:
    """Raises ValueError, which says which file is at fault."""
    if not config.certificate_file:
        return
    for name in ("certificate_file", "key_file", "client_ca_file"):
        file = getattr(config, name)
        if file:
            _read(name, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.certificate_file, config.key_file, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        raise ValueError(
            f"access.tls: {config.certificate_file} and {config.key_file} are no certificate and its key "
            f"in PEM, without a password: {error}"
        ) from error
    if config.client_ca_file:
        try:
            context.load_verify_locations(config.client_ca_file)
        except ssl.SSLError as error:
            raise ValueError(f"access.tls: {config.client_ca_file} holds no certificate in PEM: {error}") from error


def server_credentials(config: TlsConfig) -> grpc.ServerCredentials | None:
    """None for a plain line. Raises ValueError."""
    check_tls(config)
    if not config.certificate_file:
        return None
    files = CertificateFiles(config)
    # Its stub leaves out that the second may say None: nothing has changed.
    changed: Any = files.changed
    return grpc.dynamic_ssl_server_credentials(files.read(), changed, bool(config.client_ca_file))


class CertificateFiles:
    """Certificates are renewed while the service runs; connections that stand keep theirs."""

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._read_ns = self._changed_ns()

    def read(self) -> grpc.ServerCertificateConfiguration:
        config = self._config
        key, chain = Path(config.key_file).read_bytes(), Path(config.certificate_file).read_bytes()
        roots = Path(config.client_ca_file).read_bytes() if config.client_ca_file else None
        return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=roots)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Called by the transport for every connection; None to go on with what there is."""
        try:
            changed_ns = self._changed_ns()
            if changed_ns == self._read_ns:
                return None
            check_tls(self._config)  # half of a new pair may be there
            configuration = self.read()
        except (ValueError, OSError) as error:
            logger.warning("the new certificate is not taken: %s", error)
            return None
        self._read_ns = changed_ns
        return configuration

    def _changed_ns(self) -> tuple[int, ...]:
        config = self._config
        files = [config.certificate_file, config.key_file, *([config.client_ca_file] if config.client_ca_file else [])]
        return tuple(Path(file).stat().st_mtime_ns for file in files)


def _read(name: str, file: str) -> None:
    try:
        Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"access.tls.{name}: {file} cannot be read: {error.strerror}") from error
