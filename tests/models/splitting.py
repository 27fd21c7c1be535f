"""Split a GGUF into parts as llama-gguf-split does: metadata in the first, tensors in all, split.* keys in each."""

from __future__ import annotations

from pathlib import Path

import gguf


def split_in_two(path: Path, stem: str) -> dict[str, bytes]:
    """The parts by their names."""
    reader = gguf.GGUFReader(path)
    tensors = list(reader.tensors)
    half = len(tensors) // 2
    parts = {}
    for number, own in enumerate((tensors[:half], tensors[half:])):
        name = f"{stem}-{number + 1:05d}-of-00002.gguf"
        target = path.with_name(name)
        writer = gguf.GGUFWriter(target, "llama")
        if number == 0:
            _copy_fields(reader, writer)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in own:
            writer.add_tensor(tensor.name, tensor.data)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        parts[name] = target.read_bytes()
    return parts


def _copy_fields(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
