"""Write a mamba-architecture GGUF with random weights: a model whose memory is one state, which cannot be cut."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from .tiny_gguf import CHATML, END_ID, MERGES, SPECIALS, vocabulary

_WIDTH, _LAYERS, _STATE, _CONVOLUTION = 64, 2, 16, 4


def write_recurrent(path: Path, *, seed: int = 0, context: int = 2048) -> Path:
    """Write the file."""
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_ssm_conv_kernel(_CONVOLUTION)
    writer.add_ssm_inner_size(2 * _WIDTH)
    writer.add_ssm_state_size(_STATE)
    writer.add_ssm_time_step_rank(_WIDTH // 16)
    writer.add_file_type(0)
    tokens = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(SPECIALS) + [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIALS))
    )
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(END_ID)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    _weights(writer, np.random.default_rng(seed), len(tokens))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(writer: gguf.GGUFWriter, chance: np.random.Generator, size: int) -> None:
    inner, rank = 2 * _WIDTH, _WIDTH // 16

    def tensor(name: str, *shape: int, scale: float | None = None) -> None:
        spread = scale if scale is not None else shape[-1] ** -0.5
        writer.add_tensor(name, (chance.standard_normal(shape) * spread).astype(np.float32))

    tensor("token_embd.weight", size, _WIDTH, scale=1.0)
    tensor("output.weight", size, _WIDTH, scale=6.0 * _WIDTH**-0.5)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    for layer in range(_LAYERS):
        block = f"blk.{layer}."
        writer.add_tensor(f"{block}attn_norm.weight", np.ones(_WIDTH, np.float32))
        tensor(f"{block}ssm_in.weight", 2 * inner, _WIDTH)
        tensor(f"{block}ssm_conv1d.weight", inner, _CONVOLUTION)
        tensor(f"{block}ssm_conv1d.bias", inner, scale=0.1)
        tensor(f"{block}ssm_x.weight", rank + 2 * _STATE, inner)
        tensor(f"{block}ssm_dt.weight", inner, rank)
        tensor(f"{block}ssm_dt.bias", inner, scale=0.1)
        writer.add_tensor(f"{block}ssm_a", -np.exp(chance.standard_normal((inner, _STATE))).astype(np.float32))
        writer.add_tensor(f"{block}ssm_d", np.ones(inner, np.float32))
        tensor(f"{block}ssm_out.weight", _WIDTH, inner)
