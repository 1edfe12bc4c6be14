"""TLS of the HTTP face, with the files that gRPC has. They are read again when they change, as gRPC does."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from serving.access.config import TlsConfig
from serving.access.tls import check_tls

logger = logging.getLogger(__name__)


class RenewedTls:
    """A context for a server, and those that take its place when certificates are renewed. Connections that stand keep
    theirs."""

    def __init__(self, config: TlsConfig) -> None:
        """Raises ValueError for files that cannot be used."""
        check_tls(config)
        self._config = config
        self._read_ns = self._changed_ns()
        self._latest = self._make()
        self.context = self._make()
        # Called for every connection, by name or not.
        self.context.sni_callback = self._renew

    def _renew(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        try:
            changed_ns = self._changed_ns()
            if changed_ns != self._read_ns:
                check_tls(self._config)  # half of a new pair may be there
                self._latest, self._read_ns = self._make(), changed_ns
        except (ValueError, OSError) as error:
            logger.warning("the new certificate is not taken: %s", error)
        connection.context = self._latest

    def _make(self) -> ssl.SSLContext:
        config = self._config
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(config.certificate_file, config.key_file)
        context.set_alpn_protocols(["http/1.1"])
        if config.client_ca_file:
            context.load_verify_locations(config.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _changed_ns(self) -> tuple[int, ...]:
        config = self._config
        files = [config.certificate_file, config.key_file, *([config.client_ca_file] if config.client_ca_file else [])]
        return tuple(Path(file).stat().st_mtime_ns for file in files)
