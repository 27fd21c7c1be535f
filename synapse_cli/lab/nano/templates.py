"""Make plain sentences with known labels where many are cheap: log lines, opinions, languages."""

from __future__ import annotations

from random import Random

from synapse_cli.lab.nano import kinds, layout, values
from synapse_cli.lab.nano.items import Item
from synapse_cli.lab.nano.lists import listed

LOGS: dict[str, tuple[str, ...]] = {
    "info": (
        "server listening on port {port}",
        "user {user} logged in from {ip}",
        "backup of {path} completed in {duration}",
        "{service} started, version {version}",
        "connection established to {ip}:{port}",
        "cache warmed up, {count} entries",
        "configuration reloaded",
        "job {code} finished successfully",
        "{count} records imported",
        "accepted publickey for {user} from {ip}",
        "GET {path} 200 {duration}",
        "new session for {user}",
        "scheduled task {code} registered",
        "health check passed",
        "mounted {path}",
        "deployment {version} rolled out to {count} nodes",
        "mail sent to {email}",
        "index rebuilt in {duration}",
        "certificate renewed until {date}",
        "worker {port} ready",
    ),
    "debug": (
        "entering function parse_{user}",
        "cache lookup key={code} hit=true",
        "sql: SELECT * FROM orders WHERE id={count} ({duration})",
        "request headers: accept=*/*, host={ip}",
        "retry policy: max={count} backoff={duration}",
        "payload size {size}",
        "variable state={state} at line {port}",
        "thread pool size set to {count}",
        "parsed {count} tokens from {path}",
        "heap dump offset {code}",
        "got callback id {code}",
        "resolved {service} to {ip}",
        "loop iteration {count}, value={count}",
        "dumping config keys",
    ),
    "warning": (
        "disk usage on {path} at 8{d}%",
        "slow query took {duration}",
        "retrying connection to {ip} (attempt {d})",
        "certificate for {service} expires in {d} days",
        "memory usage above threshold: 9{d}%",
        "deprecated option '{user}' used in {path}",
        "{service} response time is high: {duration}",
        "clock skew of {duration} detected",
        "rate limit nearly reached for {user}",
        "queue length {count} is growing",
        "config value missing, falling back to default",
        "password of {user} expires soon",
        "battery low: {d}%",
        "packet loss {d}% on link to {ip}",
        "low disk space on {path}",
        "temperature of cpu0 above normal",
        "unexpected header ignored",
        "replica lag is {duration}",
        "{count} failed login attempts for {user}",
        "swap is being used heavily",
    ),
    "error": (
        "failed to open {path}: no such file or directory",
        "could not connect to {service} at {ip}:{port}",
        "request {code} failed with status 500",
        "unhandled exception in {service}: null pointer",
        "timeout while reading from {ip}",
        "permission denied writing {path}",
        "authentication failed for {user}",
        "job {code} aborted: exit status {d}",
        "POST {path} 503 {duration}",
        "transaction {code} rolled back: deadlock detected",
        "cannot parse {path}: unexpected token",
        "upload of {path} failed",
        "connection refused by {ip}:{port}",
        "disk write error on {path}",
        "build failed: {d} tests did not pass",
        "payment {code} declined by gateway",
        "mail to {email} bounced",
        "certificate verification failed for {service}",
        "{service} exited with code {d}",
        "segfault in worker {port}",
        "bad gateway while contacting {service}",
    ),
    "critical": (
        "kernel panic: unable to mount root",
        "out of memory: killed process {port} ({service})",
        "database {service} is corrupted, shutting down",
        "all replicas of {service} are down",
        "data loss detected on volume {path}",
        "raid array degraded: {d} disks failed, system halted",
        "no space left on device {path}, writes stopped",
        "power supply failure, emergency shutdown",
        "cluster has lost quorum, refusing all requests",
        "security breach: root access from {ip}",
        "fatal: cannot start {service}, giving up",
        "filesystem {path} remounted read-only after i/o errors",
        "temperature critical, cpu halted",
        "production outage: {service} unreachable for {duration}",
        "master key compromised",
        "system is unusable",
    ),
}
SEVERITY_NAMES: dict[str, tuple[str, ...]] = {
    "info": ("info", "information", "informational", "notice", "normal", "ok"),
    "debug": ("debug", "trace", "verbose"),
    "warning": ("warning", "warn", "caution"),
    "error": ("error", "err", "failure", "problem"),
    "critical": ("critical", "fatal", "emergency", "severe", "crit"),
}
# The word that a log line may carry; half of the lines carry none and must be understood.
SEVERITY_WORDS = {
    "info": ("INFO", "[info]", "I", "NOTICE"),
    "debug": ("DEBUG", "[debug]", "TRACE"),
    "warning": ("WARN", "[warning]", "WARNING"),
    "error": ("ERROR", "[error]", "E", "ERR"),
    "critical": ("FATAL", "CRITICAL", "[crit]", "EMERG"),
}
LOG_ASKS = (
    "How severe is this log line",
    "Classify this log line",
    "Severity?",
    "What is the severity of this log line",
    "Log level?",
    "Which level has this line",
    "Rate this log entry",
    "Classify by severity",
    "Label this log message",
    "Level of this event?",
)
SUBJECTS = listed(
    """film book hotel soup app phone course service staff delivery game concert laptop room breakfast battery plot
    acting camera sound pizza waiter coach lesson clinic museum bus flight pillow garden design interface
    price song team support haircut market campsite novel series keyboard dress sauce teacher doctor manager"""
)
PRAISE = (
    "I would come back any time",
    "worth every cent",
    "could not stop smiling",
    "we will be back",
    "exceeded my expectations",
    "highly recommended",
    "five stars from me",
    "a joy from start to end",
    "I love it",
    "best purchase this year",
    "could not put it down",
    "works like a charm",
    "thank you all",
    "a real gem",
)
BLAME = (
    "never again",
    "a waste of money",
    "I want my money back",
    "stay away",
    "we left early",
    "broke after a week",
    "I regret it",
    "fell asleep halfway",
    "nobody cared",
    "one star is too much",
    "such a letdown",
    "avoid this place",
    "had to send it back",
    "not worth it",
)
PLAIN = (
    "it has four parts",
    "it is open on weekdays",
    "it comes in two sizes",
    "it was built in 1998",
    "we arrived at noon",
    "it is located near the station",
    "it lasts two hours",
    "it costs the same as before",
    "the box holds twelve",
    "I bought it on Monday",
)


def log_line(rng: Random) -> Item:
    """A log line with its severity."""
    level = rng.choice(list(LOGS))
    text = stamped(rng, level)
    levels = [level, *rng.sample([x for x in LOGS if x != level], rng.randint(1, 4))]
    if rng.random() < 0.5:
        levels.sort(key=list(SEVERITY_NAMES).index)
    names = {x: rng.choice(SEVERITY_NAMES[x]) if rng.random() < 0.4 else x for x in levels}
    shown = layout.spell(rng, [names[x] for x in levels])
    answer = shown[levels.index(level)]
    if rng.random() < 0.4:
        pairs = list(shown)
        rng.shuffle(pairs)
        shown = pairs
    return Item(
        "label:logs",
        layout.place(rng, layout.label_instruction(rng, rng.choice(LOG_ASKS), shown, {}), text, "log"),
        answer,
        tuple(shown),
    )


def stamped(rng: Random, level: str) -> str:
    """One line as a program writes it, with or without time, program and level."""
    made = {kind: make(rng) for kind, (make, _) in kinds.KINDS.items()}
    body = rng.choice(LOGS[level]).format(**made, d=rng.randint(1, 9))
    body = body if rng.random() < 0.7 else body[:1].upper() + body[1:]
    parts = [rng.choice(SEVERITY_WORDS[level])] if rng.random() < 0.4 else []
    if rng.random() < 0.4:
        parts.append(f"{made['service']}{rng.choice((':', f'[{values.digits(rng, 2, 5)}]:'))}")
    if rng.random() < 0.4:
        day, moment = rng.randint(1, 365), rng.randint(0, 86_399)
        hours, minutes, seconds = moment // 3600, moment // 60 % 60, moment % 60
        calendar = f"2026-{day // 31 + 1:02}-{day % 28 + 1:02}{rng.choice(' T')}"
        parts.insert(0, f"{calendar}{hours:02}:{minutes:02}:{seconds:02}")
    return " ".join([*parts, body])


class Critic:
    """Writes opinions out of VADER's words, so that thousands of words of praise and blame occur."""

    ASKS = (
        "Is this review",
        "What is the sentiment",
        "Sentiment?",
        "Classify the sentiment",
        "Is the writer",
        "Label this review",
        "How does the writer feel",
        "Tone of this review?",
        "Classify this review",
        "Is this comment",
    )
    SETS = (
        ("positive", "negative", "neutral"),
        ("good", "bad", "neutral"),
        ("happy", "unhappy", "neutral"),
        ("favourable", "unfavourable", "neutral"),
        ("praise", "criticism", "neither"),
        ("satisfied", "dissatisfied", "indifferent"),
        ("pleased", "disappointed", "neutral"),
        ("recommend", "avoid", "no opinion"),
        ("pos", "neg", "neu"),
        ("thumbs up", "thumbs down", "neutral"),
        ("joy", "anger", "calm"),
    )

    def __init__(self, opinions: list[tuple[str, float]]) -> None:
        self.good = [w for w, s in opinions if s > 1.2]
        self.bad = [w for w, s in opinions if s < -1.2]

    def item(self, rng: Random) -> Item:
        """A short opinion with its sentiment."""
        side = rng.choices((0, 1, 2), (5, 5, 2))[0]
        text = self._text(rng, side)
        group = rng.choice(self.SETS) if rng.random() < 0.6 else self.SETS[0]
        used = list(group) if side == 2 or rng.random() < 0.4 else list(group[:2])
        shown = layout.spell(rng, used)
        answer = shown[side]
        rng.shuffle(shown)
        return Item(
            "label:sentiment",
            layout.place(rng, layout.label_instruction(rng, rng.choice(self.ASKS), shown, {}), text, "review"),
            answer,
            tuple(shown),
        )

    def _text(self, rng: Random, side: int) -> str:
        words, other, tails = ((self.good, self.bad, PRAISE), (self.bad, self.good, BLAME), ([], [], PLAIN))[side]
        subject = rng.choice(SUBJECTS)
        if side == 2:
            return (
                f"The {subject}: {rng.choice(tails)}." if rng.random() < 0.5 else f"{rng.choice(tails).capitalize()}."
            )
        word, more = rng.choice(words), rng.choice(words)
        forms = (
            f"The {subject} was {word}.",
            f"{word.capitalize()} {subject}, {rng.choice(tails)}.",
            f"The {subject} is {word} and {more}.",
            f"{rng.choice(tails).capitalize()}.",
            f"{word} {subject}",
            f"I found the {subject} {word}, {rng.choice(tails)}.",
            f"Such a {word} {subject}! {rng.choice(tails).capitalize()}.",
            f"What a {word} {subject}.",
            f"The {subject} was not {rng.choice(other)} at all.",
            f"Never {rng.choice(other)}, always {word}.",
            f"{more.capitalize()}. The {subject} made me feel {word}.",
        )
        return rng.choice(forms)


LANGUAGE_ASKS = (
    "What language is this",
    "Which language is this text in",
    "Language?",
    "Name the language",
    "Detect the language",
    "Identify the language of this sentence",
    "In which language is this written",
    "Classify by language",
)


class Polyglot:
    """Asks for the language of real sentences and of frequent words in a row."""

    def __init__(self, sentences: dict[str, list[str]], words: dict[str, list[tuple[str, float]]]) -> None:
        self.sentences, self.words = sentences, {k: v for k, v in words.items() if v}
        self.names = sorted(sentences)

    def item(self, rng: Random) -> Item:
        """A text in one of the languages, with or without the list of languages."""
        truth = rng.choice(self.names)
        text = self._text(rng, truth)
        if rng.random() < 0.25:
            ask = rng.choice(LANGUAGE_ASKS)
            return Item(
                "label:languages",
                layout.place(rng, ask + ("" if ask[-1] == "?" else rng.choice(("?", "", "."))), text),
                truth,
            )
        shown = layout.spell(rng, [truth, *rng.sample([n for n in self.names if n != truth], rng.randint(1, 7))])
        answer = shown[0]
        rng.shuffle(shown)
        return Item(
            "label:languages",
            layout.place(rng, layout.label_instruction(rng, rng.choice(LANGUAGE_ASKS), shown, {}), text),
            answer,
            tuple(shown),
        )

    def _text(self, rng: Random, language: str) -> str:
        if language in self.words and rng.random() < 0.55:
            words, shares = zip(*self.words[language], strict=True)
            row = rng.choices(words, [s**0.8 for s in shares], k=rng.randint(3, 12))
            joined = ("" if language in ("Chinese", "Japanese", "Thai") else " ").join(row)
            return joined[:1].upper() + joined[1:] + rng.choice((".", "", "?", "!"))
        words_of = rng.choice(self.sentences[language]).split()
        start = rng.randrange(max(1, len(words_of) - 6))
        return " ".join(words_of[start : start + rng.randint(4, 16)])[:90]
