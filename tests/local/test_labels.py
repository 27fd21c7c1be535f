"""Labels are found where an instruction names them, and nowhere else."""

from __future__ import annotations

import pytest

from synapse_cli.backends.labels import find_labels

TEXT = "\n\nMy invoice shows the wrong sum, the date is off, and nobody answers. What now?"

NAMED = [
    ("Classify this ticket as billing, bug or praise" + TEXT, "billing|bug|praise"),
    ("Classify this ticket as billing, bug, or praise." + TEXT, "billing|bug|praise"),
    ("Classify as spam or ham" + TEXT, "spam|ham"),
    ("Classify the priority (low/medium/high)" + TEXT, "low|medium|high"),
    ("What is the priority (low, medium or high)?" + TEXT, "low|medium|high"),
    ("What is the priority of this ticket? One of: low, medium, high" + TEXT, "low|medium|high"),
    ("Pick one of: cats, dogs, birds." + TEXT, "cats|dogs|birds"),
    ("Which team should get this? Choose from sales, support, legal." + TEXT, "sales|support|legal"),
    ("Is it spam or ham?" + TEXT, "spam|ham"),
    ("Is this spam or ham?" + TEXT, "spam|ham"),
    ("Is this review positive or negative?" + TEXT, "positive|negative"),
    ("Is this review positive, negative or mixed?" + TEXT, "positive|negative|mixed"),
    ("Is the customer angry, neutral or happy?" + TEXT, "angry|neutral|happy"),
    ("Is this a bug or a feature request?" + TEXT, "bug|feature request"),
    ("Is it about billing or shipping?" + TEXT, "billing|shipping"),
    ("Is the tone formal or informal?" + TEXT, "formal|informal"),
    ('Is this review positive or negative? "The soup was cold and nobody cared."', "positive|negative"),
    ("Classify the sentiment as positive or negative: the soup was cold, the waiter rude", "positive|negative"),
    ("Labels: billing, bug, praise" + TEXT, "billing|bug|praise"),
    ("Classify this mail.\nLabels: invoice, complaint, other" + TEXT, "invoice|complaint|other"),
    ("Classify this mail. Labels: invoice; complaint; other." + TEXT, "invoice|complaint|other"),
    ("Classify this mail.\n\nLabels: invoice, complaint, other" + TEXT, "invoice|complaint|other"),
    (
        "Classify this mail.\nCategories:\n- invoice\n- complaint\n- something else" + TEXT,
        "invoice|complaint|something else",
    ),
    ("Sort this.\nOptions:\n* red: warm colours\n* blue: cold colours\n" + TEXT, "red|blue"),
    ("Choose one:\n1. network\n2. disk\n3. memory" + TEXT, "network|disk|memory"),
    ("Possible values: ok, warn, fail. Which is it?" + TEXT, "ok|warn|fail"),
    ("Does the writer want a refund? Answer yes or no." + TEXT, "yes|no"),
    ("Does the writer want a refund? yes/no" + TEXT, "yes|no"),
    ("Is it about a flight? (yes/no)" + TEXT, "yes|no"),
    ("Is it about a flight? Reply with Yes or No only" + TEXT, "Yes|No"),
    ("Is the payment late? true or false" + TEXT, "true|false"),
    ("Does the writer want a refund?" + TEXT, "yes|no"),
    ("Is this a complaint?" + TEXT, "yes|no"),
    ("Is this spam or not?" + TEXT, "yes|no"),
    ("Has the customer paid?\n\nFile: mail.txt\n```\nI paid on Monday, or Tuesday.\n```", "yes|no"),
    ('Was the food good? "The soup was cold and nobody cared."', "yes|no"),
    ('Label it "urgent", "normal" or "whenever".' + TEXT, "urgent|normal|whenever"),
    ("Label it 'to do', 'doing' or 'done'" + TEXT, "to do|doing|done"),
    ("Tag this with one of [frontend, backend, infra]" + TEXT, "frontend|backend|infra"),
    ("Route this to billing, shipping or tech support" + TEXT, "billing|shipping|tech support"),
    ("Put this into one of these categories: politics, sports, science" + TEXT, "politics|sports|science"),
    ("Sort this message into family, work and junk" + TEXT, "family|work|junk"),
    ("What is the sentiment? positive / negative / neutral" + TEXT, "positive|negative|neutral"),
    ("What is the sentiment: positive, negative or neutral?" + TEXT, "positive|negative|neutral"),
    ("Sentiment: positive, negative, neutral" + TEXT, "positive|negative|neutral"),
    ("spam or ham?" + TEXT, "spam|ham"),
    ("billing | bug | praise" + TEXT, "billing|bug|praise"),
    ("Which label fits best: P1, P2, P3 or P4?" + TEXT, "P1|P2|P3|P4"),
    ("Rate the mood from 1 to 5" + TEXT, "1|2|3|4|5"),
    ("Tell me whether this is urgent or routine." + TEXT, "urgent|routine"),
    ("Decide if it is a question or a statement" + TEXT, "question|statement"),
    ("Answer with exactly one of: LOW, MID, HIGH" + TEXT, "LOW|MID|HIGH"),
    ("Respond with only GO or STOP" + TEXT, "GO|STOP"),
    ("The answer must be one of red, green or blue." + TEXT, "red|green|blue"),
    ("Please classify the following log line as ERROR, WARN or INFO:\n\nkernel: oom, or worse", "ERROR|WARN|INFO"),
    ("Please choose between refund and replacement" + TEXT, "refund|replacement"),
    ("You are a triage bot. Classify the mail as hot, warm or cold." + TEXT, "hot|warm|cold"),
    ("Detect the language (en, de, fr)" + TEXT, "en|de|fr"),
    ("Classify this review as positive or negative.\nText: good, bad or ugly, I liked it", "positive|negative"),
    ("Classify this review as positive or negative\ngood, bad or ugly, I liked it", "positive|negative"),
    ("The soup was cold, the waiter rude or absent.\n\nClassify as positive or negative", "positive|negative"),
    ("The soup was cold.\nThe waiter was rude.\n\nIs this review positive or negative?", "positive|negative"),
    ("```\nerror: disk full, or nearly\n```\nSeverity? One of low, high", "low|high"),
    (
        "Name the task of this request.\nLabels: classification, extraction, writing\n\nRequest:\nwrite a poem, or two",
        "classification|extraction|writing",
    ),
    (
        "Classify the ticket as account access, hardware failure or other" + TEXT,
        "account access|hardware failure|other",
    ),
    ("Label as not_spam or spam" + TEXT, "not_spam|spam"),
    ("Categorise this as A, B or C and nothing else." + TEXT, "A|B|C"),
    ("Is this review positive or negative: the soup was cold, or so they say", "positive|negative"),
    ("Is this review positive or negative? The soup was cold. I had to write to you or leave.", "positive|negative"),
    ("Is this a complaint? The soup was cold and I hated it.", "yes|no"),
    ("Is this (spam, ham)?" + TEXT, "spam|ham"),
    ("Is this ticket: billing, bug, praise?" + TEXT, "billing|bug|praise"),
    ("Classify this ticket: [low, medium, high]: please fix it soon", "low|medium|high"),
    ("Grade this essay as pass or fail based on its grammar" + TEXT, "pass|fail"),
]

WITHOUT = [
    "Classify this ticket" + TEXT,
    "Who wrote The Trial?",
    "Is the earth flat?",
    "Tea or coffee?",
    "What is the capital of France, Spain or Italy?",
    "Summarize this text, then list the names, dates and places" + TEXT,
    "Extract the order number, the name and the date" + TEXT,
    "Extract these fields (name, date, amount) as JSON" + TEXT,
    "Return name, date and amount as JSON." + TEXT,
    "Give me the invoice number or the order number" + TEXT,
    "Translate this into German and French" + TEXT,
    "Write a poem about cats, dogs and birds",
    'What is the difference between "affect" and "effect"?',
    'Replace "foo" with "bar"' + TEXT,
    "Can you summarize this?" + TEXT,
    "Do you know who sent this?" + TEXT,
    "Explain whether TCP or UDP is better for games",
    "Should I learn Rust or Go?",
    "Compare apples, pears and plums.",
    "Fix the grammar: i has a apple, a pear or a plum",
    "Turn this into JSON:\nname: Ann\ncity: Rome, or Milan",
    "List three fruits: apples, pears, ...",
    "What is the order number?" + TEXT,
    "Classify this ticket\n\nHello,\n\nplease choose: refund or voucher",
    "Classify this ticket\n\nIs it still possible to get a refund or a voucher?",
    "Classify this: hello, world",
    "",
    "   \n\n ",
    "```\nspam or ham?\n```",
    "What is this mail about?\n\nLabels: printed on the box were red, green and blue ones, we liked them",
    "Which of the two speakers sounds more convinced, and why?" + TEXT,
    "How long is the warranty, in years or months?" + TEXT,
    "Tell me about Ann, Bob and Cid",
    "Answer the question, then explain it" + TEXT,
    "Say hello to Ann, Bob and Cid",
    "Describe the picture in one or two sentences" + TEXT,
    "Rewrite this as a formal or semi-formal letter" + TEXT,
    "Find the first name and/or last name" + TEXT,
    "Sort these numbers: 3, 1, 2",
    "Name the capital of Peru",
    "Is the earth flat? My teacher says so.",
    "Is this review positive? Explain why." + TEXT,
    "Is water wet: a study",
    "Was Rome built in a day?",
]


@pytest.mark.parametrize(("prompt", "labels"), NAMED, ids=lambda value: value[:60])
def test_labels_that_an_instruction_names_are_found(prompt: str, labels: str) -> None:
    assert "|".join(find_labels(prompt)) == labels


@pytest.mark.parametrize("prompt", WITHOUT, ids=lambda value: value[:60])
def test_a_prompt_that_names_no_labels_has_none(prompt: str) -> None:
    assert find_labels(prompt) == ()


def test_both_tables_are_large_enough_to_mean_something() -> None:
    assert len(NAMED) >= 60
    assert len(WITHOUT) >= 20


HOSTILE = [
    "<",
    '"',
    "`",
    "(",
    "a, ",
    "please ",
    "is it ",
    "Labels: ",
    "one of ",
    "```\n",
    "\n\n",
    "or ",
    "~~~\n",
    "File: ",
    "- ",
    "'a' or ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_megabyte_of_anything_costs_no_more_than_its_ends(piece: str) -> None:
    """Patterns that look back and forth would take hours here."""
    for prompt in (piece * (1_000_000 // len(piece)), "Is this spam or ham?\n\n" + piece * (1_000_000 // len(piece))):
        assert len(find_labels(prompt)) <= 60
