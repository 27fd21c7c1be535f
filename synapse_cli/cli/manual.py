"""Write man pages from the commands: one a command, in the troff `man` macros."""

from __future__ import annotations

import re

from synapse_cli import __version__
from synapse_cli.cli.spec import Flag, Spec

EXIT_CODES = (
    ("0", "answered"),
    ("1", "a bug"),
    ("2", "the command line is wrong"),
    ("65", "answered, but no tier passed its checks; the best answer is on stdout"),
    ("66", "an input, or the only tier's model file, is missing or unreadable"),
    ("69", "no model could answer"),
    ("75", "rate-limited or timed out: trying later makes sense"),
    ("77", "refused: key missing or rejected, policy, --local-only"),
    ("78", "the profile is wrong"),
    ("79", "budget spent"),
    ("100", "a limit of `synapse bench` is missed"),
    ("130", "interrupted"),
    ("141", "closed pipe"),
)
ENVIRONMENT = (
    ("SYNAPSE_PROFILE", "The profile to use: a name or a path."),
    ("SYNAPSE_RUN", "Set for the programs that a run starts: whose budget they draw from."),
    ("SYNAPSE_CONFIG_DIR, SYNAPSE_CACHE_DIR, SYNAPSE_STATE_DIR", "Where profiles, cache and ledger are kept."),
    ("OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, ...", "Keys, under the names that the providers use."),
    ("NO_COLOR", "No colour, as with `--no-color`."),
)
FILES = (
    ("./synapse.toml", "The profile of a project; also looked for in every folder above."),
    ("~/.config/synapse/profiles/NAME.toml", "Profiles of your own; `default` is followed where nothing else is."),
    ("~/.cache/synapse", "Answers that are kept."),
    ("~/.local/state/synapse/ledger.sqlite3", "The record of every run."),
)


def pages(top: Spec) -> dict[str, str]:
    """File name → text, for `synapse` and each of its commands."""
    return {f"{'-'.join(spec.path)}.1": page(spec) for spec in (top, *top.children)}


def page(spec: Spec) -> str:
    """The page of one command, its subcommands included."""
    name = "-".join(spec.path)
    parts = [
        f'.TH {_escaped(name.upper())} 1 "" "Synapse {__version__}" "Synapse manual"',
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(spec.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        _synopsis(spec),
        ".SH DESCRIPTION",
        _prose(spec.help),
        *_options(spec),
        *_children(spec),
        ".SH EXIT STATUS",
        *_listed(EXIT_CODES),
        *([".SH ENVIRONMENT", *_listed(ENVIRONMENT), ".SH FILES", *_listed(FILES)] if len(spec.path) == 1 else []),
        *_see_also(spec),
    ]
    return "\n".join(parts) + "\n"


def _synopsis(spec: Spec) -> str:
    rest = " ".join(["[OPTIONS]", *(["COMMAND"] if spec.children and len(spec.path) > 1 else []), *spec.arguments])
    return f".B {_escaped(' '.join(spec.path))}\n{_escaped(rest)}"


def _options(spec: Spec) -> list[str]:
    lines: list[str] = []
    panel = None
    for flag in spec.flags:
        if flag.panel != panel and (flag.panel or panel is None):
            lines.append(f".SH {flag.panel.upper() or 'OPTIONS'}" if panel is not None or flag.panel else ".SH OPTIONS")
            panel = flag.panel
        lines += _flag(flag)
    return lines


def _children(spec: Spec) -> list[str]:
    lines = [".SH COMMANDS"] if spec.children else []
    for child in spec.children:
        if len(child.path) == 2:  # it has a page of its own
            lines += [".TP", f".B {_escaped(child.name)}", _marked(child.summary)]
        else:
            lines += [".SS " + _escaped(" ".join([*child.path[1:], *child.arguments])), _prose(child.help)]
            lines += [line for flag in child.flags[:-1] for line in _flag(flag)]
    return lines


def _flag(flag: Flag) -> list[str]:
    names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in flag.names)
    return [".TP", names + (f" \\fI{_escaped(flag.metavar)}\\fR" if flag.metavar else ""), _marked(flag.help)]


def _listed(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for term, meaning in rows for line in (".TP", f".B {_escaped(term)}", _marked(meaning))]


def _see_also(spec: Spec) -> list[str]:
    others = [f"\\fBsynapse\\-{child.name}\\fR(1)" for child in spec.children] if len(spec.path) == 1 else []
    return [".SH SEE ALSO", ", ".join(others) or "\\fBsynapse\\fR(1)"]


def _prose(text: str) -> str:
    """Paragraphs; indented lines, the examples, stay as they are."""
    lines = []
    for line in text.strip().splitlines():
        if not line.strip():
            lines.append(".PP")
        elif line.startswith("  "):
            lines += [".nf", ".RS", _escaped(line.strip()), ".RE", ".fi"]
        else:
            lines.append(_marked(line.strip()))
    return "\n".join(lines)


def _marked(text: str) -> str:
    """Text in which what stands between backticks is bold."""
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _escaped(text))


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("…", "...").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
