"""Make items that choose a label: from the bank's texts, with label sets sampled anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from synapse_cli.lab.nano import layout
from synapse_cli.lab.nano.bank import Bank, Text
from synapse_cli.lab.nano.items import Item

ASKS = (
    "Classify this {n}",
    "Classify the {n}",
    "Classify this {n} by {a}",
    "What is the {a} of this {n}?",
    "{A} of this {n}?",
    "Label this {n}",
    "Which {a} is it?",
    "Pick the {a}",
    "Choose the {a} of the {n}.",
    "Tell me the {a} of this {n}",
    "Categorize this {n}.",
    "Which label fits this {n} best?",
    "What {a} does this {n} have?",
    "Assign one label to the {n}",
    "Determine the {a}.",
    "Sort this {n}",
    "Give the {a} of the following {n}",
    "Decide the {a}",
    "Is this {n}",
    "Tag this {n}.",
    "{A}?",
    "How would you label this {n}?",
    "Detect the {a}",
    "Put this {n} into a category",
    "Which of these describes the {n}?",
    "What kind of {n} is this?",
)
# Other names for an aspect; the bank's own name is always one of them.
ASPECT_NAMES: dict[str, tuple[str, ...]] = {
    "sentiment": ("sentiment", "tone", "mood", "opinion", "polarity", "attitude", "feeling"),
    "topic": ("topic", "subject", "theme", "category", "section", "area"),
    "category": ("category", "type", "kind", "topic", "issue type", "class"),
    "priority": ("priority", "urgency", "importance", "level"),
    "department": ("department", "team", "queue", "owner"),
    "kind": ("kind", "type", "category", "sort", "class"),
    "severity": ("severity", "level", "log level", "seriousness"),
    "language": ("language", "tongue", "language of the text"),
    "intent": ("intent", "intention", "goal", "request type", "purpose"),
    "component": ("component", "subsystem", "area", "part of the system"),
    "emotion": ("emotion", "feeling", "mood"),
}
# Answers to the same question when no label is named: the name of the aspect must be in the prompt.
DEFAULTED = {"sentiment", "category", "priority", "severity", "language", "kind", "topic"}
UNNAMED: dict[str, tuple[str, ...]] = {
    "category": (
        "Classify this {n}",
        "What is this {n} about?",
        "Which category does this {n} belong to?",
        "Categorize this {n}",
        "Label this support {n}",
    ),
    "sentiment": (
        "What is the sentiment of this {n}?",
        "Sentiment?",
        "Classify the sentiment",
        "What does the writer of this {n} feel about it?",
    ),
    "severity": (
        "How severe is this {n}?",
        "What is the severity of this {n}?",
        "Log level?",
        "Classify this {n} by severity",
    ),
    "language": (
        "What language is this?",
        "Which language is this text in?",
        "Language?",
        "Name the language",
        "Detect the language",
        "In which language is this written?",
    ),
    "priority": ("What priority should this {n} get?", "Priority?"),
    "kind": ("What kind of {n} is this?", "Classify this {n}"),
    "topic": ("What is the topic?", "What is this {n} about?", "Topic?"),
}


class Labeller:
    """The bank's labelled texts, indexed by kind and aspect, ready to be asked about."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.labels = bank.aspects()
        self.texts: dict[tuple[str, str], dict[str, list[Text]]] = {}
        for text in bank.texts:
            for aspect, label in text.labels.items():
                self.texts.setdefault((text.kind, aspect), {}).setdefault(label, []).append(text)
        self.keys = sorted(key for key, labels in self.labels.items() if len(labels) > 1)
        # An aspect is asked about as often as the square root of its number of texts.
        self.weights = [sum(len(t) for t in self.texts[key].values()) ** 0.6 for key in self.keys]

    def item(self, rng: Random, kinds: Sequence[str] = ()) -> Item:
        """Ask about one text with a label set of its own; `kinds` keeps to some files of the bank."""
        pairs = [(k, w) for k, w in zip(self.keys, self.weights, strict=True) if not kinds or k[0] in kinds]
        key = rng.choices([k for k, _ in pairs], [w for _, w in pairs])[0]
        by_label = self.texts[key]
        truth = rng.choices(list(by_label), [len(t) ** 0.5 for t in by_label.values()])[0]
        text = rng.choice(by_label[truth])
        if key[1] in DEFAULTED and rng.random() < 0.25:
            return self._without_labels(rng, text, key[1], truth)
        return self._with_labels(rng, text, key, truth)

    def _without_labels(self, rng: Random, text: Text, aspect: str, truth: str) -> Item:
        ask = rng.choice(UNNAMED[aspect]).format(n=rng.choice(text.nouns))
        return Item(f"label:{text.kind}", layout.place(rng, ask, text.text), truth, about=text.text)

    def _with_labels(self, rng: Random, text: Text, key: tuple[str, str], truth: str) -> Item:
        others = [label for label in self.labels[key] if label != truth]
        size = min(len(others), rng.choice((1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 7)))
        chosen = rng.sample(others, size)
        if len(chosen) < 6 and rng.random() < 0.06:
            foreign = self.labels[rng.choice(self.keys)]
            chosen += [label for label in rng.sample(foreign, 1) if label not in (*self.labels[key], truth)]
        names = [truth, *chosen]
        renamed = {label: self._rename(rng, label) for label in names} if rng.random() < 0.15 else {}
        shown = [renamed.get(label, label) for label in names]
        if len({s.lower() for s in shown}) < len(shown):
            shown = names
        shown = layout.spell(rng, shown)
        answer = shown[0]
        notes = self._notes(rng, names, shown) if rng.random() < 0.08 else {}
        rng.shuffle(shown)
        aspect = rng.choice(ASPECT_NAMES.get(key[1], (key[1],))) if rng.random() < 0.8 else "label"
        ask = rng.choice(ASKS).format(n=rng.choice(text.nouns), a=aspect, A=aspect.capitalize())
        ask = ask if rng.random() < 0.85 else ask[:1].lower() + ask[1:]
        if rng.random() < 0.03:
            prompt = layout.place(rng, ask, text.text, text.nouns[0])
        else:
            prompt = layout.place(rng, layout.label_instruction(rng, ask, shown, notes), text.text, text.nouns[0])
        return Item(f"label:{text.kind}", prompt, answer, tuple(shown), about=text.text)

    def _rename(self, rng: Random, label: str) -> str:
        names = [n for n in self.bank.synonyms.get(label, []) if len(n) < 30]
        return rng.choice(names) if names and rng.random() < 0.7 else label

    def _notes(self, rng: Random, names: list[str], shown: list[str]) -> dict[str, str]:
        notes = {}
        for name, label in zip(names, shown, strict=True):
            known = self.bank.synonyms.get(name, [])
            if known:
                notes[label] = ", ".join(rng.sample(known, min(len(known), rng.randint(1, 3))))
        return notes


QUESTIONS: dict[str, tuple[str, ...]] = {
    "sentiment": ("Is this {n} {l}?", "Is the writer {l} about it?", "Does the {n} sound {l}?"),
    "topic": ("Is this about {l}?", "Is the topic {l}?", "Is this {n} about {l}?", "Does it deal with {l}?"),
    "category": ("Is this about {l}?", "Is this a {l} issue?", "Is the {n} about {l}?", "Does this belong to {l}?"),
    "kind": ("Is this {n} a {l}?", "Is it {l}?", "Would you call this {l}?"),
    "language": ("Is this {l}?", "Is this text in {l}?", "Is it written in {l}?"),
    "severity": ("Is the severity {l}?", "Is this {n} of level {l}?"),
    "emotion": ("Does the writer feel {l}?", "Is this {l}?"),
}
YES_NO_TAILS = (
    "",
    "",
    "",
    " Answer yes or no.",
    " yes or no?",
    " (yes/no)",
    " Reply yes or no.",
    "\nyes or no",
    " Yes or no?",
    " Answer with yes or no only.",
)


def yes_no(rng: Random, labeller: Labeller) -> Item:
    """A yes/no question about a text: written ones, and ones made from its labels."""
    written = [t for t in labeller.bank.texts if t.yes or t.no]
    agrees = rng.random() < 0.5
    if written and rng.random() < 0.6:
        text = rng.choice([t for t in written if (t.yes if agrees else t.no)] or written)
        agrees = agrees if (text.yes if agrees else text.no) else not agrees
        ask = rng.choice(text.yes if agrees else text.no)
    else:
        key = rng.choice([k for k in labeller.keys if k[1] in QUESTIONS] or labeller.keys)
        by_label = labeller.texts[key]
        truth = rng.choice(list(by_label))
        text = rng.choice(by_label[truth])
        label = truth if agrees else rng.choice([x for x in labeller.labels[key] if x != truth])
        ask = rng.choice(QUESTIONS.get(key[1], ("Is it {l}?",))).format(n=rng.choice(text.nouns), l=label)
    pair = rng.choice((("yes", "no"),) * 4 + (("Yes", "No"), ("YES", "NO"), ("true", "false"), ("y", "n")))
    tail = (
        rng.choice(YES_NO_TAILS)
        if pair == ("yes", "no")
        else f" {rng.choice(('Answer', 'Reply', 'Say'))} {pair[0]} or {pair[1]}{rng.choice(('.', ''))}"
    )
    return Item("yesno", layout.place(rng, ask + tail, text.text), pair[0] if agrees else pair[1], pair)
