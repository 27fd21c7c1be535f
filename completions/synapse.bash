# bash completion for synapse; written by `python -m synapse_cli.cli.generate`
# no mapfile: bash 3.2, which macOS ships, has none
_synapse_files() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -f -- "$1"))
}
_synapse() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path="synapse" words="" word i
  case "$previous" in
    --against|--better|--examples|--file|--grammar|--labels|--model|--outcomes|--output|--plot|--png|--policy|--profile|--save|--schema|--similarity|--svg|--test|-f|-m|-o) _synapse_files "$current"; return ;;
    --agreement|--as|--baseline|--before|--best|--budget-share|--by|--cache-ttl|--cached|--cascade|--choices|--column|--concurrency|--confidence|--dimensions|--effort|--encoder|--encoding|--fail-under|--feedback|--field|--format|--from|--grade|--input|--jobs|--judge|--licence|--limit|--lines|--max-cost|--max-dearer|--max-latency|--max-loss|--max-size|--max-slower|--max-tier|--max-time|--max-wrong|--memory|--min|--min-accuracy|--min-apgr|--min-quality|--min-recall|--min-saved|--most|--note|--param|--prompt|--provider|--reasoning|--reject|--repeat|--route|--rubric|--seed|--sha256|--since|--state|--status|--system|--tag|--task|--teacher|--template|--tenant|--threshold|--tier|--timeout|--to|--too-long|--top|--until|--warm-up|--written|-c|-j|-n|-p|-r|-s|-t) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    case "$path" in
      "synapse"|"synapse route"|"synapse tune"|"synapse lab"|"synapse profile"|"synapse models"|"synapse budget"|"synapse prices"|"synapse shadow"|"synapse log"|"synapse telemetry"|"synapse cache"|"synapse hosts"|"synapse providers"|"synapse completions") [[ "$word" == -* ]] || path="$path $word" ;;
    esac
  done
  case "$path" in
    "synapse") words="run embed similar explain key bench route tune lab distill profile init trust models budget cost prices good bad shadow log stats trace watch telemetry cache doctor hosts providers paths completions --version -V -h --help" ;;
    "synapse run") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --max-latency --min-quality --profile --seed --param --effort --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --thinking --json --dry-run -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse embed") words="-f --file --lines --jsonl --field -m --model --format -o --output --too-long --dimensions --encoding --timeout --profile --no-host -q --quiet -h --help" ;;
    "synapse similar") words="-f --file --whole --jsonl --field -n --top --min -m --model --encoding --timeout --profile --no-host --json -q --quiet -h --help" ;;
    "synapse explain") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --max-latency --min-quality --profile --seed --param --effort --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --thinking --json --dry-run -v --verbose -q --quiet --no-color --debug --analysis -h --help" ;;
    "synapse key") words="-f --file -s --system -t --template -p --schema --choices --grammar --encoding -m --model -r --route --task --tag --tier --max-tier --local-only --hosted-only --max-latency --min-quality --profile --seed --param --effort --tenant --no-host --force --max-cost --timeout --no-cache --refresh --cache-only --cache-ttl --no-log -x --extract -o --output --stream --no-stream --thinking --json --dry-run -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse bench") words="-m --model -r --route --cascade --profile --baseline --local-only --hosted-only -f --file --column --grade --judge --rubric -s --system --schema --choices --grammar --effort --param --encoding -n --repeat --warm-up -c --concurrency --seed --timeout --max-time --max-cost --no-host --force --no-log --against --fail-under --max-slower --max-dearer --format --json --save --outcomes --no-text --resume --plot --dry-run --bars --no-bars -v --verbose -q --quiet --no-color --debug -h --help" ;;
    "synapse route") words="eval list -h --help" ;;
    "synapse route eval") words="--test --examples --reject --encoder --lexical --profile --no-host --min-accuracy --min-recall --svg --png -q --quiet --json -h --help" ;;
    "synapse route list") words="--profile --json --jsonl -h --help" ;;
    "synapse tune") words="status --outcomes --since -r --route --tenant --max-loss --min-quality --max-cost --budget-share --confidence --best --from --no-certify --lexical --encoder --seed --profile --no-host -o --output --json --svg --png -h --help" ;;
    "synapse tune status") words="--policy --profile --tenant --json -h --help" ;;
    "synapse lab") words="scorer confidence replay -h --help" ;;
    "synapse lab scorer") words="-m --model -o --output --json -h --help" ;;
    "synapse lab confidence") words="-m --model --json -h --help" ;;
    "synapse lab replay") words="--policy --best --min-saved --min-accuracy --min-apgr --max-loss --json --svg --png --profile --no-host -q --quiet -h --help" ;;
    "synapse distill") words="--from --labels --teacher --tenant --prompt --choices --profile --agreement --confidence --lexical --encoder --no-host -o --output --json -h --help" ;;
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
    "synapse models") words="list info pull add scan verify pin rollback rm prune suggest alias path -h --help" ;;
    "synapse models list") words="--profile --hosted --provider --json --jsonl -h --help" ;;
    "synapse models info") words="--memory --profile --json -h --help" ;;
    "synapse models pull") words="--sha256 -U --update --memory --as --profile --json -h --help" ;;
    "synapse models add") words="--copy -h --help" ;;
    "synapse models scan") words="--add --json --jsonl -h --help" ;;
    "synapse models verify") words="--profile --json --jsonl -h --help" ;;
    "synapse models pin") words="--memory --profile --json -h --help" ;;
    "synapse models rollback") words="--to --profile --json -h --help" ;;
    "synapse models rm") words="-y --yes --dry-run --profile -h --help" ;;
    "synapse models prune") words="--former --dry-run --json -h --help" ;;
    "synapse models suggest") words="--task --memory --licence --json --jsonl -h --help" ;;
    "synapse models alias") words="--delete --json -h --help" ;;
    "synapse models path") words="--profile -h --help" ;;
    "synapse budget") words="show raise reset -h --help" ;;
    "synapse budget show") words="--tenant --route -r --profile --json --jsonl -h --help" ;;
    "synapse budget raise") words="--until --profile -h --help" ;;
    "synapse budget reset") words="--in-doubt --yes -y --profile -h --help" ;;
    "synapse cost") words="--by --since --until --against --plot -m --model -r --route --provider --tenant --profile --json --jsonl --csv -h --help" ;;
    "synapse prices") words="show unknown update override -h --help" ;;
    "synapse prices show") words="--all --profile --json --jsonl -h --help" ;;
    "synapse prices unknown") words="--profile --json --jsonl -h --help" ;;
    "synapse prices update") words="--remove --json --jsonl -h --help" ;;
    "synapse prices override") words="--input --output --cached --written --reasoning --remove --profile -h --help" ;;
    "synapse good") words="--better --note --tenant --json -h --help" ;;
    "synapse bad") words="--better --note --tenant --json -h --help" ;;
    "synapse shadow") words="run list status clear -h --help" ;;
    "synapse shadow run") words="-n --limit --max-cost -j --jobs --retry --profile --tenant --json -h --help" ;;
    "synapse shadow list") words="--state -n --most --tenant --json --jsonl -h --help" ;;
    "synapse shadow status") words="--profile --tenant --json -h --help" ;;
    "synapse shadow clear") words="--all --tenant --json -h --help" ;;
    "synapse log") words="list show last search export prune vacuum outcomes -h --help" ;;
    "synapse log list") words="-r --route -m --model --since --status --feedback --tenant -n --most --json --jsonl -h --help" ;;
    "synapse log show") words="--tenant --json -h --help" ;;
    "synapse log last") words="--tenant --json -h --help" ;;
    "synapse log search") words="-r --route -m --model --since --status --tenant -n --most --json --jsonl -h --help" ;;
    "synapse log export") words="--since -r --route -m --model --tenant --jsonl --csv --texts -h --help" ;;
    "synapse log prune") words="--before --max-size --tenant --dry-run --json -h --help" ;;
    "synapse log vacuum") words="--json -h --help" ;;
    "synapse log outcomes") words="--since -r --route --tenant --count -h --help" ;;
    "synapse stats") words="--since --until --by -m --model -r --route --tenant --json --jsonl --csv --no-color -h --help" ;;
    "synapse trace") words="--text --full --tenant --json --no-color -h --help" ;;
    "synapse watch") words="--since --once --jsonl --profile --tenant --no-color -h --help" ;;
    "synapse telemetry") words="status test flush -h --help" ;;
    "synapse telemetry status") words="--profile --json -h --help" ;;
    "synapse telemetry test") words="--profile -h --help" ;;
    "synapse telemetry flush") words="--profile --timeout -h --help" ;;
    "synapse cache") words="stats list show clear prune path calibrate eval -h --help" ;;
    "synapse cache stats") words="--json --tenant -h --help" ;;
    "synapse cache list") words="-n --most --json --jsonl --tenant -h --help" ;;
    "synapse cache show") words="--json --tenant -h --help" ;;
    "synapse cache clear") words="--tenant -h --help" ;;
    "synapse cache prune") words="--tenant -h --help" ;;
    "synapse cache path") words="--tenant -h --help" ;;
    "synapse cache calibrate") words="--max-wrong --confidence -o --output --encoder --profile --no-host --json -h --help" ;;
    "synapse cache eval") words="--similarity --threshold --max-wrong --plot --svg --png --encoder --profile --no-host --json -h --help" ;;
    "synapse doctor") words="--profile --json -h --help" ;;
    "synapse hosts") words="list start stop restart log -h --help" ;;
    "synapse hosts list") words="--json --jsonl -h --help" ;;
    "synapse hosts start") words="--profile -h --help" ;;
    "synapse hosts stop") words="--now -h --help" ;;
    "synapse hosts restart") words="--now -h --help" ;;
    "synapse hosts log") words="-n --lines -h --help" ;;
    "synapse providers") words="list reset --profile --json --jsonl -h --help" ;;
    "synapse providers list") words="--profile --json --jsonl -h --help" ;;
    "synapse providers reset") words="--profile -h --help" ;;
    "synapse paths") words="--json -h --help" ;;
    "synapse completions") words="show install -h --help" ;;
    "synapse completions show") words="-h --help" ;;
    "synapse completions install") words="-h --help" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${#COMPREPLY[@]} -gt 0 ]] || _synapse_files "$current"
}
complete -o filenames -F _synapse synapse
