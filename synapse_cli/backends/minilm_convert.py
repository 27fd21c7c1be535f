"""How do MiniLM's weights become a GGUF? Safetensors and a word list in, architecture `bert` out, in Q8_0.

The table of positions ends at 256, the length that the model was trained on: the header then says so, and longer
texts are cut or chunked by the same rule as for any other encoder. The pooler is left out: nobody asks it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.wordpiece import START
from synapse_cli.core.errors import EngineMissing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_WINDOW = 256
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_LOOKED_UP = ("position_embd", "token_types")
"""Small tables that stay in full precision."""


def convert(weights: str, target: str) -> None:
    """Write the GGUF of the model in the folder `weights`, in one step: a file that is there is whole."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".minilm-", suffix=".gguf")
    os.close(handle)
    try:
        _write(weights, temporary)
        read_header(temporary, "vectors")
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _write(weights: str, path: str) -> None:
    gguf = _package()
    with open(os.path.join(weights, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    writer = gguf.GGUFWriter(path, "bert")
    _describe(writer, gguf, config)
    _tokenizer(writer, gguf, weights)
    for name, values in _tensors(os.path.join(weights, "model.safetensors")):
        kept = name.removesuffix(".weight")
        if values.ndim == 1 or kept in _LOOKED_UP:
            writer.add_tensor(name, values)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: Any, gguf: Any, config: dict[str, Any]) -> None:
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_url("https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2")
    writer.add_context_length(_WINDOW)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_file_type(7)


def _tokenizer(writer: Any, gguf: Any, weights: str) -> None:
    with open(os.path.join(weights, "vocab.txt"), encoding="utf-8") as file:
        pieces = file.read().split("\n")[:-1]
    kinds = gguf.TokenType
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")  # what llama.cpp's own converter writes for this vocabulary
    writer.add_token_list([_spelt(piece) for piece in pieces])
    writer.add_token_types([kinds.CONTROL if piece in _MARKS else kinds.NORMAL for piece in pieces])
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", True)
    for add, mark in (
        (writer.add_pad_token_id, "[PAD]"),
        (writer.add_unk_token_id, "[UNK]"),
        (writer.add_bos_token_id, "[CLS]"),
        (writer.add_sep_token_id, "[SEP]"),
        (writer.add_eos_token_id, "[SEP]"),
        (writer.add_mask_token_id, "[MASK]"),
    ):
        add(pieces.index(mark))


def _spelt(piece: str) -> str:
    """A GGUF marks the pieces that begin a word; the reference marks those that do not."""
    if piece in _MARKS:
        return piece
    return piece.removeprefix("##") if piece.startswith("##") else START + piece


def _tensors(path: str) -> Iterator[tuple[str, Floats]]:
    """Name and values of each tensor that is kept. The format: a length, a JSON table, and the bytes it points into."""
    import numpy as np

    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        table = json.loads(file.read(size))
        data: Floats = np.memmap(path, dtype=np.float32, mode="r", offset=8 + size)  # every kept tensor is F32
        for name, entry in table.items():
            renamed = _renamed(name)
            if renamed is not None:
                first, last = entry["data_offsets"]
                values = np.asarray(data[first // 4 : last // 4]).reshape(entry["shape"])
                yield renamed, values[:_WINDOW] if renamed.startswith("position_embd") else values


def _renamed(name: str) -> str | None:
    """The tensor's name in a GGUF; None for what is left out."""
    stem, _, kind = name.rpartition(".")
    parts = stem.split(".")
    if parts[:2] == ["encoder", "layer"]:
        return f"blk.{parts[2]}.{_NAMES['.'.join(parts[3:])]}.{kind}"
    return f"{_NAMES[stem]}.{kind}" if stem in _NAMES else None


def _package() -> Any:
    try:
        import gguf
    except ImportError as error:
        raise EngineMissing(
            f"the package gguf, which writes model files, cannot be imported: {error}",
            "pip install 'synapse-llm[embed]'",
        ) from error
    return gguf
