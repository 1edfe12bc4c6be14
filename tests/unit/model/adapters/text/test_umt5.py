"""UMT5's encoder: read from both layouts, the same as its published description, and remembered by prompt."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from torch.nn import functional

from model.adapters.checkpoint import CheckpointError
from model.adapters.extra import MissingExtraError
from model.adapters.interface import TEXT
from model.adapters.text.tokens import MAX_TOKENS, PromptTokenizer, cleaned
from model.adapters.text.umt5 import ORIGINAL_FILE, UMT5_XXL, Umt5Sizes, Umt5TextEncoder, open_umt5, public_name

SMALL = Umt5Sizes(
    num_words=40, width=16, num_heads=2, head_dim=6, inner=24, num_layers=2, num_buckets=8, max_distance=20
)
CPU = torch.device("cpu")
WORDS = ["a", "snowy", "street", "at", "night", "with", "rain", "and", "neon", "lights"]


def write_tokenizer(folder: Path, has_end: bool = True) -> None:
    words = ["<pad>", "</s>", "<unk>", *WORDS]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    if has_end:
        ending = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        tokenizer.post_processor = ending  # pyright: ignore[reportAttributeAccessIssue]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def weights() -> dict[str, Tensor]:
    """By transformers' names, without their prefix."""
    generator = torch.Generator().manual_seed(3)
    held = {name: torch.randn(shape, generator=generator) for name, shape in SMALL.shapes().items()}
    return {name: tensor * (1.0 if tensor.ndim == 1 else 0.3) for name, tensor in held.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    original, transformers = (tmp_path_factory.mktemp(name) for name in ("original", "transformers"))
    held = weights()
    torch.save({public_name(name, "original"): tensor for name, tensor in held.items()}, original / ORIGINAL_FILE)
    write_tokenizer(original / "google" / "umt5-xxl")
    (transformers / "text_encoder").mkdir()
    public = {public_name(name, "transformers"): tensor for name, tensor in held.items()}
    split = {"one.safetensors": dict(list(public.items())[::2]), "two.safetensors": dict(list(public.items())[1::2])}
    for name, part in split.items():
        save_file(part, transformers / "text_encoder" / name)
    index = {"weight_map": {key: name for name, part in split.items() for key in part}}
    (transformers / "text_encoder" / "model.safetensors.index.json").write_text(json.dumps(index))
    write_tokenizer(transformers / "tokenizer")
    return {"original": original, "transformers": transformers}


@pytest.fixture(scope="module")
def encoder(folders: dict[str, Path]) -> Umt5TextEncoder:
    torch.set_num_threads(1)
    return open_umt5(folders["original"], SMALL).load(torch.float32, CPU)


def published(ids: list[int], num_padded: int) -> Tensor:
    """As wan/modules/t5.py describes it: padded, masked, cut off again. [P, D]."""
    held = {public_name(name, "original"): tensor.double() for name, tensor in weights().items()}
    padded = torch.tensor(ids + [0] * (num_padded - len(ids)))
    masked = torch.zeros(num_padded, dtype=torch.float64)
    masked[len(ids) :] = torch.finfo(torch.float64).min
    place = torch.arange(num_padded)
    distance, half, exact = place[None] - place[:, None], SMALL.num_buckets // 2, SMALL.num_buckets // 4
    far = (distance.abs().clamp(min=1).double() / exact).log() / math.log(SMALL.max_distance / exact) * (half - exact)
    bucket = torch.where(distance.abs() < exact, distance.abs(), (exact + far.long()).clamp(max=half - 1))
    bucket = bucket + (distance > 0) * half

    def norm(x_PD: Tensor, name: str) -> Tensor:
        return x_PD * (x_PD.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt() * held[name]

    x_PD = held["token_embedding.weight"][padded]
    for layer in range(SMALL.num_layers):
        block = f"blocks.{layer}"
        normed = norm(x_PD, f"{block}.norm1.weight")
        q, k, v = (
            (normed @ held[f"{block}.attn.{part}.weight"].T).view(num_padded, SMALL.num_heads, -1).transpose(0, 1)
            for part in "qkv"
        )
        bias = held[f"{block}.pos_embedding.embedding.weight"][bucket].permute(2, 0, 1)
        seen = ((q @ k.mT + bias + masked).softmax(-1) @ v).transpose(0, 1).reshape(num_padded, -1)
        x_PD = x_PD + seen @ held[f"{block}.attn.o.weight"].T
        normed = norm(x_PD, f"{block}.norm2.weight")
        gate = functional.gelu(normed @ held[f"{block}.ffn.gate.0.weight"].T, approximate="tanh")
        x_PD = x_PD + (normed @ held[f"{block}.ffn.fc1.weight"].T * gate) @ held[f"{block}.ffn.fc2.weight"].T
    return norm(x_PD, "norm.weight")[: len(ids)]


@pytest.mark.parametrize("prompt", ["a snowy street at night", "", "rain " * 30])
def test_words_are_read_as_published_with_padding(encoder: Umt5TextEncoder, folders: dict, prompt: str) -> None:
    ids = PromptTokenizer(folders["original"] / "google" / "umt5-xxl").ids(prompt)
    ours = encoder.encode(prompt)[TEXT]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, published(ids, 64).numpy(), rtol=0, atol=2e-5)
    assert len(ours) == len(prompt.split()) + 1


def test_both_layouts_are_the_same(encoder: Umt5TextEncoder, folders: dict[str, Path]) -> None:
    other = open_umt5(folders["transformers"], SMALL).load(torch.float32, CPU)
    np.testing.assert_array_equal(other.encode("rain at night")[TEXT], encoder.encode("rain at night")[TEXT])


def test_half_precision_is_within_its_tolerance(encoder: Umt5TextEncoder, folders: dict[str, Path]) -> None:
    exact = encoder.encode("neon lights and rain")[TEXT]
    rounded = open_umt5(folders["original"], SMALL).load(torch.bfloat16, CPU).encode("neon lights and rain")[TEXT]
    assert np.abs(rounded - exact).max() < 0.1 * np.abs(exact).max()


def test_a_prompt_is_read_once_and_few_are_remembered(folders: dict[str, Path]) -> None:
    loaded = open_umt5(folders["original"], SMALL).load(torch.float32, CPU)
    network, read = loaded._network, []
    tokenizer = PromptTokenizer(folders["original"] / "google" / "umt5-xxl")

    def counting(**given: Tensor) -> object:
        read.append(given["input_ids"].shape[1])
        return network(**given)

    counting.parameters = network.parameters  # pyright: ignore[reportFunctionMemberAccess]
    remembering = Umt5TextEncoder(counting, tokenizer, max_cached_bytes=10 * 16 * 4)
    first = remembering.encode("a snowy street")
    assert remembering.encode("a snowy street")[TEXT] is first[TEXT]
    assert read == [4]
    assert not first[TEXT].flags.writeable
    remembering.encode("neon lights and rain")  # nine of ten tokens
    remembering.encode("a snowy street")
    remembering.encode("night")  # the one not asked for lately goes
    remembering.encode("a snowy street")
    assert read == [4, 5, 2]
    remembering.encode("neon lights and rain")
    assert read == [4, 5, 2, 5]
    remembering.encode("rain " * 20)  # more than all that may be kept: given, and forgotten
    assert remembering.num_cached_bytes == 0


def test_the_published_size_has_the_published_tensors() -> None:
    shapes = UMT5_XXL.shapes()
    assert len(shapes) == 242
    assert sum(shape.numel() for shape in shapes.values()) == 5_680_910_336
    with torch.device("meta"):
        network = UMT5_XXL.network()
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == shapes


def test_files_that_do_not_fit_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    held = {public_name(name, "original"): tensor for name, tensor in weights().items()}
    write_tokenizer(tmp_path / "google" / "umt5-xxl")
    for change, words in (
        ({"blocks.1.ffn.gate.0.weight": None}, r"missing: blocks\.1\.ffn\.gate\.0\.weight"),
        ({"blocks.2.norm1.weight": torch.zeros(16)}, r"not known: blocks\.2\.norm1\.weight"),
        ({"norm.weight": torch.zeros(17)}, r"norm\.weight \[17\] instead of \[16\]"),
    ):
        faulty = {name: tensor for name, tensor in {**held, **change}.items() if tensor is not None}
        torch.save(faulty, tmp_path / ORIGINAL_FILE)
        with pytest.raises(CheckpointError, match=words):
            open_umt5(tmp_path, SMALL)
    with pytest.raises(CheckpointError, match="neither"):
        open_umt5(tmp_path / "elsewhere", SMALL)
    with pytest.raises(CheckpointError, match="the tokenizer knows 13 words, the encoder 12"):
        open_umt5(folders["original"], replace(SMALL, num_words=12))


def test_without_the_extra_it_is_named(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    checked = open_umt5(folders["original"], SMALL)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"transformers, .* pip install 'nacre-server\[adapters\]'"):
        checked.load(torch.float32, CPU)


def test_prompts_are_cleaned_as_published() -> None:
    assert cleaned("  a \n\t street \u00a0 at &amp;amp; night ") == "a street at & night"
    assert cleaned("\u201cneon\u201d isn\u2019t e\u0301") == '"neon" isn\'t \u00e9'


@pytest.mark.parametrize("has_end", [True, False])
def test_long_prompts_are_cut_and_always_end(tmp_path: Path, has_end: bool) -> None:
    write_tokenizer(tmp_path, has_end)
    tokenizer = PromptTokenizer(tmp_path)
    assert tokenizer.ids("rain at night") == [9, 6, 7, 1]
    assert tokenizer.ids("") == [1]
    long = tokenizer.ids("rain " * 2000)
    assert len(long) == MAX_TOKENS
    assert long[-2:] == [9, 1]


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"model": {"type": "Nonsense"}}', b"\xff\xfe"])
def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"no tokenizer"):
        PromptTokenizer(tmp_path)
