"""Write a GGUF that says what it is told to: each token of its script leads to the next, whatever the prompt was.

It is a real model to llama.cpp. Its layers add nothing, its embeddings are one place for each token, and its head
leads from that place to the token that follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

from .tiny_gguf import CHATML, SPECIALS, byte_letters

_SURE = 200.0


def speak(path: Path, script: Sequence[str], *, template: str = CHATML, marks: Sequence[str] = ()) -> Path:
    """Write the file. Pieces of the script that are among `marks` are control tokens, which have no text of their own.

    The script ends where the model ends its turn.
    """
    letters = dict(zip(range(256), byte_letters(), strict=True))
    pieces = ["".join(letters[byte] for byte in piece.encode()) for piece in script if piece not in marks]
    assert len({*pieces, *byte_letters()}) == len(pieces) + 256, "each piece must be a token of its own"
    tokens = [*SPECIALS, *marks, *byte_letters(), *pieces]
    spoken = iter(range(len(tokens) - len(pieces), len(tokens)))
    chain = [tokens.index(piece) if piece in marks else next(spoken) for piece in script]
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, tokens, len(SPECIALS) + len(marks), template)
    _weights(writer, len(tokens), [*chain, SPECIALS.index("<|im_end|>")])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, tokens: list[str], controls: int, template: str) -> None:
    width = _width(len(tokens))
    writer.add_name("spoken")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 4)
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * controls + [gguf.TokenType.NORMAL] * (len(tokens) - controls))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(SPECIALS.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)


def _weights(writer: gguf.GGUFWriter, size: int, chain: list[int]) -> None:
    width = _width(size)
    following = dict(pairwise(chain))
    head = np.zeros((size, width), dtype=np.float32)
    for token in range(size):
        head[following.get(token, chain[0]), token] = _SURE / width**0.5
    writer.add_tensor("token_embd.weight", np.eye(size, width, dtype=np.float32))
    writer.add_tensor("output.weight", head)
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(width, dtype=np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((width, width), dtype=np.float32))
    for name, shape in (("ffn_gate", (32, width)), ("ffn_up", (32, width)), ("ffn_down", (width, 32))):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, dtype=np.float32))


def _width(size: int) -> int:
    return -(-size // 64) * 64
