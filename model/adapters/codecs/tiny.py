"""The tiny decoder: Wan's latents to frames for a fraction of the autoencoder's work, a little softer.

Written from the published architecture (madebyollin/taehv, MIT: taehv.py), for the weights taew2_1 (Wan 2.1 and
Wan 2.2 14B) and taew2_2 (Wan 2.2 5B). It takes latents as the transformer makes them: nothing is widened.

Letters: B sessions, C channels, F frames or latents, H W height and width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from model.adapters.checkpoint import CheckpointError, fill, open_checkpoint, shapes_of
from model.adapters.codecs.features import Features
from model.adapters.codecs.memory_format import lay_channels_last
from model.adapters.codecs.reach import Doubling, Past, steps_remembered

BLOCKS_PER_STAGE = 3
ENCODER_WIDTH = 64
ENCODER_HALVES_TIME = (True, True, False)
FILES = ("taew2_1.pth", "taew2_2.pth", "taew2_1.safetensors", "taew2_2.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """An architecture: nothing in it has a default."""

    latent_channels: int
    patch_px: int  # pixels that the last layer makes at once, each way
    widths: tuple[int, int, int, int]  # of the three stages, each of which doubles the picture, and of the end
    doubles_time: tuple[bool, bool, bool]  # which stages also double the frames

    @property
    def frames_per_latent(self) -> int:
        return 2 ** sum(self.doubles_time)


TAEW_2_1 = TinyConfig(
    latent_channels=16, patch_px=1, widths=(256, 128, 64, 64), doubles_time=(False, True, True)
)  # fmt: skip
TAEW_2_2 = TinyConfig(
    latent_channels=48, patch_px=2, widths=(256, 128, 64, 64), doubles_time=(False, True, True)
)  # fmt: skip


class MemoryBlock(nn.Module):
    """A frame and the one before it."""

    def __init__(self, channels: int, name: str) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )  # fmt: skip
        self.name = name

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        before_BCFHW = features.prepend(self.name, x_BCFHW, 1)[:, :, :-1]
        pair = rearrange(torch.cat([x_BCFHW, before_BCFHW], 1), "b c f h w -> (b f) c h w")
        changed = rearrange(self.conv(pair), "(b f) c h w -> b c f h w", b=x_BCFHW.shape[0])
        return functional.relu(changed + x_BCFHW)


class TimeGrow(nn.Module):
    """Every frame to `num_frames` of them."""

    def __init__(self, channels: int, num_frames: int) -> None:
        super().__init__()
        self.num_frames = num_frames
        self.conv = nn.Conv2d(channels, num_frames * channels, 1, bias=False)

    def forward(self, frames_NCHW: Tensor) -> Tensor:
        return rearrange(self.conv(frames_NCHW), "n (t c) h w -> (n t) c h w", t=self.num_frames)


class TinyDecoder(nn.Module):
    """Latents to pictures. `decoder` is numbered as the published weights are. Its features begin empty."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = nn.ModuleList(self._layers())
        # How many latents decide what a session keeps, whatever came before them.
        self.latents_remembered = steps_remembered(self._looks(), 1)

    def _layers(self) -> Iterator[nn.Module]:
        config, place = self.config, 3
        yield nn.Identity()  # where latents are bounded
        yield nn.Conv2d(config.latent_channels, config.widths[0], 3, padding=1)
        yield nn.ReLU()
        for stage, doubles in enumerate(config.doubles_time):
            width, following = config.widths[stage], config.widths[stage + 1]
            for block in range(BLOCKS_PER_STAGE):
                yield MemoryBlock(width, f"decoder.{place + block}")
            yield nn.Upsample(scale_factor=2)
            yield TimeGrow(width, 2 if doubles else 1)
            yield nn.Conv2d(width, following, 3, padding=1, bias=False)
            place += BLOCKS_PER_STAGE + 3
        yield nn.ReLU()
        yield nn.Conv2d(config.widths[-1], 3 * config.patch_px**2, 3, padding=1)

    @property
    def latent_channels(self) -> int:
        return self.config.latent_channels

    @property
    def frames_per_latent(self) -> int:
        return self.config.frames_per_latent

    def _looks(self) -> Iterator[Past | Doubling]:
        for layer in self.decoder:
            if isinstance(layer, MemoryBlock):
                yield Past(1)
            if isinstance(layer, TimeGrow) and layer.num_frames == 2:
                yield Doubling()

    def replay(self, latents_BCFHW: Tensor, features: Features, num_after: int) -> None:
        """As `decode`, for what is kept alone; `num_after` latents follow. So few are remembered that all is done."""
        self.decode(latents_BCFHW, features)

    def on_meta(self) -> TinyDecoder:
        with torch.device("meta"):
            return TinyDecoder(self.config).to(next(self.parameters()).dtype)

    def decode(self, latents_BCFHW: Tensor, features: Features) -> Tensor:
        """pictures_BCFHW, 0 to 1, of the next latents: one frame of the first latent (what it makes before that is what
        the network warms up with), `frames_per_latent` of each later one. Advances `features`."""
        was_first, batch = features.is_first, latents_BCFHW.shape[0]
        bounded = torch.tanh(latents_BCFHW / 3) * 3
        hidden = rearrange(bounded.to(next(self.parameters()).dtype), "b c f h w -> (b f) c h w")
        for layer in self.decoder:
            if isinstance(layer, MemoryBlock):
                seen = layer.stream(rearrange(hidden, "(b f) c h w -> b c f h w", b=batch), features)
                hidden = rearrange(seen, "b c f h w -> (b f) c h w")
            else:
                hidden = layer(hidden)
        features.num_steps += latents_BCFHW.shape[2]
        pictures = functional.pixel_shuffle(hidden, self.config.patch_px)
        pictures = rearrange(pictures, "(b f) c h w -> b c f h w", b=batch).clamp(0, 1)
        exact = pictures.to(torch.promote_types(pictures.dtype, torch.float32))
        return exact[:, :, self.frames_per_latent - 1 :] if was_first else exact


def load_tiny_decoder(
    path: Path, dtype: torch.dtype, device: torch.device, config: TinyConfig | None = None
) -> TinyDecoder:
    """`path`: a file, or a folder with one of the published ones. The encoder that lies beside the decoder is checked
    and not read. Raises CheckpointError, with the names of tensors that are missing, too many or of the wrong shape."""
    file = next((path / name for name in FILES if (path / name).is_file()), path)
    if file.is_dir():
        raise CheckpointError(f"{path} has none of {', '.join(FILES)}")
    checkpoint = open_checkpoint(file)
    if config is None:
        first = checkpoint.shapes.get("decoder.1.weight", torch.Size([0, 0]))
        config = TAEW_2_2 if len(first) > 1 and first[1] == TAEW_2_2.latent_channels else TAEW_2_1
    with torch.device("meta"):
        decoder, encoder = TinyDecoder(config), _EncoderLayout(config)
    names = {name: name for name in decoder.state_dict()}
    checkpoint.check(shapes_of(decoder, names) | shapes_of(encoder, {name: name for name in encoder.state_dict()}))
    fill(decoder, checkpoint, names, dtype, device)
    lay_channels_last(decoder)
    return decoder


class _EncoderLayout(nn.Module):
    """Names and shapes of the encoder in the same file. Its latents lie otherwise in time than Wan's, so that a session
    could not go on from them; pictures are encoded by Wan's own encoder."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        width, layers = ENCODER_WIDTH, list[nn.Module]()
        layers += [nn.Conv2d(3 * config.patch_px**2, width, 3), nn.ReLU()]
        for halves in ENCODER_HALVES_TIME:
            pool = nn.Module()
            pool.conv = nn.Conv2d(width * (2 if halves else 1), width, 1, bias=False)
            layers += [pool, nn.Conv2d(width, width, 3, bias=False)]
            layers += [MemoryBlock(width, "") for _ in range(BLOCKS_PER_STAGE)]
        self.encoder = nn.ModuleList([*layers, nn.Conv2d(width, config.latent_channels, 3)])
