"""Write the header of a model of a real shape, with a hole where its weights would be.

llama.cpp lays out such a file (`no_alloc`) exactly as it would the real one, so what it would take is known
without a download and without the memory. The sizes are those that the models' own cards publish.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

Dimensions = tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """The sizes of one model. `kind` is the type of its matrices; norms are F32, as everywhere."""

    architecture: str
    width: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    key_length: int = 0
    tied: bool = True
    experts: int = 0
    experts_used: int = 0
    sliding_window: int = 0
    state: int = 0
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q4_K
    context: int = 32768
    more: dict[str, int] = field(default_factory=dict)


SHAPES = {
    "SmolLM2-135M": Shape("llama", 576, 30, 9, 3, 1536, 49152, kind=gguf.GGMLQuantizationType.Q8_0),
    "Qwen2.5-0.5B": Shape("qwen2", 896, 24, 14, 2, 4864, 151936, kind=gguf.GGMLQuantizationType.Q8_0),
    "Qwen3-0.6B": Shape("qwen3", 1024, 28, 16, 8, 3072, 151936, key_length=128),
    "Llama-3.2-1B": Shape("llama", 2048, 16, 32, 8, 8192, 128256, context=131072),
    "Qwen2.5-3B": Shape("qwen2", 2048, 36, 16, 2, 11008, 151936),
    "Mistral-7B": Shape("llama", 4096, 32, 32, 8, 14336, 32768, tied=False),
    "Llama-3.1-70B": Shape("llama", 8192, 80, 64, 8, 28672, 128256, tied=False, context=131072),
    "gemma-3-1b": Shape(
        "gemma3", 1152, 26, 4, 1, 6912, 262144, key_length=256, sliding_window=512, kind=gguf.GGMLQuantizationType.Q8_0
    ),
    "Qwen3-30B-A3B": Shape("qwen3moe", 2048, 48, 32, 4, 768, 151936, 128, False, experts=128, experts_used=8),
    "mamba-130m": Shape("mamba", 768, 24, 0, 0, 0, 50280, state=16, kind=gguf.GGMLQuantizationType.Q8_0),
}


def write_shape(path: Path, shape: Shape) -> Path:
    """Write the file: as long as the real one, and almost nothing on the disk."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    _describe(writer, shape)
    writer.add_tokenizer_model("llama")
    letters = [f"<0x{byte:02X}>" for byte in range(256)]
    words = ["<unk>", "<s>", "</s>", *letters, *(f"w{number}" for number in range(shape.vocabulary - 259))]
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * (len(words) - 259)])
    size = 0
    for name, dimensions in _tensors(shape):
        kind = _kind(shape, name, dimensions)
        per_block, block = gguf.GGML_QUANT_SIZES[kind]
        bytes_ = math.prod(dimensions) // per_block * block
        stored = dimensions if per_block == 1 else (*dimensions[:-1], dimensions[-1] // per_block * block)
        element = np.dtype(np.float32 if per_block == 1 else np.uint8)
        writer.add_tensor_info(name, stored, element, bytes_, raw_dtype=kind)
        size += -(-bytes_ // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        file.truncate(-(-path.stat().st_size // 32) * 32 + size)
    return path


def _kind(shape: Shape, name: str, dimensions: Dimensions) -> gguf.GGMLQuantizationType:
    """The type that llama-quantize would give a tensor: rows must be whole blocks."""
    if len(dimensions) == 1 or name.endswith(("ssm_a", "ssm_conv1d.weight", "ffn_gate_inp.weight")):
        return gguf.GGMLQuantizationType.F32
    for kind in (shape.kind, gguf.GGMLQuantizationType.Q8_0):
        if dimensions[-1] % gguf.GGML_QUANT_SIZES[kind][0] == 0:
            return kind
    return gguf.GGMLQuantizationType.F32


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    if shape.key_length:
        writer.add_key_length(shape.key_length)
        writer.add_value_length(shape.key_length)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(shape.experts_used)
        writer.add_expert_feed_forward_length(shape.feed_forward)
    if shape.sliding_window:
        writer.add_sliding_window(shape.sliding_window)
    if shape.state:
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * shape.width)
        writer.add_ssm_state_size(shape.state)
        writer.add_ssm_time_step_rank(shape.width // 16)


def _tensors(shape: Shape) -> Iterator[tuple[str, Dimensions]]:
    """Name and dimensions, outermost first, of every tensor."""
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    if not shape.tied:
        yield "output.weight", (shape.vocabulary, shape.width)
    for layer in range(shape.layers):
        for name, dimensions in _ssm(shape) if shape.state else _layer(shape):
            yield f"blk.{layer}.{name}", dimensions


def _ssm(shape: Shape) -> Iterator[tuple[str, Dimensions]]:
    inner, rank, width = 2 * shape.width, shape.width // 16, shape.width
    yield "attn_norm.weight", (width,)
    yield "ssm_in.weight", (2 * inner, width)
    yield "ssm_conv1d.weight", (inner, 4)
    yield "ssm_conv1d.bias", (inner,)
    yield "ssm_x.weight", (rank + 2 * shape.state, inner)
    yield "ssm_dt.weight", (inner, rank)
    yield "ssm_dt.bias", (inner,)
    yield "ssm_a", (inner, shape.state)
    yield "ssm_d", (inner,)
    yield "ssm_out.weight", (width, inner)


def _layer(shape: Shape) -> Iterator[tuple[str, Dimensions]]:
    width, head = shape.width, shape.key_length or shape.width // shape.heads
    yield "attn_norm.weight", (width,)
    yield "ffn_norm.weight", (width,)
    yield "attn_q.weight", (shape.heads * head, width)
    yield "attn_k.weight", (shape.kv_heads * head, width)
    yield "attn_v.weight", (shape.kv_heads * head, width)
    yield "attn_output.weight", (width, shape.heads * head)
    if shape.architecture == "qwen2":
        yield "attn_q.bias", (shape.heads * head,)
        yield "attn_k.bias", (shape.kv_heads * head,)
        yield "attn_v.bias", (shape.kv_heads * head,)
    if shape.architecture in {"qwen3", "qwen3moe", "gemma3"}:
        yield "attn_q_norm.weight", (head,)
        yield "attn_k_norm.weight", (head,)
    if shape.architecture == "gemma3":
        yield "post_attention_norm.weight", (width,)
        yield "post_ffw_norm.weight", (width,)
    if shape.experts:
        yield "ffn_gate_inp.weight", (shape.experts, width)
        yield "ffn_gate_exps.weight", (shape.experts, shape.feed_forward, width)
        yield "ffn_up_exps.weight", (shape.experts, shape.feed_forward, width)
        yield "ffn_down_exps.weight", (shape.experts, width, shape.feed_forward)
    else:
        yield "ffn_gate.weight", (shape.feed_forward, width)
        yield "ffn_up.weight", (shape.feed_forward, width)
        yield "ffn_down.weight", (width, shape.feed_forward)
