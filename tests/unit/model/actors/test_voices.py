"""Who is heard: near ones louder, each kind in its own way, the same however often it is played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.actors import voices
from model.actors.actor import Actor
from model.actors.cast import Cast
from model.actors.director import direct
from model.actors.voices import call_age, voices_of
from model.audio.codec import PearlAudioDecoder
from model.audio.network import drives_of
from model.audio.voices import VoiceConfig, VoiceNetwork, with_voices
from model.presets import WEIGHTS_FOLDER, load
from model.text.events import Event
from model.training.voices import measure, random_features, voice_loss
from model.world.voices import voice_sound
from tests.unit.model.actors.scenes import played_on, scene

CHUNKS = 60


def decoder() -> PearlAudioDecoder:
    torch.set_num_threads(1)
    return load("pearl-xs").load_audio_decoder()


def shipped() -> VoiceNetwork:
    return VoiceNetwork.load(WEIGHTS_FOLDER / "pearl-xs" / "voices.safetensors")


def standing(kind: str, metres: float) -> Actor:
    (actor,) = direct(Cast(), Event(action="appear", subject=kind), scene()).actors
    return replace(actor, presence=1.0, x_m=metres, y_m=0.0, z_m=0.0)


def heard(actor: Actor, chunks: int = CHUNKS) -> np.ndarray:
    """What an actor adds to a world that is otherwise as silent as the decoder's latents of zero let it be."""
    one, cache = decoder(), decoder().open(3)
    quiet = one.open(3)
    added = []
    for chunk in range(chunks):
        audio = {"latents": np.zeros(32, np.float32)}
        without = one.decode(quiet, audio)
        told = voices_of(Cast(actors=(actor,)), scene(chunk))
        added.append(one.decode(cache, {**audio, "voices": told} if len(told) else audio) - without)
    return np.concatenate(added)[:, 0]


def loudness_db(sound_S: np.ndarray) -> float:
    return 10 * float(np.log10(np.square(sound_S).mean() + 1e-12))


@pytest.mark.parametrize("kind", ["fountain", "car", "kitten", "dog"])
def test_a04_an_actor_sounds_louder_the_nearer_it_is(kind: str) -> None:
    far, middle, near = (loudness_db(heard(standing(kind, metres))) for metres in (12.0, 6.0, 3.0))
    assert near > middle + 3 > far + 6
    assert near > -60


def test_one_who_comes_is_heard_to_come() -> None:
    cast = direct(Cast(), Event(action="come", subject="dog", target="person"), scene())
    gains = []
    for chunk in range(30):
        cast = played_on(cast, 1, chunk)
        gains.append(voices_of(cast, scene(chunk))[0, voices.GAIN])
    assert gains[-1] > 1.5 * gains[5]
    assert (np.diff(gains[5:]) > -1e-3).all()


@pytest.mark.parametrize("kind", voices.SILENT)
def test_what_makes_no_sound_is_not_heard(kind: str) -> None:
    assert voices_of(Cast(actors=(standing(kind, 2.0),)), scene()).shape == (0, voices.NUM_VOICE_FEATURES + 1)


def test_the_character_is_heard_by_the_walkers_steps_alone() -> None:
    actor = replace(standing("person", 3.0), behaviour="played", speed=1.5)
    assert len(voices_of(Cast(actors=(actor,)), scene())) == 0
    assert len(voices_of(Cast(actors=(replace(actor, behaviour="wander"),)), scene())) == 1


def test_x05_calls_come_now_and_then_at_times_that_only_the_seed_knows() -> None:
    kitten = standing("kitten", 3.0)
    ages = [call_age(kitten, 5, chunk) for chunk in range(300)]
    assert ages == [call_age(kitten, 5, chunk) for chunk in range(300)]
    assert ages != [call_age(kitten, 6, chunk) for chunk in range(300)]
    begun = [chunk for chunk, age in enumerate(ages) if age == 0]
    assert 5 <= len(begun) <= 7
    assert begun[0] <= voices.FIRST_CALL_CHUNKS
    assert all(ages[start : start + 8] == list(range(8)) for start in begun if start < 290)


def test_who_stands_makes_no_steps_and_who_walks_makes_them_in_time_with_the_gait() -> None:
    person = standing("person", 3.0)
    assert not voices_of(Cast(actors=(person,)), scene())[0, voices.FOOTFALL].any()
    steps = 0
    for chunk in range(25):
        phase = (chunk + 1) * 2 * np.pi * 1.4 * 0.08 / 1.4
        walking = replace(person, speed=1.4, phase_rad=phase % (2 * np.pi))
        steps += voices_of(Cast(actors=(walking,)), scene(chunk))[0, voices.FOOTFALL].any()
    assert steps == 4  # of two a cycle of the gait, 0.08 cycles a chunk


def test_voices_are_like_the_true_ones_and_an_untrained_network_is_not() -> None:
    torch.manual_seed(0)
    ours, untrained = measure(shipped()), measure(VoiceNetwork(VoiceConfig(hidden=16)))
    assert ours["tones_off_db"] < 4
    assert ours["noise_off_db"] < 4
    assert untrained["tones_off_db"] > 8
    features = random_features(64, torch.Generator().manual_seed(4))
    truth = voice_sound(features)
    assert voice_loss(shipped()(features), truth) < voice_loss(shipped()(features.roll(7, 0)), truth)


def test_voices_add_up_and_silence_adds_nothing_that_is_heard() -> None:
    base = drives_of(shipped()(torch.zeros(1, voices.NUM_VOICE_FEATURES)))
    told = torch.from_numpy(voices_of(Cast(actors=(standing("fountain", 3.0),)), scene()))
    one, two = with_voices(base, shipped(), told), with_voices(base, shipped(), torch.cat([told, told]))
    added, doubled = (each.gains_XWQ.square() - base.gains_XWQ.square() for each in (one, two))
    torch.testing.assert_close(doubled, 2 * added, rtol=1e-3, atol=1e-7)
    silent = told.clone()
    silent[:, voices.GAIN] = 0.0
    torch.testing.assert_close(with_voices(base, shipped(), silent).gains_XWQ, base.gains_XWQ)


def test_voices_for_a_decoder_without_any_are_refused() -> None:
    mute = PearlAudioDecoder.load(WEIGHTS_FOLDER / "pearl-xs" / "audio_codec.safetensors")
    told = voices_of(Cast(actors=(standing("fountain", 3.0),)), scene())
    with pytest.raises(ValueError, match="without any"):
        mute.decode(mute.open(1), {"latents": np.zeros(32, np.float32), "voices": told})


def test_c02_a_sound_that_was_restored_amid_a_call_goes_on_bit_for_bit() -> None:
    kitten, one = standing("kitten", 2.5), decoder()
    cache = one.open(9)

    def chunk(state: object, idx: int) -> np.ndarray:
        told = voices_of(Cast(actors=(kitten,)), scene(idx))
        return one.decode(state, {"latents": np.zeros(32, np.float32), "voices": told})  # pyright: ignore[reportArgumentType]

    for idx in range(5):
        chunk(cache, idx)
    restored = one.restore(cache.snapshot())
    for idx in range(5, 12):
        np.testing.assert_array_equal(chunk(cache, idx), chunk(restored, idx))
