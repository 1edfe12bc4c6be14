"""A small identity provider on the loopback: a discovery document, keys, and tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "nacre"
RSA_ID, EC_ID = "rsa-1", "ec-1"


class Issuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.rsa = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.num_fetched = 0
        self.is_away = False
        self.documented_issuer = url
        self.keys: list[dict[str, Any]] = [
            {**json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())), "kid": RSA_ID, "use": "sig"},
            {**json.loads(ECAlgorithm.to_jwk(self.ec.public_key())), "kid": EC_ID, "use": "sig", "alg": "ES256"},
        ]

    def claims(self, **changes: Any) -> dict[str, Any]:
        now_s = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "alice@example",
            "iat": now_s,
            "exp": now_s + 600,
            "nacre_tenant": "acme",
            "nacre_role": "player",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), self.rsa, "RS256", headers={"kid": RSA_ID})

    def ec_token(self, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), self.ec, "ES256", headers={"kid": EC_ID})

    @property
    def public_pem(self) -> bytes:
        return self.rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def answer(self, path: str) -> dict[str, Any] | None:
        if self.is_away:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.documented_issuer, "jwks_uri": f"{self.url}/keys"}
        self.num_fetched += 1
        return {"keys": self.keys}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    server.issuer = issuer  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.server.issuer.answer(self.path)  # type: ignore[attr-defined]
        body = json.dumps(found or {}).encode()
        self.send_response(503 if found is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
