"""Teach what words mean: WordNet's glosses with their classes, and MiniLM's judgement of label sets.

The sentence encoder says how near a text is to each of some random labels; one label is drawn from
the softmax of these similarities, so that over many draws the model learns the encoder's doubt too.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from synapse_cli.lab.nano import layout, sources, vectors
from synapse_cli.lab.nano.items import Item
from synapse_cli.lab.nano.lists import listed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS, LABELS = 48_000, 3_000
# At 0.03 the encoder's top label among eight random ones gets .9 of the draws in the median.
TEMPERATURE = 0.03
TOPICS = listed(
    """sports politics business technology science health travel food entertainment weather education crime
    environment finance religion fashion history gaming music art literature law medicine animals plants
    family work housing transport energy war history geography mathematics language computers internet
    security shopping cooking gardening cars aviation railways ships space astronomy chemistry physics
    biology psychology philosophy sociology economics agriculture construction engineering manufacturing
    insurance banking taxes real estate charity immigration elections diplomacy military police courts
    prisons accidents disasters fire floods earthquakes celebrities film television theatre radio
    photography painting sculpture dance opera jazz poetry novels comics toys games chess football tennis
    swimming cycling running boxing hockey golf skiing climbing sailing fishing hunting pets dogs cats birds
    horses insects fish reptiles trees flowers fruit vegetables meat dairy bread wine beer coffee tea
    desserts restaurants hotels beaches mountains rivers lakes deserts forests islands cities villages roads
    bridges buildings furniture clothing shoes jewelry cosmetics hair skin exercise diet sleep pregnancy
    children teenagers elderly marriage divorce friendship love anger fear joy sadness surprise disgust
    money debt wages unemployment strikes trade startups marketing advertising customer service billing
    refund delivery account login software hardware networks databases robots artificial intelligence
    programming printers phones cameras batteries measurement time shape colour size movement communication
    possession thought body feeling quantity"""
)
NOUN_FIELDS = {
    4: "action",
    5: "animal",
    6: "artifact",
    7: "attribute",
    8: "body",
    9: "cognition",
    10: "communication",
    11: "event",
    12: "feeling",
    13: "food",
    14: "group",
    15: "location",
    16: "motive",
    17: "object",
    18: "person",
    19: "phenomenon",
    20: "plant",
    21: "possession",
    22: "process",
    23: "quantity",
    24: "relation",
    25: "shape",
    26: "state",
    27: "substance",
    28: "time",
}
ASKS = (
    "Which label fits best?",
    "Classify this text",
    "What is this about?",
    "Choose the best match.",
    "Pick the closest topic",
    "Topic?",
    "Which of these is closest in meaning?",
    "Label the text.",
    "Classify",
    "What does this describe?",
    "Which category?",
    "Select the right label",
    "Match the text to one of these.",
)
WORD_ASKS = (
    "Which word fits this definition?",
    "Which word is meant?",
    "Pick the word for this meaning",
    "Classify this word",
    "What kind of thing is this?",
    "Category of this word?",
    "What is it?",
)


class Teacher:
    """Texts and labels with the encoder's vectors of both, and WordNet's senses."""

    def __init__(self, work: Path) -> None:
        import numpy as np

        saved = np.load(work / "teacher.npz")
        self.texts: list[str] = [str(t) for t in saved["texts"]]
        self.labels: list[str] = [str(t) for t in saved["labels"]]
        self.row_of = {text: i for i, text in enumerate(self.texts)}
        self.meanings: NDArray[np.float16] = vectors.principal(
            saved["text_vectors"].astype(np.float32), np.load(work / "axes.npy")
        ).astype(np.float16)
        self.text_vectors: NDArray[np.float16] = saved["text_vectors"]
        self.label_vectors: NDArray[np.float32] = saved["label_vectors"].astype(np.float32)
        common = {word for word, _ in sources.frequent_words("English", 40_000)}
        senses = [s for s in sources.wordnet(work) if s.words[0].lower() in common and len(s.gloss) < 160]
        self.senses = [s for s in senses if s.part == "n" and s.field in NOUN_FIELDS]
        self.named = {s.offset: s.words[0] for s in senses if s.part == "n"}

    def judged(self, rng: Random) -> Item:
        """A real text with random labels, answered as the encoder would."""
        import numpy as np

        index = rng.randrange(len(self.texts))
        similar = self.label_vectors @ self.text_vectors[index].astype(np.float32)
        near = np.argpartition(-similar, 40)[:40]
        picked = [int(rng.choice(list(near))), *rng.sample(range(len(self.labels)), rng.randint(1, 7))]
        if rng.random() < 0.3:
            picked.append(int(rng.choice(list(near))))
        picked = list(dict.fromkeys(picked))
        scores = np.exp((similar[picked] - similar[picked].max()) / TEMPERATURE)
        truth = rng.choices(range(len(picked)), [float(s) for s in scores])[0]
        return _ask(rng, rng.choice(ASKS), self.texts[index], [self.labels[i] for i in picked], truth)

    def defined(self, rng: Random) -> Item:
        """A gloss or a word of WordNet with its class, its parent or its word among others."""
        sense, *others = rng.sample(self.senses, rng.randint(2, 7))
        form = rng.random()
        if form < 0.45:
            labels = [s.words[0] for s in (sense, *others)]
            return _ask(rng, rng.choice(WORD_ASKS[:3]), sense.gloss, labels, 0)
        text = sense.gloss if form < 0.6 else rng.choice(sense.words)
        parent = next((self.named[p] for p in sense.parents if p in self.named), None)
        if parent and form < 0.8:
            wrong = [self.named[p] for s in others for p in s.parents if p in self.named]
            return _ask(rng, rng.choice(WORD_ASKS[3:]), text, list(dict.fromkeys([parent, *wrong])), 0)
        names = [NOUN_FIELDS[s.field] for s in (sense, *others)]
        return _ask(rng, rng.choice(WORD_ASKS[3:]), text, list(dict.fromkeys(names)), 0)


def prepare(work: Path, extra_texts: list[str], extra_labels: list[str], seed: int) -> None:
    """Choose texts and labels, and save them with the encoder's vectors."""
    import numpy as np

    rng = Random(seed)
    senses = list(sources.wordnet(work))
    pool = [e for s in senses for e in s.examples if 14 < len(e) < 200]
    pool += [s.gloss for s in senses if s.part != "a" and 20 < len(s.gloss) < 160]
    pool += [t for key, lines in sources.dialogues().items() if key.startswith("english") for t in lines]
    rng.shuffle(pool)
    texts = list(dict.fromkeys([*extra_texts, *pool[:TEXTS]]))
    ranks = {word: i for i, (word, _) in enumerate(sources.frequent_words("English", 12_000))}
    nouns = sorted({s.words[0] for s in senses if s.part == "n" and s.words[0] in ranks and len(s.words[0]) > 2})
    labels = list(dict.fromkeys([*TOPICS, *extra_labels, *rng.sample(nouns, LABELS)]))
    np.savez(
        work / "teacher.npz",
        texts=np.array(texts),
        labels=np.array(labels),
        text_vectors=vectors.encode(texts).astype(np.float16),
        label_vectors=vectors.encode(labels),
    )


def _ask(rng: Random, ask: str, text: str, labels: list[str], truth: int) -> Item:
    labels = [*labels] if len(labels) > 1 else [*labels, "other"]
    shown = layout.spell(rng, labels)
    answer = shown[truth]
    if len(set(shown)) < len(shown):
        shown = list(dict.fromkeys(shown))
    rng.shuffle(shown)
    prompt = layout.place(rng, layout.label_instruction(rng, ask, shown, {}), text)
    return Item("meaning", prompt, answer, tuple(shown), about=text)
