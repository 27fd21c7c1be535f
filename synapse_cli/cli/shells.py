"""Write completions as static files, so that TAB starts no Python."""

from __future__ import annotations

from collections.abc import Callable

from synapse_cli.cli.spec import Flag, Spec, walk


def bash(top: Spec) -> str:
    """For bash, with or without the bash-completion package."""
    cases = []
    for spec in walk(top):
        words = " ".join([*(child.name for child in spec.children), *(name for f in spec.flags for name in f.names)])
        cases.append(f'    "{" ".join(spec.path)}") words="{words}" ;;')
    taking = [
        (name, flag.takes_file) for spec in walk(top) for flag in spec.flags if flag.metavar for name in flag.names
    ]
    of_files = {name for name, takes_file in taking if takes_file}
    files, values = "|".join(sorted(of_files)), "|".join(sorted({name for name, _ in taking} - of_files))
    groups = "|".join(f'"{" ".join(spec.path)}"' for spec in walk(top) if spec.children)
    newline = "\n"
    return f"""# bash completion for synapse; written by `python -m synapse_cli.cli.generate`
# no mapfile: bash 3.2, which macOS ships, has none
_synapse_files() {{
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$1"))
}}
_synapse() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" path="synapse" words="" word i
  case "$previous" in
    {files}) _synapse_files "$current"; return ;;
    {values}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    case "$path" in
      {groups}) [[ "$word" == -* ]] || path="$path $word" ;;
    esac
  done
  case "$path" in
{newline.join(cases)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -gt 0 ]] || _synapse_files "$current"
}}
complete -o filenames -F _synapse synapse
"""


def zsh(top: Spec) -> str:
    """For zsh; the file belongs into a folder of $fpath as _synapse."""
    functions = "\n".join(_zsh_function(spec) for spec in walk(top))
    return f"""#compdef synapse
# zsh completion for synapse; written by `python -m synapse_cli.cli.generate`
{functions}
if [[ "$funcstack[1]" = "_synapse" ]]; then
  _synapse "$@"
else
  compdef _synapse synapse
fi
"""


def fish(top: Spec) -> str:
    """For fish."""
    lines = ["# fish completion for synapse; written by `python -m synapse_cli.cli.generate`", "complete -c synapse -f"]
    commands = " ".join(child.name for child in top.children)
    for child in top.children:
        first = f"complete -c synapse -n 'not __fish_seen_subcommand_from {commands}'"
        lines.append(f"{first} -a {child.name} -d {_quoted(child.summary)}")
    for spec in walk(top)[1:]:
        seen = " ".join(f"; and __fish_seen_subcommand_from {name}" for name in spec.path[1:]).removeprefix("; and ")
        for child in spec.children:
            names = " ".join(inner.name for inner in spec.children)
            lines.append(
                f"complete -c synapse -n '{seen}; and not __fish_seen_subcommand_from {names}'"
                f" -a {child.name} -d {_quoted(child.summary)}"
            )
        lines += [_fish_flag(seen, flag) for flag in spec.flags]
    return "\n".join(lines) + "\n"


def powershell(top: Spec) -> str:
    """For PowerShell 5 and later."""
    rows = []
    for spec in walk(top):
        entries = [(child.name, child.summary) for child in spec.children]
        entries += [(name, flag.help) for flag in spec.flags for name in flag.names]
        told = "; ".join(f"{_single(name)} = {_single(text or name)}" for name, text in entries)
        rows.append(f"    {_single(' '.join(spec.path))} = [ordered]@{{ {told} }}")
    table = "\n".join(rows)
    return f"""# PowerShell completion for synapse; written by `python -m synapse_cli.cli.generate`
Register-ArgumentCompleter -Native -CommandName synapse -ScriptBlock {{
  param($wordToComplete, $commandAst, $cursorPosition)
  $table = New-Object System.Collections.Hashtable ([StringComparer]::Ordinal)
  $entries = @{{
{table}
  }}
  foreach ($key in $entries.Keys) {{ $table[$key] = $entries[$key] }}
  $path = 'synapse'
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {{
    $next = "$path $element"
    if ($table.ContainsKey($next)) {{ $path = $next }}
  }}
  foreach ($entry in $table[$path].GetEnumerator()) {{
    if ($entry.Key -clike "$wordToComplete*") {{
      [System.Management.Automation.CompletionResult]::new($entry.Key, $entry.Key, 'ParameterValue', $entry.Value)
    }}
  }}
}}
"""


SHELLS: dict[str, tuple[Callable[[Spec], str], str]] = {
    "bash": (bash, "synapse.bash"),
    "zsh": (zsh, "_synapse"),
    "fish": (fish, "synapse.fish"),
    "powershell": (powershell, "synapse.ps1"),
}
"""Shell → its writer, and the name of its file in `completions/`."""


def _zsh_function(spec: Spec) -> str:
    name = "_" + "_".join(spec.path)
    options = [line for flag in spec.flags for line in _zsh_flag(flag)]
    if not spec.children:
        body = " \\\n    ".join([*options, "'*:file:_files'"])
        return f"{name}() {{\n  _arguments -s \\\n    {body}\n}}\n"
    children = "\n      ".join(
        _single(f"{child.name}:{child.summary.replace(':', ' -')}", "'\\''") for child in spec.children
    )
    cases = "\n        ".join(f"{child.name}) {name}_{child.name} ;;" for child in spec.children)
    body = " \\\n    ".join([*options, "'1: :->command'", "'*:: :->rest'"])
    return f"""{name}() {{
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
    {body}
  case $state in
    command)
      local -a commands
      commands=(
      {children}
      )
      _describe command commands ;;
    rest)
      case $line[1] in
        {cases}
      esac ;;
  esac
}}
"""


def _zsh_flag(flag: Flag) -> list[str]:
    text = flag.help.replace("[", "(").replace("]", ")").replace(":", " -").replace("'", "'\\''")
    value = ""
    if flag.metavar:
        value = f":{flag.metavar.replace(':', ' ')}:{'_files' if flag.takes_file else ''}"
    return [f"'*{name}[{text}]{value}'" for name in flag.names]


def _fish_flag(seen: str, flag: Flag) -> str:
    names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in flag.names)
    value = "" if not flag.metavar else (" -r -F" if flag.takes_file else " -x")
    return f"complete -c synapse -n '{seen}' {names}{value} -d {_quoted(flag.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _single(text: str, escaped: str = "''") -> str:
    return "'" + text.replace("'", escaped) + "'"
