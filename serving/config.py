"""The service's settings: flags over environment over file over defaults, read here and nowhere else.

flag            environment            file (TOML)
--port          NACRE_PORT             port = 50051
--web-port      NACRE_WEB_PORT=off     web_port = "off"
--local         NACRE_LOCAL=true       local = true
                                           processes = [["encoder", "transformer"], ["video_decoder", "audio_decoder"]]
                                           gpus = [1, 0.5]   (of a worker of each process)
                                       [access]   (see serving/access/config.py)
                                       [books]    (see serving/books/config.py)
                                       price_sheet = "prices.toml"
                                       [regions.eu]
                                       snapshots = "s3://eu/nacre"
                                       spool = "/var/lib/nacre/eu"
                                       [recording]   (see serving/export/config.py)
                                       [web]      (see serving/web/config.py)
                                       allowed_origins = ["https://game.example"]
                                       [retention]   (of snapshots; see serving/catalogue/retention.py)
                                       ended_after_s = 3600.0
                                       [gateway]
                                       detach_grace_s = 30.0
                                       [gateway.admission]
                                       concurrent_sessions = 4
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from model.interface import Profile, Tuning
from observability.tenants import DEFAULT_MAX_TENANTS
from serving.access.config import AccessConfig, check_listening, read_access
from serving.access.signing_key import FILE_NAME as SIGNING_KEY_FILE
from serving.admission.limits import AdmissionConfig
from serving.books.config import BooksConfig
from serving.catalogue.regions import Region
from serving.catalogue.retention import RetentionConfig
from serving.catalogue.storage import StorageConfig, default_data_folder, storage_config
from serving.engine.config import EngineConfig
from serving.engine.overload import WHOLE, OverloadConfig
from serving.export.config import RecordingConfig, read_recording
from serving.gateway.config import GatewayConfig
from serving.stages.host import WorkerConfig
from serving.stages.routes import Route
from serving.stages.stage import Stage
from serving.web.config import DEFAULT_PORT, WebConfig, read_port, read_web

ENVIRONMENT_PREFIX = "NACRE_"
TRUE_WORDS, FALSE_WORDS = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# Settings that a file may give and a flag or the environment may not.
FILE_ONLY = ("processes", "gpus", "access", "books", "regions", "retention", "gateway", "web", "recording")
MAX_PORT = 65_535
# On two cores one process for all stages, a thread each: every process more costs one to two milliseconds per chunk.
LAPTOP_PROCESSES = (frozenset(Stage),)


class ConfigError(ValueError):
    """A setting is unknown, malformed or out of range."""


def default_num_threads() -> int:
    """One on a small machine: a second OpenMP thread without a core of its own costs twenty times its gain."""
    return max(1, (os.cpu_count() or 1) // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """Everything the composition root needs."""

    host: str = "127.0.0.1"
    port: int = 50051
    web_port: int = DEFAULT_PORT  # of its HTTP face, with the page; 0 takes any free one, "off" is -1
    metrics_port: int = 9464  # of the gateway; workers take the ones after it. 0 takes any free ones
    model: str = "pearl-xs"
    profile: str = Profile.EXACT  # or "fast": sessions share the network's passes, and agree within a tolerance
    compiled: bool = False  # what lies between an open model's matrix products; with the fast profile
    eight_bit: bool = False  # an open model's large linear layers multiply in 8 bits; with the fast profile
    ranks: int = 1  # processes, each with a GPU of its own, that share every pass of an open model; if fast
    recache: bool = False  # a directive makes what is remembered of the last seconds again, under the new words
    slots: int = 2  # sessions at once on one transformer worker
    # Of them, those whose states have room where the model steps them; the others' lie with the host while they rest.
    # 0 makes room for all.
    resident: int = 0
    # Refuse a session, although there is a slot, when steps of all would take more than this share of a worker's time
    # as they were measured; 0 asks for slots alone. Those decoders and encoders share a machine with need the rest.
    max_load: float = 0.0
    degrade: bool = True  # a worker that cannot keep up takes denoise passes, then pace, and says so
    replicas: int = 1  # workers of each kind; with one more than needed, a lost worker's sessions go on in seconds
    threads: int = field(default_factory=default_num_threads)  # of a transformer worker
    delivery_lead_s: float = 0.12
    latents: str = Route.AUTO  # how they get to decoders in other processes: see serving/stages/routes.py
    local: bool = False  # everything in one process, without Ray
    processes: tuple[frozenset[Stage], ...] = LAPTOP_PROCESSES
    # That a worker of each process is given, which then sees no others: so many, or a share of one. Empty gives open
    # models one for each process, and a transformer one for each rank, where there are GPUs.
    gpus: tuple[float, ...] = ()
    auth: bool = False  # who calls must show a key or a token; without it the loopback alone is listened on
    access: AccessConfig = field(default_factory=AccessConfig)
    regions: tuple[Region, ...] = ()  # where pinned tenants' sessions are kept
    books: BooksConfig = field(default_factory=BooksConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)  # of snapshots that sessions make by themselves
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    web: WebConfig = field(default_factory=WebConfig)
    record: bool = True  # what is shown, for a while and up to a size
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    temp_folder: str = ""  # for Ray's sockets and logs; empty makes one and removes it
    data_folder: str = ""  # for what is kept of sessions; empty for a folder in the user's own
    # The region that the catalogue lies in, where it lies in one: journals, worlds' prompts and books are kept there,
    # so that tenants can be pinned to that region and to no other.
    catalogue_region: str = ""
    catalogue_url: str = ""  # sqlite:///FILE or postgresql://...; empty for a file in the data folder
    snapshots: str = ""  # a folder or s3://bucket/prefix; empty for a folder in the data folder
    # Of a running session; 0 for never. What lies between two is made again when it goes back or is lost: that takes
    # less than a second.
    snapshot_every_chunks: int = 20
    trace_file: str = ""  # spans as JSON lines
    trace_ratio: float = 0.01  # of sessions
    metrics_tenants: int = DEFAULT_MAX_TENANTS  # so many are told apart in the gateway's metrics; the rest are one

    def __post_init__(self) -> None:
        for name in ("port", "metrics_port"):
            if not 0 <= getattr(self, name) <= MAX_PORT:
                raise ConfigError(f"{name} must be 0 to {MAX_PORT}, got {getattr(self, name)}")
        if self.profile not in tuple(Profile):
            raise ConfigError(f"profile must be one of {[str(each) for each in Profile]}, got {self.profile!r}")
        if self.profile == Profile.EXACT and self.tuning.is_for_gpus:
            raise ConfigError("compiled, eight_bit and ranks are not the same to the bit: they need the profile fast")
        if min(self.slots, self.threads, self.replicas, self.ranks) < 1:
            raise ConfigError("slots, threads, replicas and ranks must be at least 1")
        if self.local and self.replicas > 1:
            raise ConfigError("one process holds one worker: replicas must be 1 with local")
        if self.resident < 0:
            raise ConfigError(f"resident must not be negative, got {self.resident}")
        if self.resident and self.ranks > 1:
            raise ConfigError("ranks have room for all sessions: leave resident at 0")
        if self.max_load < 0:
            raise ConfigError(f"max_load must not be negative, got {self.max_load}")
        if not 0 <= self.delivery_lead_s <= 1:
            raise ConfigError(f"delivery_lead_s must be 0 to 1, got {self.delivery_lead_s}")
        if self.latents not in tuple(Route):
            raise ConfigError(f"latents must be one of {[str(each) for each in Route]}, got {self.latents!r}")
        if self.metrics_tenants < 0:
            raise ConfigError(f"metrics_tenants must not be negative, got {self.metrics_tenants}")
        if not 0 <= self.trace_ratio <= 1:
            raise ConfigError(f"trace_ratio must be 0 to 1, got {self.trace_ratio}")
        try:
            check_listening(self.host, self.access_config)
            _ = self.storage, self.web_config
        except ValueError as error:
            raise ConfigError(str(error)) from error
        placed = [stage for stages in self.processes for stage in stages]
        if sorted(placed) != sorted(Stage):
            raise ConfigError(f"processes must hold each of {sorted(Stage)} once, got {sorted(placed)}")
        if self.gpus:
            self._check_gpus()

    def _check_gpus(self) -> None:
        if len(self.gpus) != len(self.processes):
            raise ConfigError(f"gpus must be a number for each of {len(self.processes)} processes, got {self.gpus}")
        if not all(0 <= each <= 1 or (each > 1 and float(each).is_integer()) for each in self.gpus):
            raise ConfigError(f"gpus must be shares from 0 to 1, or whole numbers, got {self.gpus}")
        of_transformer = next(
            each for each, stages in zip(self.gpus, self.processes, strict=True) if Stage.TRANSFORMER in stages
        )
        if self.ranks > 1 and 0 < of_transformer < self.ranks:
            raise ConfigError(f"{self.ranks} ranks want a GPU each, gpus gives the transformer {of_transformer:g}")

    @property
    def tuning(self) -> Tuning:
        return Tuning(compiles=self.compiled, eight_bit=self.eight_bit, ranks=self.ranks, recaches=self.recache)

    @property
    def gateway_config(self) -> GatewayConfig:
        values = {each.name: getattr(self.gateway, each.name) for each in fields(GatewayConfig)}
        values |= {"host": self.host, "port": self.port, "access": self.access_config, "books": self.books}
        values["recording"] = replace(self.recording, is_on=self.record and self.recording.is_on)
        return GatewayConfig(**values)

    @property
    def web_config(self) -> WebConfig:
        return replace(self.web, port=self.web_port)

    @property
    def access_config(self) -> AccessConfig:
        folder = Path(self.data_folder).expanduser().resolve() if self.data_folder else default_data_folder()
        return replace(self.access, is_on=self.auth, own_key_file=str(folder / SIGNING_KEY_FILE))

    @property
    def storage(self) -> StorageConfig:
        return storage_config(
            self.data_folder,
            self.catalogue_url,
            self.snapshots,
            self.snapshot_every_chunks,
            self.regions,
            self.retention,
            self.catalogue_region,
        )

    def worker_config(self, stages: frozenset[Stage]) -> WorkerConfig:
        return WorkerConfig(
            stages=stages,
            num_threads=self.threads,
            engine=EngineConfig(
                num_slots=self.slots,
                num_resident=self.resident,
                snapshot_every_chunks=self.snapshot_every_chunks,
                max_load=self.max_load,
                overload=OverloadConfig() if self.degrade else OverloadConfig(ladder=(WHOLE,)),
            ),
            storage=self.storage if Stage.TRANSFORMER in stages else None,
            delivery_lead_s=self.delivery_lead_s,
            latents=Route(self.latents),
        )


def load_config(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> ServiceConfig:
    """`flags`: None for those not given. Raises `ConfigError`."""
    settings = _read_file(file) if file else {}
    settings |= _read_environment(environment)
    settings |= {name: value for name, value in flags.items() if value is not None}
    try:
        if "web_port" in settings:
            settings["web_port"] = read_port(settings["web_port"])
        return ServiceConfig(**settings)
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error


def _read_file(file: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    known = {each.name: each.type for each in fields(ServiceConfig)}
    if unknown := sorted(settings.keys() - known.keys()):
        raise ConfigError(f"{file}: no setting {unknown[0]!r}; there are {sorted(known)}")
    for name, value in settings.items():
        settings[name] = _FROM_FILE[name](value) if name in _FROM_FILE else _checked(name, value, str(known[name]))
    return settings


def _checked(name: str, value: Any, type_name: str) -> Any:
    expected = {"int": int, "float": (int, float), "str": str, "bool": bool}[type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and type_name != "bool"):
        raise ConfigError(f"{name} must be of type {type_name}, got {value!r}")
    return float(value) if type_name == "float" else value


def _processes(value: Any) -> tuple[frozenset[Stage], ...]:
    try:
        return tuple(frozenset(Stage(name) for name in names) for names in value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"processes must be lists of {sorted(Stage)}: {error}") from error


def _gpus(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(type(each) in (int, float) for each in value):
        raise ConfigError(f"gpus must be a list of numbers, one for each of processes, got {value!r}")
    return tuple(float(each) for each in value)


def _access(value: Any) -> AccessConfig:
    if not isinstance(value, dict):
        raise ConfigError("access must be a table")
    try:
        return read_access(value)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _books(value: Any) -> BooksConfig:
    if not isinstance(value, dict):
        raise ConfigError("books must be a table")
    try:
        return BooksConfig(**value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"books: {error}") from error


def _retention(value: Any) -> RetentionConfig:
    if not isinstance(value, dict):
        raise ConfigError("retention must be a table")
    try:
        return RetentionConfig(**value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"retention: {error}") from error


def _regions(value: Any) -> tuple[Region, ...]:
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise ConfigError("regions must be tables, by name: [regions.eu]")
    try:
        return tuple(Region(name=name, **each) for name, each in value.items())
    except (TypeError, ValueError) as error:
        raise ConfigError(f"regions: {error}") from error


def _gateway(value: Any) -> GatewayConfig:
    if not isinstance(value, dict) or {"host", "port", "access", "books", "recording"} & value.keys():
        raise ConfigError(
            "gateway must be a table, without host, port, access, books and recording: those stand at the top"
        )
    try:
        admission = AdmissionConfig.from_table(value.get("admission", {}))
        return GatewayConfig(**{**value, "admission": admission})
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"gateway: {error}") from error


def _recording(value: Any) -> RecordingConfig:
    try:
        return read_recording(value)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _web(value: Any) -> WebConfig:
    try:
        return read_web(value)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _web_port(value: Any) -> int:
    try:
        return read_port(value)
    except ValueError as error:
        raise ConfigError(str(error)) from error


_FROM_FILE = {
    "processes": _processes,
    "gpus": _gpus,
    "access": _access,
    "books": _books,
    "regions": _regions,
    "retention": _retention,
    "gateway": _gateway,
    "recording": _recording,
    "web": _web,
    "web_port": _web_port,
}


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    settings = {}
    for each in fields(ServiceConfig):
        text = environment.get(ENVIRONMENT_PREFIX + each.name.upper())
        if text is not None and each.name not in FILE_ONLY:
            settings[each.name] = _parse(ENVIRONMENT_PREFIX + each.name.upper(), text, str(each.type))
    return settings


def _parse(name: str, text: str, type_name: str) -> Any:
    try:
        match type_name:
            case "int" if name == ENVIRONMENT_PREFIX + "WEB_PORT":
                return read_port(text)
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return _parse_bool(text)
            case _:
                return text
    except ValueError as error:
        raise ConfigError(f"{name} must be of type {type_name}, got {text!r}") from error


def _parse_bool(text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise ValueError(text)
