from __future__ import annotations

from pathlib import Path

import pytest

from model.interface import Tuning
from serving.config import LAPTOP_PROCESSES, ConfigError, ServiceConfig, load_config
from serving.stages.routes import Route
from serving.stages.stage import Stage


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "service.toml"


def test_without_settings_there_are_defaults() -> None:
    config = load_config({}, {})
    assert config == ServiceConfig()
    assert config.processes == LAPTOP_PROCESSES
    assert config.gateway_config.port == 50051


def test_flags_go_over_the_environment_and_that_over_the_file(file: Path) -> None:
    file.write_text('port = 1\nslots = 3\nhost = "127.0.0.2"\n')
    config = load_config({"port": 3, "slots": None}, {"NACRE_PORT": "2", "NACRE_SLOTS": "4"}, file)
    assert (config.port, config.slots, config.host) == (3, 4, "127.0.0.2")
    assert (config.gateway_config.host, config.gateway_config.port) == ("127.0.0.2", 3)


def test_a_file_places_stages_and_sets_up_the_gateway(file: Path) -> None:
    file.write_text(
        """
        processes = [["encoder", "transformer"], ["video_decoder", "audio_decoder"]]
        delivery_lead_s = 0
        [gateway]
        detach_grace_s = 5.0
        """
    )
    config = load_config({}, {}, file)
    assert config.processes[0] == {Stage.ENCODER, Stage.TRANSFORMER}
    assert config.gateway_config.detach_grace_s == 5.0
    assert config.worker_config(config.processes[0]).delivery_lead_s == 0.0


def test_a_file_gives_processes_their_gpus(file: Path) -> None:
    file.write_text(
        """
        processes = [["encoder", "transformer"], ["video_decoder", "audio_decoder"]]
        gpus = [1, 0.5]
        """
    )
    assert load_config({}, {"NACRE_GPUS": "7"}, file).gpus == (1.0, 0.5)


def test_sessions_are_kept_where_the_settings_say(tmp_path: Path) -> None:
    config = load_config({"data_folder": str(tmp_path)}, {"NACRE_SNAPSHOT_EVERY_CHUNKS": "50"})
    transformer = config.worker_config(frozenset({Stage.TRANSFORMER}))
    decoders = config.worker_config(frozenset({Stage.VIDEO_DECODER}))
    assert transformer.storage == config.storage
    assert str(tmp_path) in config.storage.snapshots
    assert transformer.engine.snapshot_every_chunks == 50
    assert decoders.storage is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("port = 'many'", "port must be of type int"),
        ("port = true", "port must be of type int"),
        ("port = 70000", "port must be 0 to 65535"),
        ("local = 1", "local must be of type bool"),
        ("ports = 1", "no setting 'ports'"),
        ("processes = [['encoder']]", "once"),
        ("processes = [['kitchen']]", "kitchen"),
        ("processes = 4", "processes"),
        ("gpus = 1", "gpus must be a list"),
        ("gpus = ['all']", "gpus must be a list"),
        ("gpus = [true]", "gpus must be a list"),
        ("gpus = [1, 1]", "each of 1 processes"),
        ("gpus = [-1]", "shares from 0 to 1"),
        ("gpus = [1.5]", "shares from 0 to 1"),
        ("gpus = [nan]", "shares from 0 to 1"),
        ("gpus = [inf]", "shares from 0 to 1"),
        ("gpus = [1]\nranks = 2\nprofile = 'fast'", "2 ranks want a GPU each"),
        ("[gateway]\nport = 1", "without host, port"),
        ("[gateway]\nno_such = 1", "no_such"),
        ("gateway = 3", "table"),
        ("port =", "Invalid value"),
        ("slots = 0", "slots"),
        ("trace_ratio = 2.0", "trace_ratio"),
        ("latents = 'pigeon'", "latents must be one of"),
        ("delivery_lead_s = -1.0", "delivery_lead_s"),
        ("catalogue_url = 'mysql://db/nacre'", "not in mysql"),
        ("snapshot_every_chunks = -1", "snapshot_every_chunks"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_setting(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_config({}, {}, file)


def test_a_missing_file_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"service\.toml"):
        load_config({}, {}, file)


@pytest.mark.parametrize(
    ("name", "value"), [("NACRE_PORT", "many"), ("NACRE_LOCAL", "perhaps"), ("NACRE_TRACE_RATIO", "")]
)
def test_a_malformed_environment_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config({}, {name: value})


@pytest.mark.parametrize(("word", "expected"), [("true", True), ("ON", True), ("0", False), ("no", False)])
def test_switches_in_the_environment_are_words(word: str, expected: bool) -> None:
    assert load_config({}, {"NACRE_LOCAL": word}).local is expected


def test_what_makes_other_bits_needs_the_fast_profile() -> None:
    flags = {"profile": "fast", "compiled": True, "recache": True, "ranks": 2}
    settings = load_config(flags, {"NACRE_EIGHT_BIT": "yes"})
    assert settings.tuning == Tuning(compiles=True, eight_bit=True, recaches=True, ranks=2)
    assert load_config({"recache": True}, {}).tuning == Tuning(recaches=True)
    assert load_config({}, {}).tuning == Tuning()
    for wrong in ({"compiled": True}, {"eight_bit": True}, {"ranks": 2}):
        with pytest.raises(ConfigError, match="need the profile fast"):
            load_config(wrong, {})


def test_profile_and_ladder_reach_the_worker() -> None:
    usual = load_config({}, {}).worker_config(frozenset(Stage)).engine
    assert (len(usual.overload.ladder), usual.max_load) == (4, 0.0)
    settings = load_config({"degrade": False, "max_load": 0.8}, {"NACRE_PROFILE": "fast"})
    engine = settings.worker_config(frozenset(Stage)).engine
    assert (settings.profile, len(engine.overload.ladder), engine.max_load) == ("fast", 1, 0.8)
    assert load_config({"slots": 9, "resident": 3}, {}).worker_config(frozenset(Stage)).engine.num_rooms == 3
    for wrong in ({"profile": "quick"}, {"max_load": -0.1}, {"resident": -1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            load_config(wrong, {})


def test_a_file_may_limit_what_a_tenant_uses(tmp_path: Path) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text("[gateway.admission]\nconcurrent_sessions = 4\nweights = { acme = 2.0 }\n")
    admission = load_config({}, {}, file).gateway_config.admission
    assert (admission.limits.concurrent_sessions, admission.weights["acme"]) == (4, 2.0)
    file.write_text("[gateway.admission]\nconcurrent = 4\n")
    with pytest.raises(ConfigError, match="concurrent"):
        load_config({}, {}, file)


def test_how_long_snapshots_are_kept_is_a_table_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text("[retention]\nended_after_s = 60.0\nended_step_s = 0\n")
    storage = load_config({}, {}, file).storage
    assert (storage.retention.ended_after_s, storage.retention.ended_step_s) == (60.0, 0)
    for wrong in ("retention = 3", "[retention]\nstep_s = 0", "[retention]\nfor_ever = true"):
        file.write_text(wrong)
        with pytest.raises(ConfigError, match="retention"):
            load_config({}, {}, file)


def test_latents_take_the_way_that_is_set() -> None:
    decoders = frozenset({Stage.VIDEO_DECODER})
    assert load_config({}, {}).worker_config(decoders).latents is Route.AUTO
    assert load_config({}, {"NACRE_LATENTS": "grpc"}).worker_config(decoders).latents is Route.GRPC
