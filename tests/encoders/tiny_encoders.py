"""Write small encoders with random weights, of every kind that llama.cpp reads: in milliseconds, knowing nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("the", "cat", "dog", "sat", "ran", "hello", "world", "é", "naive", "a", "b", "c", "!", ".", ",")
RESTS = ("s", "ing", "ed", "a", "b", "c")
WIDTH, HEADS, INNER = 32, 4, 64


def vocabulary(words: Sequence[str] = WORDS) -> list[str]:
    """Marks, pieces that begin a word, and pieces that go on."""
    return [*MARKS, *("\u2581" + word for word in words), *RESTS]


def bert(
    path: Path,
    *,
    window: int = 64,
    pooling: int | None = 1,
    layers: int = 2,
    architecture: str = "bert",
    words: Sequence[str] = WORDS,
    metadata: Mapping[str, Any] | None = None,
    poison: float | None = None,
) -> Path:
    """A BERT, or with `architecture` nomic-bert (rotary positions, gated) or jina-bert-v2 (no positions at all)."""
    chance = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(window)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_uint32(f"{architecture}.pooling_type", pooling)
    writer.add_token_type_count(2)
    size = _tokenizer(writer, words)
    if architecture == "nomic-bert":
        writer.add_rope_freq_base(10000.0)
    for key, value in (metadata or {}).items():
        (writer.add_bool if isinstance(value, bool) else writer.add_uint32)(key, value)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, (chance.standard_normal(shape) * shape[-1] ** -0.5).astype(np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.full(WIDTH, 1 if poison is None else poison, dtype=np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, dtype=np.float32))

    tensor("token_embd.weight", size, WIDTH)
    tensor("token_types.weight", 2, WIDTH)
    if architecture == "bert":
        tensor("position_embd.weight", window, WIDTH)
    norm("token_embd_norm")
    for layer in range(layers):
        at = f"blk.{layer}."
        if architecture == "nomic-bert":
            tensor(f"{at}attn_qkv.weight", 3 * WIDTH, WIDTH)
        else:
            for name in ("attn_q", "attn_k", "attn_v"):
                tensor(f"{at}{name}.weight", WIDTH, WIDTH)
                writer.add_tensor(f"{at}{name}.bias", np.zeros(WIDTH, dtype=np.float32))
        tensor(f"{at}attn_output.weight", WIDTH, WIDTH)
        tensor(f"{at}ffn_up.weight", INNER, WIDTH)
        if architecture != "bert":
            tensor(f"{at}ffn_gate.weight", INNER, WIDTH)
        tensor(f"{at}ffn_down.weight", WIDTH, INNER)
        if architecture != "nomic-bert":
            for name, size in (("attn_output", WIDTH), ("ffn_up", INNER), ("ffn_down", WIDTH)):
                if architecture == "bert" or name != "ffn_up":
                    writer.add_tensor(f"{at}{name}.bias", np.zeros(size, dtype=np.float32))
        norm(f"{at}attn_output_norm")
        norm(f"{at}layer_output_norm")
    return _finished(writer, path)


def _tokenizer(writer: gguf.GGUFWriter, words: Sequence[str]) -> int:
    tokens = vocabulary(words)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(MARKS) + [gguf.TokenType.NORMAL] * (len(tokens) - len(MARKS)))
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    return len(tokens)


def t5(path: Path, *, window: int = 64) -> Path:
    """The encoder half of a T5, with a vocabulary of SentencePiece's unigram kind."""
    chance = np.random.default_rng(3)
    writer = gguf.GGUFWriter(path, "t5encoder")
    writer.add_context_length(window)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_key_length(WIDTH // HEADS)
    writer.add_value_length(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_relative_attn_buckets_count(8)
    letters = ["\u2581", *(chr(code) for code in range(ord("a"), ord("z") + 1)), "\u2581the", "\u2581cat"]
    tokens = ["<pad>", "</s>", "<unk>", *letters]
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0, 0.0, 0.0, *(-float(rank) for rank in range(len(letters)))])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL, kinds.CONTROL, kinds.UNKNOWN, *[kinds.NORMAL] * len(letters)])
    writer.add_pad_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, (chance.standard_normal(shape) * shape[-1] ** -0.5).astype(np.float32))

    tensor("token_embd.weight", len(tokens), WIDTH)
    writer.add_tensor("enc.output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    at = "enc.blk.0."
    writer.add_tensor(f"{at}attn_norm.weight", np.ones(WIDTH, dtype=np.float32))
    tensor(f"{at}attn_rel_b.weight", 8, HEADS)
    for name in ("attn_q", "attn_k", "attn_v", "attn_o"):
        tensor(f"{at}{name}.weight", WIDTH, WIDTH)
    writer.add_tensor(f"{at}ffn_norm.weight", np.ones(WIDTH, dtype=np.float32))
    tensor(f"{at}ffn_up.weight", INNER, WIDTH)
    tensor(f"{at}ffn_down.weight", WIDTH, INNER)
    return _finished(writer, path)


def _finished(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
