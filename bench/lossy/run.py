"""The service in one network, Chromium in another, and between them a line that loses packets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.browser.run import page_url
from bench.hardware import ROOT
from bench.lossy.figures import FACES, WEBRTC, WEBSOCKET, face_of, faults_of, ratios_of, sentences
from bench.lossy.link import LinkConfig
from bench.lossy.namespace import Door, in_network, lacking
from bench.lossy.relay import Relay
from bench.results import Result
from bench.service import RunningService, ServiceConfig, ServiceError

HERE = Path(__file__).parent
LOG = ROOT / "out" / "bench" / "lossy.log"
SERVICE_HOST, BROWSER_HOST, NET_BITS = "10.77.0.1", "10.77.0.2", 24
SETTINGS = "[web.webrtc]\nenabled = true\n"
# Over the WebSocket: credit is lost on its way like everything else, and with 4 the world waits for it. Over WebRTC it
# is what the client has by itself.
BUFFER_CHUNKS = 8
CHROMIUM = "/usr/bin/chromium"  # as in tests/browser/browser.mjs
# Starting Chromium, and connecting each play over such a line.
START_S, SLACK_PER_PLAY_S = 120.0, 75.0
KEY_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossyConfig:
    loss_percent: float = 5.0  # of all packets, each way
    delay_ms: float = 40.0  # there and back
    seconds: float = 30.0  # of each play
    rounds: int = 3  # a play over each face
    seed: int = 5
    model: str = "pearl-xs"

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.rounds < 1:
            raise ValueError(f"seconds must be positive and rounds at least 1, got {self.seconds} and {self.rounds}")
        _ = self.link

    @property
    def link(self) -> LinkConfig:
        return LinkConfig(loss_share=self.loss_percent / 100, delay_s=self.delay_ms / 2_000, seed=self.seed)

    @property
    def timeout_s(self) -> float:
        return START_S + self.rounds * len(FACES) * (self.seconds + SLACK_PER_PLAY_S)

    def settings(self) -> dict[str, Any]:
        return {
            name: value for name, value in asdict(self).items() if name != "model"
        } | {"buffer_chunks": BUFFER_CHUNKS}  # fmt: skip


def bench_lossy(config: LossyConfig) -> Result:
    """Raises ServiceError, also where this machine cannot make networks or has no browser."""
    if missing := (*lacking(), *missing_tools()):
        raise ServiceError(f"a line that loses packets needs what is not here: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="nacre-lossy-") as name, closing(Door(Path(name) / "door")) as door:
        key = make_key(Path(name))
        with RunningService(service_config(Path(name), door, config.model)) as service:
            told, line, broken = play(door, page_url(LOG.read_text()).rstrip("/"), key, config)
            service.check_alive()
    return result_of(told, line, (*broken, *told["faults"], *service.faults), config)


def missing_tools() -> tuple[str, ...]:
    needed = {
        "node": shutil.which("node") is not None,
        "chromium (or NACRE_CHROMIUM)": Path(os.environ.get("NACRE_CHROMIUM", CHROMIUM)).exists(),
        "playwright-core (npm ci --prefix sdk/js)": (ROOT / "sdk/js/node_modules/playwright-core").is_dir(),
    }
    return tuple(name for name, is_there in needed.items() if not is_there)


def make_key(folder: Path) -> str:
    """As an operator does, before the service runs: elsewhere than on the loopback it asks for one."""
    command = (sys.executable, "-m", "serving.cli.app", "keys", "create", "--role", "player", "--json")
    done = subprocess.run(
        (*command, "--data-folder", str(_data(folder))), cwd=ROOT, capture_output=True, text=True, timeout=KEY_TIMEOUT_S
    )
    if done.returncode:
        raise ServiceError(f"no key could be made: {done.stderr[-2_000:]}")
    return json.loads(done.stdout)["secret"]


def service_config(folder: Path, door: Door, model: str) -> ServiceConfig:
    file = folder / "nacre.toml"
    file.write_text(SETTINGS)
    arguments = ("--local", "--auth", f"--model={model}", f"--host={SERVICE_HOST}", f"--config={file}")
    return ServiceConfig(
        log=LOG,
        launcher=in_network(door.file, f"{SERVICE_HOST}/{NET_BITS}"),
        arguments=(*arguments, f"--data-folder={_data(folder)}"),
    )


def _data(folder: Path) -> Path:
    return folder / "data"


def play(door: Door, url: str, key: str, config: LossyConfig) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """What the pages told, what the line did, and what broke."""
    settings = {"rounds": config.rounds, "seconds": config.seconds, "buffer_chunks": BUFFER_CHUNKS}
    browser = (shutil.which("node") or "node", str(HERE / "measure.mjs"), url, json.dumps(settings))
    near = door.take()
    with subprocess.Popen(
        (*in_network(door.file, f"{BROWSER_HOST}/{NET_BITS}"), *browser),
        cwd=ROOT, env=os.environ | {"NACRE_API_KEY": key}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            with Relay(near, door.take(), config.link) as relay:
                said, complained = process.communicate(timeout=config.timeout_s)
        except BaseException as error:
            process.kill()  # Chromium ends with whoever started it
            if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
                raise ServiceError("the browser's side did not come to its end") from error
            raise
    if process.returncode:
        raise ServiceError(f"the browser's side ended with status {process.returncode}: {complained[-2_000:]}")
    return json.loads(said), relay.figures(), (relay.fault,) if relay.fault else ()


def result_of(
    told: dict[str, Any], line: dict[str, Any], faults: tuple[str, ...], config: LossyConfig
) -> Result:  # fmt: skip
    plays = told["plays"]
    by_face = {name: [play for play in plays if play["face"] == name] for name in FACES}
    faces = {name: face_of(of_face) for name, of_face in by_face.items() if of_face}
    ratios = ratios_of(faces) if {WEBSOCKET, WEBRTC} <= faces.keys() else {}
    codecs = {name: sorted({play["codec"] for play in of_face}) for name, of_face in by_face.items()}
    figures = {"faces": faces, "ratios": ratios, "line": line, "browser": told["browser"], "codecs": codecs}
    return Result(
        benchmark="lossy",
        model=config.model,
        settings=config.settings(),
        figures=figures,
        summary=sentences(figures),
        faults=(*faults, *faults_of(faces, plays, config.rounds)),
    )
