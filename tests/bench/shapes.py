"""Models of real shapes with random weights: speed does not depend on what the weights say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from tests.local.tiny_gguf import ABSTAIN_ID, CHATML, END_ID, MERGES, SPECIALS, vocabulary


@dataclass(frozen=True)
class Shape:
    """What decides how long a token takes."""

    width: int = 576
    layers: int = 30
    heads: int = 9
    kv_heads: int = 3
    feed_forward: int = 1536
    tokens: int = 49152
    context: int = 2048


SMALL = Shape()
"""That of SmolLM-135M."""
NANO = Shape(width=320, layers=6, heads=5, kv_heads=5, feed_forward=832, tokens=18432, context=1024)
"""That of the model that is shipped, whose own answers are too short to be timed."""


def write(path: Path, shape: Shape = SMALL, seed: int = 0) -> Path:
    """Write the shape with random weights in Q8_0."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_file_type(7)
    if shape == NANO:
        writer.add_uint32("synapse.abstain_token_id", ABSTAIN_ID)
    _tokenizer(writer, shape.tokens)
    _weights(writer, shape, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tokenizer(writer: gguf.GGUFWriter, size: int) -> None:
    known = vocabulary()
    tokens = [*known, *(f"Ġw{number}" for number in range(size - len(known)))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(SPECIALS) + [gguf.TokenType.NORMAL] * (size - len(SPECIALS)))
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(END_ID)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def _weights(writer: gguf.GGUFWriter, shape: Shape, chance: np.random.Generator) -> None:
    kind = gguf.GGMLQuantizationType.Q8_0

    def tensor(name: str, rows: int, columns: int, scale: float = 1.0) -> None:
        values = chance.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale * columns**-0.5)
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)

    tensor("token_embd", shape.tokens, shape.width, scale=6.0)
    writer.add_tensor("output_norm.weight", np.ones(shape.width, np.float32))
    kv_width = shape.width // shape.heads * shape.kv_heads
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}.{norm}.weight", np.ones(shape.width, np.float32))
        tensor(f"{block}.attn_q", shape.width, shape.width)
        tensor(f"{block}.attn_k", kv_width, shape.width)
        tensor(f"{block}.attn_v", kv_width, shape.width)
        tensor(f"{block}.attn_output", shape.width, shape.width)
        tensor(f"{block}.ffn_gate", shape.feed_forward, shape.width)
        tensor(f"{block}.ffn_up", shape.feed_forward, shape.width)
        tensor(f"{block}.ffn_down", shape.width, shape.feed_forward)
