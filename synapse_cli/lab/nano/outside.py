"""Make prompts that the model must not be sure of, and requests whose task it must name."""

from __future__ import annotations

from random import Random

from synapse_cli.lab.nano import kinds, layout, sources, values
from synapse_cli.lab.nano.bank import Bank
from synapse_cli.lab.nano.items import Item
from synapse_cli.lab.nano.lists import listed
from synapse_cli.lab.nano.vocab import UNSURE

TASKS = (
    "classification",
    "extraction",
    "summarization",
    "translation",
    "question-answering",
    "writing",
    "rewriting",
    "code",
    "math",
    "chat",
)
OPEN_STEMS = (
    "Who invented {n}?",
    "What is {n}?",
    "Explain {n}.",
    "Explain {n} to a child",
    "How does {n} work?",
    "Why is {n} important?",
    "Write a poem about {n}",
    "Tell me about {n}",
    "Define {n}",
    "Who is {p}?",
    "Where was {p} born?",
    "When was {n} discovered?",
    "What are the benefits of {n}?",
    "Give me five ideas for {n}",
    "What is the difference between {n} and {m}?",
    "How do I {v}?",
    "How can I {v}?",
    "Write a story about {n} and {m}",
    "What's the best {n}?",
    "List three kinds of {n}",
    "Is {n} better than {m}?",
    "What causes {n}?",
    "How much does {n} cost?",
    "Recommend a {n}",
    "What is the capital of {c}?",
    "How far is {c} from {d}?",
    "What is the population of {c}?",
    "What should I see in {c}?",
    "What's the weather in {c}?",
    "Plan a weekend in {c}",
    "How do you say {n} in {l}?",
    "Translate {n} into {l}",
    "Write a letter to {p}",
    "Draft an email to {p} about {n}",
    "Write a slogan for {n}",
    "Write a Python function to {v}",
    "Write a regex for {n}",
    "How do I {v} in bash?",
    "SQL query for {n}",
    "Can you {v}?",
    "Do you like {n}?",
    "What do you think about {n}?",
    "Tell me a joke about {n}",
    "Give me a recipe with {n}",
    "Should I {v}?",
    "What happens if I {v}?",
    "When did {n} begin?",
    "How many {n} are there in {c}?",
    "What does {n} mean?",
    "What is another word for {n}?",
    "Who wrote {t}?",
    "Who painted {t}?",
    "Who directed {t}?",
    "what year did {t} come out",
    "Summarize {t}",
    "what's {n}",
    "tell me how to {v}",
    "Name a famous {n}",
    "In which country is {c}?",
    "Which {n} is the largest?",
    "Describe {n} in one sentence.",
    "Pretend you are a {n}",
    "How old is {p}?",
)
OPEN_OVER_TEXT = (
    "Summarize this",
    "Summarize this {k}",
    "Summarise in one sentence",
    "TL;DR",
    "Give me the gist",
    "Translate to {l}",
    "Translate this into {l}",
    "Rewrite this politely",
    "Make this shorter",
    "Rewrite this {k} in a formal tone",
    "Fix the grammar",
    "Proofread this",
    "Write a reply to this {k}",
    "Reply to the customer",
    "Answer this {k}",
    "Write a headline for this",
    "What should I do about this?",
    "Explain this",
    "Explain what this means",
    "What could be the cause?",
    "How do I fix this?",
    "Improve this text",
    "Turn this into bullet points",
    "Write a follow-up",
    "Continue this",
    "Who wrote this?",
    "Paraphrase",
    "Write a commit message",
    "Draft an apology for this",
    "What happens next?",
    "Give me three key takeaways",
    "Make it sound friendlier",
    "Simplify this",
    "Expand this into a paragraph",
    "Suggest a title",
    "Is this true?",
    "What do you think of this?",
    "Compose a tweet about it",
    "Write code for this",
    "Why did this happen?",
    "Give advice to the writer",
)
ASK_TASK = (
    "Name the task of this request.",
    "Name the task of this request",
    "What task is this request?",
    "Which task is this?",
    "What kind of task is this request?",
    "Classify this request by task.",
    "Which of these tasks does the request ask for?",
    "Label the request with its task",
)
REQUESTS: dict[str, tuple[str, ...]] = {
    "classification": (
        "Classify this {k}",
        "Is this {k} positive or negative?",
        "Label this as {n} or {m}",
        "Which category does this {k} belong to?",
        "Is this spam?",
        "What is the sentiment of this {k}?",
        "Sort this {k} into {n}, {m} or other",
        "Rate the urgency of this {k}",
        "Detect the language of this text",
        "Tag this {k} with a topic",
    ),
    "extraction": (
        "Extract the {f} from this {k}",
        "Pull out every {f}",
        "What is the {f} in this {k}?",
        "Get the {f} and the {g} as JSON",
        "List all the names in this {k}",
        "Find the {f}",
        "Give me the {f} from the {k} below",
        "Parse the {f} out of this",
        "Turn these fields into JSON",
    ),
    "summarization": (
        "Summarize this {k}",
        "Give me the gist of this",
        "TL;DR of the {k}",
        "Condense this into two sentences",
        "Write an abstract of this report",
        "What are the main points of this {k}?",
        "Shorten this to one paragraph",
        "Boil it down for my boss",
        "Recap the meeting notes",
    ),
    "translation": (
        "Translate this into {l}",
        "How do you say {n} in {l}?",
        "Put this in {l}",
        "Translate the {k} from {l} to English",
        "What is the {l} word for {n}?",
        "{l} version, please",
        "I need this {k} in {l}",
        "Render this sentence in {l}",
    ),
    "question-answering": (
        "Who wrote {t}?",
        "What is the capital of {c}?",
        "When was {n} invented?",
        "Why does {n} happen?",
        "How many people live in {c}?",
        "What is {n}?",
        "Who is {p}?",
        "How does {n} work?",
        "Where is {c}?",
        "Which {n} is the biggest?",
    ),
    "writing": (
        "Write a poem about {n}",
        "Draft an email to {p}",
        "Compose a short story about {n} and {m}",
        "Write a product description for a {n}",
        "Create a slogan for {n}",
        "Write a birthday card for {p}",
        "Draft a job advert for a {n}",
        "Write a blog post about {n}",
        "Come up with a speech on {n}",
    ),
    "rewriting": (
        "Rewrite this {k} politely",
        "Make this more formal",
        "Fix the grammar in this {k}",
        "Rephrase this sentence",
        "Proofread this",
        "Make it shorter and friendlier",
        "Improve the style of my {k}",
        "Paraphrase the following",
        "Correct the spelling",
        "Simplify this paragraph for children",
    ),
    "code": (
        "Write a Python function to {v}",
        "Fix this bug in my script",
        "Write a SQL query that lists {n}",
        "How do I {v} in JavaScript?",
        "Write a regex that matches a {f}",
        "Refactor this class",
        "Write unit tests for this function",
        "Bash one-liner to {v}",
        "Why does this code throw an exception?",
        "Implement a queue in Go",
    ),
    "math": (
        "What is {x} times {y}?",
        "Solve {x}x + {y} = {z}",
        "What is {x}% of {z}?",
        "Calculate the area of a circle with radius {x}",
        "{x} + {y} * {z}",
        "Integrate x^{x}",
        "What is the square root of {z}?",
        "How much is {x} divided by {y}?",
        "If a {n} costs {x} and I buy {y}, how much do I pay?",
        "Convert {x} miles to km",
    ),
    "chat": (
        "Hi there!",
        "How are you today?",
        "I feel {e} today",
        "Tell me a joke",
        "Good morning!",
        "Do you have hobbies?",
        "thanks, you are great",
        "What's up?",
        "I had a terrible day, can we talk?",
        "Are you a robot?",
        "Bye, see you later",
        "Do you like {n}?",
        "I'm bored",
    ),
}
TEXT_NAMES = listed(
    """text email mail review article message paragraph letter ticket report document note log comment post"""
)
TITLES = listed(
    """The Trial;Hamlet;Blue Harvest;The Night Watch;War and Peace;Casablanca;The Odyssey;Silent
    Spring;Dune;Guernica;The Magic Flute;Metropolis;Emma;Solaris;The Scream;Ulysses;Vertigo""",
    ";",
)
FEELINGS = listed("sad happy lonely tired great anxious bored excited angry down")


class Outsider:
    """Makes open prompts and requests out of WordNet's words and the bank's lines."""

    def __init__(self, bank: Bank, nouns: list[str], verbs: list[str], chatter: list[str]) -> None:
        self.bank, self.nouns, self.verbs, self.chatter = bank, nouns, verbs, chatter

    def open(self, rng: Random) -> Item:
        """Something that the model cannot know or do."""
        form = rng.random()
        if form < 0.34 and self.bank.opens:
            return Item("open", _typed(rng, rng.choice(self.bank.opens)), UNSURE)
        if form < 0.42 and self.bank.requests:
            able = {"classification", "extraction"}
            request = rng.choice([r for r, task in self.bank.requests if task not in able] or self.bank.opens)
            return Item("open", _typed(rng, request), UNSURE)
        if form < 0.62:
            return Item("open", _typed(rng, self._fill(rng, rng.choice(OPEN_STEMS))), UNSURE)
        if form < 0.70:
            return Item("open", _typed(rng, self._request(rng, rng.choice(TASKS[2:]))), UNSURE)
        if form < 0.78:
            return Item("open", rng.choice(self.chatter), UNSURE)
        if form < 0.82:
            return Item("open", rng.choice(self.bank.texts).text, UNSURE)
        ask = self._fill(rng, rng.choice(OPEN_OVER_TEXT))
        return Item("open", layout.place(rng, ask, rng.choice(self.bank.texts).text), UNSURE)

    def request(self, rng: Random) -> Item:
        """Name the task of a request, among the ten tasks or some of them."""
        if self.bank.requests and rng.random() < 0.6:
            request, task = rng.choice(self.bank.requests)
        else:
            task = rng.choice(TASKS)
            request = self._request(rng, task)
        request = _typed(rng, request)
        if rng.random() < 0.15:
            request += "\n\n" + rng.choice(self.bank.texts).text
        tasks = [*TASKS]
        if rng.random() < 0.3:
            tasks = [task, *rng.sample([t for t in TASKS if t != task], rng.randint(2, 8))]
            rng.shuffle(tasks)
        listed = layout.listing(rng, tasks) if rng.random() < 0.4 else ", ".join(tasks)
        if rng.random() < 0.7:
            prompt = f"{rng.choice(ASK_TASK[:2])}\nLabels: {listed}\n\nRequest:\n{request}"
        else:
            prompt = layout.place(rng, layout.label_instruction(rng, rng.choice(ASK_TASK), tasks, {}), request)
        return Item("request", prompt, task, tuple(tasks))

    def _request(self, rng: Random, task: str) -> str:
        return self._fill(rng, rng.choice(REQUESTS[task]))

    def _fill(self, rng: Random, form: str) -> str:
        names = [name for _, group in kinds.KINDS.values() for name in group]
        return form.format(
            n=rng.choice(self.nouns),
            m=rng.choice(self.nouns),
            v=rng.choice(self.verbs),
            p=values.person(rng),
            c=rng.choice(values.CITIES),
            d=rng.choice(values.CITIES),
            l=rng.choice(list(sources.LANGUAGES)),
            t=rng.choice(TITLES),
            k=rng.choice(TEXT_NAMES),
            f=rng.choice(names),
            g=rng.choice(names),
            e=rng.choice(FEELINGS),
            x=rng.randint(2, 99),
            y=rng.randint(2, 99),
            z=rng.randint(2, 9999),
        )


def sums(rng: Random) -> Item:
    """Arithmetic, which the model must leave to others."""
    a, b, sign = (
        rng.randint(1, 9999),
        rng.randint(1, 999),
        rng.choice(("+", "-", "*", "/", "x", "times", "plus", "minus", "divided by", "to the power of")),
    )
    forms = (
        f"{a} {sign} {b}",
        f"What is {a} {sign} {b}?",
        f"Compute {a} {sign} {b}",
        f"{a}{sign}{b}=?",
        f"how much is {a} {sign} {b}",
        f"What is {rng.randint(1, 99)}% of {a}?",
        f"Is {a} a prime number?",
        f"square root of {a}",
    )
    return Item("open", rng.choice(forms), UNSURE)


def _typed(rng: Random, text: str) -> str:
    form = rng.random()
    if form < 0.12:
        return text.lower()
    if form < 0.2:
        return text.rstrip("?.!")
    if form < 0.26:
        opening = rng.choice(("Please", "Hey,", "Quick question:", "Hi,", "Could you help?", "ok so"))
        return f"{opening} {text[:1].lower()}{text[1:]}"
    return text
