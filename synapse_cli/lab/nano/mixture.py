"""Draw training items: which generators, how often, from which pools, for a given seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from synapse_cli.lab.nano import bank, extraction, labelling, outside, sources, templates
from synapse_cli.lab.nano.items import Item, with_system
from synapse_cli.lab.nano.teacher import Teacher

# Share of the items by generator. Copying comes early; labels of natural texts need most of the items.
SHARES: dict[str, float] = {
    "bank": 0.40,
    "judged": 0.12,
    "defined": 0.04,
    "critic": 0.07,
    "log": 0.05,
    "language": 0.04,
    "yes_no": 0.07,
    "request": 0.06,
    "open": 0.06,
    "sums": 0.01,
    "single": 0.16,
    "several": 0.04,
    "record": 0.04,
}


class Mixture:
    """All generators over one bank. The same seed and the same bank give the same items."""

    def __init__(
        self, work: Path, lines: bank.Bank, teacher: Teacher | None, shares: dict[str, float] = SHARES
    ) -> None:
        labeller = labelling.Labeller(lines)
        senses = list(sources.wordnet(work))
        common = {word for word, _ in sources.frequent_words("English", 25_000)}
        nouns = sorted({s.words[0] for s in senses if s.part == "n" and s.words[0] in common and len(s.words[0]) > 2})
        verbs = sorted({s.gloss for s in senses if s.part == "v" and 8 < len(s.gloss) < 45 and ";" not in s.gloss})
        chats = sources.dialogues()
        english = [t for key, turns in chats.items() if key.startswith("english") for t in turns]
        fillers = [e for s in senses for e in s.examples if s.part == "v" and 15 < len(e) < 70]
        outsider = outside.Outsider(lines, nouns, verbs, english)
        critic = templates.Critic(sources.opinion_words())
        polyglot = templates.Polyglot(
            _sentences(work, lines), {n: sources.frequent_words(n, 300) for n in sources.LANGUAGES}
        )
        makers: dict[str, Callable[[Random], Item]] = {
            "bank": labeller.item,
            "critic": critic.item,
            "log": templates.log_line,
            "language": polyglot.item,
            "yes_no": lambda rng: labelling.yes_no(rng, labeller),
            "request": outsider.request,
            "open": outsider.open,
            "sums": outside.sums,
            "single": lambda rng: extraction.single(rng, lines, fillers),
            "several": lambda rng: extraction.several(rng, lines, fillers),
            "record": extraction.record,
        }
        if teacher is not None:
            makers |= {"judged": teacher.judged, "defined": teacher.defined}
        self.makers = {name: makers[name] for name in shares if name in makers}
        self.weights = [shares[name] for name in self.makers]

    def item(self, rng: Random) -> Item:
        """One item of one generator."""
        make = rng.choices(list(self.makers.values()), self.weights)[0]
        return with_system(rng, make(rng))


def _sentences(work: Path, lines: bank.Bank) -> dict[str, list[str]]:
    """Sentences by language: declarations, what people say to chat programs, and the bank's."""
    found = sources.declarations(work)
    for key, turns in sources.dialogues().items():
        language = key.split("/")[0].capitalize()
        if language in found:
            found[language] += turns
    for text in lines.texts:
        language = text.labels.get("language", "")
        if language in found:
            found[language] += [text.text] * 4
    return found
