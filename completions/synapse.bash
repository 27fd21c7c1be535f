# bash completion for synapse; written by `python -m synapse_cli.cli.generate`
# no mapfile: bash 3.2, which macOS ships, has none
_synapse_files() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -f -- "$1"))
}
_synapse() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path="synapse" words="" word i
  case "$previous" in
    --file|--grammar|--model|--output|--profile|--schema|-f|-m|-o) _synapse_files "$current"; return ;;
    --cache-ttl|--choices|--encoding|--max-cost|--max-tier|--most|--param|--route|--seed|--since|--status|--system|--tag|--task|--template|--tenant|--tier|--timeout|-n|-p|-r|-s|-t) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    case "$path" in
      "synapse"|"synapse profile"|"synapse models"|"synapse log"|"synapse cache"|"synapse completions") [[ "$word" == -* ]] || path="$path $word" ;;
    esac
  done
  case "$path" in
    "synapse") words="run explain key profile init trust models log cache doctor paths completions --version -V -h --help" ;;
    "synapse run") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --profile --seed --param --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --json --dry-run -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse explain") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --profile --seed --param --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --json --dry-run -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse key") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --profile --seed --param --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --json --dry-run -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse profile") words="init list show check path schema use -h --help" ;;
    "synapse profile init") words="--project --force --print -h --help" ;;
    "synapse profile list") words="--json --jsonl -h --help" ;;
    "synapse profile show") words="--json -h --help" ;;
    "synapse profile check") words="-h --help" ;;
    "synapse profile path") words="-h --help" ;;
    "synapse profile schema") words="-h --help" ;;
    "synapse profile use") words="--force -h --help" ;;
    "synapse init") words="--project --force --print -h --help" ;;
    "synapse trust") words="--yes -y --remove --list -h --help" ;;
    "synapse models") words="list -h --help" ;;
    "synapse models list") words="--profile --json --jsonl -h --help" ;;
    "synapse log") words="list show last search -h --help" ;;
    "synapse log list") words="-r --route -m --model --since --status -n --most --json --jsonl -h --help" ;;
    "synapse log show") words="--json -h --help" ;;
    "synapse log last") words="--json -h --help" ;;
    "synapse log search") words="-r --route -m --model --since --status -n --most --json --jsonl -h --help" ;;
    "synapse cache") words="stats list show clear prune path -h --help" ;;
    "synapse cache stats") words="--json -h --help" ;;
    "synapse cache list") words="-n --most --json --jsonl -h --help" ;;
    "synapse cache show") words="--json -h --help" ;;
    "synapse cache clear") words="-h --help" ;;
    "synapse cache prune") words="-h --help" ;;
    "synapse cache path") words="-h --help" ;;
    "synapse doctor") words="--profile --json -h --help" ;;
    "synapse paths") words="--json -h --help" ;;
    "synapse completions") words="show install -h --help" ;;
    "synapse completions show") words="-h --help" ;;
    "synapse completions install") words="-h --help" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${#COMPREPLY[@]} -gt 0 ]] || _synapse_files "$current"
}
complete -o filenames -F _synapse synapse
