"""Learn the vocabulary: byte-level BPE whose merges are mostly whole words.

llama.cpp knows the splitting rules by the name `smollm`: single digits, then GPT-2's pattern. Words
are counted from frequency lists rather than from a corpus, so that a word that the training items
never use still is one token, with a meaning of its own (see `vectors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synapse_cli.lab.nano import sources

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SIZE = 18_432
END_OF_TEXT, IM_START, IM_END, UNSURE = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|unsure|>"
SPECIAL = (END_OF_TEXT, IM_START, IM_END, UNSURE)
ENGLISH_WORDS, FOREIGN_WORDS = 12_000, 120
# Counts grow with the square root of frequency: rare words keep a chance against common syllables.
SCALE, POWER = 60_000.0, 0.5
DOMAIN_COUNT, TEXT_COUNT = 12_000, 1
# Signs of records, logs and quoted text, and the capitals that logs are written in.
SIGNS = (
    'a "',
    'a":',
    'a": "',
    'a",',
    'a", "',
    'a"}',
    '{"a',
    'a "a',
    "a.\n",
    "a:\n",
    "a\n```\n",
    "a -",
    "a --",
    "a /",
    "a (",
    "a)",
    "a),",
    "a).",
    "a [",
    "a]",
    "a]:",
    "a |",
    "a '",
    "a',",
    "a'.",
    "a #",
    "a $",
    "a€",
    "a £",
    "a =",
    "a://",
    "a/",
    "a _",
    "a_",
    "a\n\n",
    "a...",
    "a?\n",
    "a!",
    'a?"',
    'a."',
    " Classify classify Classify\nLabels\nText\nRequest\nFile\nExtract",
    " ERROR ERROR\n WARN WARN\n INFO INFO\n DEBUG DEBUG\n FATAL FATAL\n WARNING CRITICAL OK GET POST HTTP URL ID",
    " ORD INV REF USD EUR GBP JSON CSV YAML SQL API PDF",
)


def learn(work: Path, texts: list[str]) -> Tokenizer:
    """Train the tokenizer on word lists, declarations and `texts`, and save it in `work`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(work, texts), trainer)
    tokenizer.save(str(work / "tokenizer.json"))
    return tokenizer


def load(work: Path) -> Tokenizer:
    """The tokenizer that `learn` saved."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(work / "tokenizer.json"))


def _corpus(work: Path, texts: list[str]) -> Iterator[str]:
    for language in sources.LANGUAGES:
        english = language == "English"
        for rank, (word, share) in enumerate(
            sources.frequent_words(language, ENGLISH_WORDS if english else FOREIGN_WORDS)
        ):
            count = max(3, int(SCALE * share**POWER)) if english else int(2_000 * share**POWER)
            yield f" {word}" * count
            if english:
                yield from _other_forms(word, rank, count)
    for word in domain_words():
        yield f" {word}" * DOMAIN_COUNT
        yield f"{word}\n {word.capitalize()}" * (DOMAIN_COUNT // 2)
    for sign in SIGNS:
        yield sign * DOMAIN_COUNT
    for sentences in sources.declarations(work).values():
        yield from sentences
    for text in texts:
        yield from [text] * TEXT_COUNT


def domain_words() -> list[str]:
    """Words of tickets, logs, mails and records: rarer in books than in the prompts of a shell."""
    return sorted(set(Path(__file__).with_name("domain_words.txt").read_text(encoding="utf-8").split()))


def _other_forms(word: str, rank: int, count: int) -> Iterator[str]:
    """A label at the start of an answer has no space before it, and headings have capitals."""
    if rank < 4_000:
        yield f"{word}\n" * (count // 2)
    if rank < 2_500:
        yield f" {word.capitalize()}" * (count // 4)
        yield f"{word.capitalize()}\n" * (count // 4)
