"""Which pages may call, and what every answer says to browsers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from nacre.v1 import session_pb2
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.web.config import WebConfig
from serving.web.server import WebServer
from tests.fakes import FakeWorldPlane
from tests.integration.gateway.harness import QUICK
from tests.integration.web.harness import SESSIONS, Site, asking, reason_in, site

GAME, EVIL = "https://game.example", "https://evil.example"
CAPABILITIES = session_pb2.GetCapabilitiesRequest()


async def ask(running: Site, **headers: str) -> int:
    return (await running.post(SESSIONS + "GetCapabilities", CAPABILITIES, **headers)).status_code


async def test_pages_from_elsewhere_are_refused_before_anything_is_done(open_site: Site) -> None:
    for origin in (EVIL, "null", "http://localhost.evil.example", "file://", "https://", "http://[::1"):
        response = await open_site.post(SESSIONS + "CreateSession", CAPABILITIES, origin=origin)
        assert (response.status_code, reason_in(response.json())) == (403, "ORIGIN_REFUSED"), origin
        assert "access-control-allow-origin" not in response.headers
        with pytest.raises(InvalidStatus) as caught:
            async with open_site.socket(origin=origin):
                pass
        assert caught.value.response.status_code == 403
        assert reason_in(json.loads(caught.value.response.body or b"")) == "ORIGIN_REFUSED"
    assert open_site.plane.links == []


async def test_pages_of_the_service_and_of_the_loopback_may_call(open_site: Site) -> None:
    created = await open_site.create(origin=open_site.web.address)
    for origin in (open_site.web.address, "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000"):
        assert await ask(open_site, origin=origin) == 200
        async with open_site.socket(origin=origin) as call:
            await call.attach(created)
            await call.chunks(1)
        await asyncio.sleep(0.05)


async def test_other_pages_may_call_where_the_operator_lets_them() -> None:
    async with site(web=WebConfig(port=0, allowed_origins=(GAME,))) as running:
        response = await running.post(SESSIONS + "GetCapabilities", CAPABILITIES, origin=GAME)
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, GAME)
        assert "origin" in response.headers["vary"].lower()
        assert "access-control-allow-credentials" not in response.headers
        asked = await running.http.options(SESSIONS + "GetCapabilities", headers={"origin": GAME})
        assert asked.status_code == 204
        assert "authorization" in asked.headers["access-control-allow-headers"]
        assert await ask(running, origin=GAME + ":8443") == 403
        assert (await running.http.options(SESSIONS + "GetCapabilities", headers={"origin": EVIL})).status_code == 403


async def test_a_page_elsewhere_cannot_pass_for_ours_by_a_name_that_leads_here(open_site: Site, tmp_path: Path) -> None:
    rebound = {"host": "evil.example:8080", "origin": "http://evil.example:8080"}
    response = await open_site.post(SESSIONS + "GetCapabilities", CAPABILITIES, **rebound)
    assert (response.status_code, reason_in(response.json())) == (403, "ORIGIN_REFUSED")
    assert (await open_site.http.get("/", headers={"host": "evil.example"})).status_code == 403
    # Where callers say who they are, the service may have any name: what is done is done with a key.
    async with site(folder=tmp_path, access=asking(tmp_path)) as running:
        named = {"host": "worlds.example", "origin": "https://worlds.example"}
        assert await ask(running, **named) == 401
        assert await ask(running, **named, authorization=f"Bearer {running.key()}") == 200


async def test_the_page_is_for_itself_alone(open_site: Site) -> None:
    response = await open_site.http.get("/")
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in response.headers
    assert "server" not in response.headers
    for path in ("/../config.py", "/%2e%2e/config.py", "/..%2f..%2fconfig.py"):
        assert (await open_site.http.get(path)).status_code == 404


async def test_it_is_healthy_and_measured(open_site: Site) -> None:
    health = await open_site.http.get("/healthz")
    assert (health.status_code, health.text) == (200, "ok")
    metrics = await open_site.http.get("/metrics")
    assert "nacre_chunks_delivered_total" in metrics.text


async def test_beyond_the_loopback_it_wants_authentication() -> None:
    server = GatewayServer(FakeWorldPlane(info=QUICK), GatewayConfig(host="0.0.0.0", port=0))
    with pytest.raises(ValueError, match="loopback only"):
        await WebServer(server, WebConfig(port=0)).start()


async def test_a_port_that_is_taken_is_no_reason_not_to_start(open_site: Site) -> None:
    async with site(web=WebConfig(port=open_site.web.port)) as second:
        assert second.web.port != open_site.web.port
        assert await ask(second) == 200
