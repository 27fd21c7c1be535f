"""Write a llama-architecture GGUF with random weights: real enough for llama.cpp, and made in milliseconds.

Other tests may import `write` for a model file that loads, decodes and knows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|unsure|>")
MERGES = (
    ("t", "h"), ("th", "e"), ("i", "n"), ("b", "u"), ("bu", "g"), ("s", "p"), ("a", "m"), ("sp", "am"),
    ("y", "e"), ("ye", "s"), ("n", "o"), ("Ġ", "the"), ("p", "r"), ("a", "i"), ("ai", "s"), ("l", "l"), ("bug", "s"),
)  # fmt: skip


def byte_letters() -> list[str]:
    """The 256 printable letters that byte-level BPE writes bytes as."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    extra = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(extra)) for byte in range(256)]


def vocabulary() -> list[str]:
    """Specials, then bytes, then merged pieces."""
    return [*SPECIALS, *byte_letters(), *("".join(pair) for pair in MERGES)]


def sentence_pieces() -> list[str]:
    """A vocabulary of the older kind: words carry the space before them, and bytes stand for what has no piece."""
    words = ["\u2581yes", "\u2581no", "\u2581spam", "\u2581ham", "\u2581the", "es", "am", "sp"]
    letters = [chr(letter) for letter in range(ord("!"), ord("~") + 1)]
    return ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *letters, *words]


ABSTAIN_ID = SPECIALS.index("<|unsure|>")
END_ID = SPECIALS.index("<|im_end|>")


def write(
    path: Path,
    *,
    seed: int = 0,
    context: int = 2048,
    template: str | None = CHATML,
    metadata: Mapping[str, bool | int | str] | None = None,
    sharpness: float = 6.0,
    width: int = 64,
    layers: int = 2,
    pieces: bool = False,
    most_tensors: int = 0,
) -> Path:
    """Write the file; `sharpness` spreads the logits, so that answers differ by prompt and sampling has a choice.

    `pieces` gives it a SentencePiece vocabulary instead of byte-level BPE; `most_tensors` splits it into files of so
    many tensors, named as llama.cpp names them.
    """
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=most_tensors)
    _describe(writer, context, width, layers)
    _pieces_tokenizer(writer, template) if pieces else _tokenizer(writer, template)
    for key, value in (metadata or {}).items():
        add = {bool: writer.add_bool, int: writer.add_uint32, str: writer.add_string}[type(value)]
        add(key, value)
    size = len(sentence_pieces() if pieces else vocabulary())
    _weights(writer, np.random.default_rng(seed), sharpness, width, layers, size=size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_split(path: Path, *, most_tensors: int) -> list[Path]:
    """Write it split; the first part leads to the others."""
    write(path, most_tensors=most_tensors)
    return sorted(path.parent.glob(f"{path.stem}-*-of-*.gguf"))


def _describe(writer: gguf.GGUFWriter, context: int, width: int, layers: int) -> None:
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 4)
    writer.add_file_type(0)


def _tokenizer(writer: gguf.GGUFWriter, template: str | None) -> None:
    tokens = vocabulary()
    types = [gguf.TokenType.CONTROL] * len(SPECIALS) + [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIALS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(END_ID)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)


def _pieces_tokenizer(writer: gguf.GGUFWriter, template: str | None) -> None:
    tokens = sentence_pieces()
    special = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    plain = [gguf.TokenType.NORMAL] * (len(tokens) - 259)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [float(len(token)) for token in tokens[259:]])
    writer.add_token_types([*special, *[gguf.TokenType.BYTE] * 256, *plain])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    if template is not None:
        writer.add_chat_template(template)


def _weights(
    writer: gguf.GGUFWriter, chance: np.random.Generator, sharpness: float, width: int, layers: int, *, size: int
) -> None:
    def tensor(name: str, *shape: int, scale: float | None = None) -> None:
        spread = scale if scale is not None else shape[-1] ** -0.5
        writer.add_tensor(name, (chance.standard_normal(shape) * spread).astype(np.float32))

    tensor("token_embd.weight", size, width, scale=1.0)
    tensor("output.weight", size, width, scale=sharpness * width**-0.5)
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{name}.weight", np.ones(width, dtype=np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"{block}{name}.weight", width, width)
        tensor(f"{block}ffn_gate.weight", 2 * width, width)
        tensor(f"{block}ffn_up.weight", 2 * width, width)
        tensor(f"{block}ffn_down.weight", width, 2 * width)
