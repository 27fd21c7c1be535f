"""Write the network as a GGUF file in Q8_0 that llama.cpp loads, with its provenance inside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synapse_cli.lab.nano import bank, sources, vocab
from synapse_cli.lab.nano.items import ANSWER_PREFIX
from synapse_cli.lab.nano.vocab import END_OF_TEXT, IM_END, SPECIAL

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

    from synapse_cli.lab.nano.model import Nano

VERSION = "1.1.0"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from, as the file's metadata tells it."""

    seed: int
    steps: int
    tokens: int
    threshold: float
    calibrated: bool


def write(model: Nano, work: Path, target: Path, provenance: Provenance) -> None:
    """Write `target` by way of a new file beside it, so that a mapped old one stays whole."""
    import gguf

    temporary = target.with_suffix(".gguf.new")
    writer = gguf.GGUFWriter(str(temporary), "llama")
    _describe(writer, provenance)
    _shape(writer, model)
    _tokens(writer, work)
    for name, tensor in _tensors(model).items():
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    temporary.replace(target)


def data_hash() -> str:
    """SHA-256 over the bank, the word list and the generators: what the items are made of."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    generators = (
        "layout",
        "values",
        "kinds",
        "lists",
        "extraction",
        "labelling",
        "outside",
        "templates",
        "teacher",
        "mixture",
        "sources",
    )
    paths = [*sorted(bank.BANK.glob("*.jsonl")), folder / "domain_words.txt", *(folder / f"{g}.py" for g in generators)]
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _describe(writer: GGUFWriter, provenance: Provenance) -> None:
    writer.add_name("synapse-nano")
    writer.add_description(
        "Synapse's own nano model: labels, fields, JSON of key-value text, yes or no. Unsure of anything else."
    )
    writer.add_license("Apache-2.0")
    writer.add_author("Synapse")
    writer.add_string("synapse.nano.version", VERSION)
    writer.add_string("synapse.nano.data_sha256", data_hash())
    writer.add_uint32("synapse.nano.seed", provenance.seed)
    writer.add_uint32("synapse.nano.steps", provenance.steps)
    writer.add_uint64("synapse.nano.tokens", provenance.tokens)
    writer.add_float32("synapse.nano.threshold", provenance.threshold)
    named = "; ".join(f"{s.name} ({s.registry} {s.package}; {s.licence})" for s in sources.SOURCES)
    writer.add_string("synapse.nano.sources", f"Synapse's own text bank and generators; {named}")
    writer.add_bool("synapse.contextual_calibration", provenance.calibrated)
    writer.add_string("synapse.answer_prefix", ANSWER_PREFIX)
    writer.add_uint32("synapse.abstain_token_id", SPECIAL.index(vocab.UNSURE))


def _shape(writer: GGUFWriter, model: Nano) -> None:
    import gguf

    shape = model.shape
    writer.add_context_length(shape.window)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _tokens(writer: GGUFWriter, work: Path) -> None:
    import gguf

    saved = json.loads((work / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    tokens = sorted(saved["vocab"], key=lambda token: int(saved["vocab"][token]))
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in saved["merges"]])
    writer.add_bos_token_id(SPECIAL.index(END_OF_TEXT))
    writer.add_eos_token_id(SPECIAL.index(IM_END))
    writer.add_pad_token_id(SPECIAL.index(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensors(model: Nano) -> dict[str, NDArray[np.float32]]:
    named = {"token_embd.weight": model.matrix(), "output_norm.weight": model.norm}
    for i, block in enumerate(model.blocks):
        query, key, value = block.qkv.chunk(3)
        gate, up = block.gate_up.chunk(2)
        parts = {
            "attn_norm": block.attn_norm,
            "ffn_norm": block.ffn_norm,
            "attn_q": query,
            "attn_k": key,
            "attn_v": value,
            "attn_output": block.out,
            "ffn_gate": gate,
            "ffn_up": up,
            "ffn_down": block.down,
        }
        named |= {f"blk.{i}.{name}.weight": tensor for name, tensor in parts.items()}
    return {name: tensor.detach().float().contiguous().numpy() for name, tensor in named.items()}
