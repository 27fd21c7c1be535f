#!/bin/sh
# Show the main job, offline: real answers of the embedded model, one climb that finds no key, and the record of it all.
# Everything happens in a temporary home; keys and profiles of your own are not seen and not touched.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=$(command -v synapse) || { echo "demo: there is no synapse on PATH; run \`make demo\`" >&2; exit 1; }
home=$(mktemp -d) || exit 1
trap 'synapse hosts stop --now >/dev/null 2>&1; rm -rf "$home"' EXIT INT TERM
cd "$here" || exit 1

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else bold='' dim='' plain=''; fi

# An environment with nothing in it but what a shell needs: no key, no profile.
synapse() { env -i PATH="$PATH" HOME="$home" LANG=C.UTF-8 TERM="${TERM:-dumb}" COLUMNS="${COLUMNS:-80}" "$bin" "$@"; }
heading() { printf '\n%s%s%s\n\n' "$bold" "$1" "$plain"; }
shown() { printf '%s$ %s%s\n' "$dim" "$1" "$plain"; }
# One answer before the line it is about; a star where the model was not sure of it.
labelled() {
  while IFS= read -r line; do
    if label=$(printf '%s\n' "$line" | synapse run --local-only "$@" 2>/dev/null); then mark=' '; else mark='*'; fi
    printf '  %-9s%s %s\n' "$label" "$mark" "$line"
  done
}

heading "1. Label support tickets, on this machine"
shown '… | synapse run --choices billing,bug,… "Classify this ticket"'
labelled --choices "billing,bug,shipping,account,praise" "Classify this ticket" < tickets.txt

heading "2. Judge log lines, with the labels named in the prompt"
shown '… | synapse run "How severe is this log line: info, warning or error?"'
labelled "How severe is this log line: info, warning or error?" < log.txt
printf '\n%s  * not sure (exit code 65): in a cascade such a line climbs to the next tier%s\n' "$dim" "$plain"

heading "3. Find a field"
shown 'synapse run --profile offline "Extract the order number" < mail.txt'
synapse run --profile offline "Extract the order number" < mail.txt

heading "4. Ask what a tiny model cannot know: it climbs, and the next tier has no key"
shown 'synapse run "Why did the Hanseatic League decline?"; echo "exit code $?"'
synapse run "Why did the Hanseatic League decline?" 2>&1 >/dev/null | sed 's/^/  /'
code=$(synapse run "Why did the Hanseatic League decline?" >/dev/null 2>&1; echo $?)
printf '  exit code %s\n' "$code"

heading "5. Ask the first one again: nothing is computed twice"
first=$(head -n 1 tickets.txt)
shown 'head -n 1 tickets.txt | synapse run --choices billing,bug,… "Classify this ticket"'
printf '%s\n' "$first" | labelled --choices "billing,bug,shipping,account,praise" "Classify this ticket"

heading "6. Add an encoder, which labels by likeness: it is asked first from now on"
shown 'synapse models pull minilm'
synapse models pull minilm 2>&1 | sed 's/^/  /'
shown '… | synapse run --choices billing,bug,… "Classify this ticket"'
labelled --choices "billing,bug,shipping,account,praise" "Classify this ticket" < tickets.txt

heading "7. Every run is in the ledger"
shown 'synapse log list'
if [ -t 1 ]; then synapse log list -n 0; else synapse log list -n 0 | cut -f 1,3-; fi

printf '\n%sNext: `synapse init` writes a profile from your keys and models; see `synapse run -h`.%s\n' "$dim" "$plain"
case $code in 65 | 77) exit 0 ;; *) echo "demo: expected the last question to find no key, and it ended with $code" >&2; exit 1 ;; esac
