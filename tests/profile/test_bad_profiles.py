"""Every wrong profile is a clear error, and everything that is wrong is said at once."""

from __future__ import annotations

import os

import pytest

from synapse_cli.core.errors import Exit, ProfileError

GOOD = """
[models.nano]
backend = "llama.cpp"
source = "builtin:nano"
[models.mini]
backend = "litellm"
model = "openai/gpt-5-mini"
[cascades.thrifty]
tiers = ["nano", "mini"]
[routes.default]
use = "thrifty"
"""

# name: (the whole profile; (where, words that must be in the line) of each problem)
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "only_comments": (b"# nothing\n\n", "an empty file"),
    "binary": (b"\x7fELF\x00\x00", "a binary file"),
    "utf16": ("schema = 1\n".encode("utf-16"), "a binary file"),
    "five_megabytes": (b"# " + b"x" * 5_000_000, "more than 1 MB"),
    "bad_utf8": (b"schema = 1\nname = '\xff'\n", "line 2, column 9: found bytes that are not UTF-8"),
    "not_toml": (b"models:\n  nano: 1\n", "line 1, column 7: found wrong TOML"),
    "json": (b'{"models": {}}', "line 1, column 1: found wrong TOML"),
    "unclosed_text": (b'schema = "1\n', "line 1, column"),
    "unclosed_list": (b"schema = [1,\n", "line 1, column"),
    "duplicate_key": (b"schema = 1\nschema = 2\n", "line 2, column"),
    "duplicate_table": (b"[models]\n[models]\n", "line 2, column 8"),
    "nested_lists": (b"a = " + b"[" * 50_000, "nested too deeply"),
    "deep_tables": (b"a = " + b"{a=" * 60 + b"1" + b"}" * 60, "nested too deeply"),
    "endless_key": (b"a." * 100_000 + b"b = 1\n", "a key of a hundred parts"),
    "endless_number": (b"a = " + b"9" * 10_000, "a number of thousands of digits"),
    "nul_in_a_text": (b'a = "x\\u0000"', "a text with a NUL character"),
    "nul_in_a_key": (b'"a\\u0000" = 1', "a text with a NUL character"),
    "control_character": (b"a = 'x\x01'\n", "line 1, column"),
}

CASES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    # names and types of tables
    "typo_in_a_table": (GOOD + "[modles.x]\n", [("modles", "did you mean 'models'?")]),
    "typo_in_a_key": (GOOD + "[models.x]\nbackend='llama.cpp'\nsuorce='builtin:nano'\n",
        [("models.x.source", "found nothing"), ("models.x.suorce", "did you mean 'source'?")]),
    "model_is_text": (GOOD + "[models]\nx = 'gpt'\n".replace("[models]\n", "[models.x]\nbackend=3\n#"),
        [("models.x.backend", "expected text")]),
    "models_is_text": ("models = 'nano'\n[routes.default]\nuse='nano'\n",
        [("models", "expected a table"), ("routes.default.use", "no model or cascade")]),
    "model_is_number": ("models.x = 3\n" + GOOD, [("models.x", "expected a table")]),
    "tiers_is_text": (GOOD + "[cascades.c]\ntiers='nano'\n", [("cascades.c.tiers", "expected a list")]),
    "schema_is_text": ("schema = '1'\n" + GOOD, [("schema", "expected a whole number")]),
    "schema_is_true": ("schema = true\n" + GOOD, [("schema", "expected a whole number")]),
    "schema_is_zero": ("schema = 0\n" + GOOD, [("schema", "at least 1")]),
    "date_for_a_text": (GOOD + "[defaults]\nsystem = 2024-01-01\n", [("defaults.system", "expected text")]),
    # models
    "backend_missing": (GOOD + "[models.x]\nsource='builtin:nano'\n", [("models.x.backend", "litellm")]),
    "backend_unknown": (GOOD + "[models.x]\nbackend='lama.cpp'\n", [("models.x.backend", "did you mean 'llama.cpp'?")]),
    "source_missing": (GOOD + "[models.x]\nbackend='llama.cpp'\n", [("models.x.source", "found nothing")]),
    "source_unknown": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='x.gguf'\n",
        [("models.x.source", "file:PATH.gguf")]),
    "litellm_without_model": (GOOD + "[models.x]\nbackend='litellm'\n", [("models.x.model", "found nothing")]),
    "litellm_without_provider": (GOOD + "[models.x]\nbackend='litellm'\nmodel='gpt-5'\n",
        [("models.x.model", "provider/id")]),
    "key_of_another_backend": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\nbase_url='http://x'\n",
        [("models.x.base_url", "a key of litellm models")]),
    "context_is_text": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ncontext='4k'\n",
        [("models.x.context", "a whole number")]),
    "context_is_negative": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ncontext=-1\n",
        [("models.x.context", "at least 16")]),
    "gpu_unknown": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ngpu='cuda'\n",
        [("models.x.gpu", '"auto", "off"')]),
    "threads_is_zero": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\nthreads=0\n",
        [("models.x.threads", "at least 1")]),
    "timeout_is_negative": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ntimeout_s=-1\n",
        [("models.x.timeout_s", "above 0")]),
    "timeout_is_nan": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ntimeout_s=nan\n",
        [("models.x.timeout_s", "a finite number")]),
    "price_is_text": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nprice={input='1',output=2}\n",
        [("models.x.price.input", "dollars per million")]),
    "price_is_negative": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nprice={input=-1,output=2}\n",
        [("models.x.price.input", "dollars per million")]),
    "price_is_half": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nprice={input=1}\n",
        [("models.x.price.output", "found nothing")]),
    "base_url_without_scheme": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nbase_url='localhost:80'\n",
        [("models.x.base_url", "an address such as")]),
    "keys_is_text": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nkeys='env:A'\n",
        [("models.x.keys", "expected a list")]),
    "key_source_unknown": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nkeys=['vault:a']\n",
        [("models.x.keys[0]", "env:NAME, file:PATH")]),
    "key_command_unclosed": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nkeys=['cmd:pass \"x']\n",
        [("models.x.keys[0]", "cmd:ARGV")]),
    "header_of_two_lines": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nheaders={a=\"b\\r\\nc\"}\n",
        [("models.x.headers.a", "one line")]),
    "name_with_a_slash": (GOOD + "[models.'a/b']\nbackend='llama.cpp'\nsource='builtin:nano'\n",
        [('models."a/b"', "no slash")]),
    # parameters
    "params_is_list": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nparams=[1]\n",
        [("models.x.params", "expected a table")]),
    "param_misspelt": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nparams={temprature=1}\n",
        [("models.x.params.temprature", "did you mean 'temperature'?")]),
    "param_out_of_range": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nparams={top_p=2}\n",
        [("models.x.params.top_p", "from 0 to 1")]),
    "param_of_wrong_type": (GOOD + "[defaults]\nparams={max_tokens='many'}\n",
        [("defaults.params.max_tokens", "a whole number of at least 1")]),
    "param_that_moves_the_call": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nparams={api_base='http://e'}\n",
        [("models.x.params.api_base", "Synapse sets it itself")]),
    "param_is_nan": (GOOD + "[defaults]\nparams={temperature=nan}\n", [("defaults.params", "no nan")]),
    # cascades
    "tier_unknown": (GOOD + "[cascades.c]\ntiers=['nanoo']\n", [("cascades.c.tiers[0]", "did you mean 'nano'?")]),
    "tier_twice": (GOOD + "[cascades.c]\ntiers=['nano','nano']\n", [("cascades.c.tiers[1]", "each model once")]),
    "tier_is_cascade": (GOOD + "[cascades.c]\ntiers=['thrifty']\n", [("cascades.c.tiers[0]", "do not nest")]),
    "no_tiers": (GOOD + "[cascades.c]\naccept=[]\n", [("cascades.c.tiers", "found nothing")]),
    "no_tiers_and_a_wrong_rule": (GOOD + "[cascades.c]\ntires=['nano']\naccept=[{kind='confidence',min='x'},{}]\n",
        [("cascades.c.tiers", "found nothing"), ("cascades.c.tires", "did you mean 'tiers'?"),
         ("cascades.c.accept[0].min", "a number"), ("cascades.c.accept[1].kind", "found nothing")]),
    "empty_tiers": (GOOD + "[cascades.c]\ntiers=[]\n", [("cascades.c.tiers", "at least one")]),
    "attempts_zero": (GOOD + "[cascades.c]\ntiers=['nano']\nmax_attempts=0\n",
        [("cascades.c.max_attempts", "at least 1")]),
    "on_budget_unknown": (GOOD + "[cascades.c]\ntiers=['nano']\non_budget='panic'\n",
        [("cascades.c.on_budget", "one of 'stop', 'cheaper'")]),
    "cascade_named_like_a_model": (GOOD + "[cascades.nano]\ntiers=['nano']\n",
        [("cascades.nano", "a name of its own")]),
    "rule_is_text": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=['json']\n",
        [("cascades.c.accept[0]", "expected a table")]),
    "rule_without_kind": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{min=1}]\n",
        [("cascades.c.accept[0].kind", "the name of a check")]),
    "rule_unknown": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='confidnce',min=1}]\n",
        [("cascades.c.accept[0].kind", "did you mean 'confidence'?")]),
    "rule_misspelt_key": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='confidence',min=0.5,mn=1}]\n",
        [("cascades.c.accept[0].mn", "an unknown key")]),
    "rule_out_of_range": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='confidence',min=80}]\n",
        [("cascades.c.accept[0].min", "from 0.0 to 1.0")]),
    "rule_with_bad_regex": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='regex',pattern='('}]\n",
        [("cascades.c.accept[0].pattern", "regular expression")]),
    "rule_with_wrong_schema": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='schema',inline={type='objct'}}]\n",
        [("cascades.c.accept[0].inline", "JSON Schema")]),
    "judge_that_is_no_model": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='judge',model='nanno'}]\n",
        [("cascades.c.accept[0]", "did you mean 'nano'?")]),
    "judge_without_its_rubric": (
        GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='judge',model='nano',rubric='@no.md'}]\n",
        [("cascades.c.accept[0].rubric", "no.md")]),
    "agreement_with_nobody": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='agree'}]\n",
        [("cascades.c.accept[0].with", "how many more answers")]),
    "scorer_that_is_not_there": (
        GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='scorer',file='no.scorer',min=0.5}]\n",
        [("cascades.c.accept[0].file", "no.scorer")]),
    "calibration_that_falls": (
        GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='confidence',min=0.5,calibration=[[0,1],[1,0]]}]\n",
        [("cascades.c.accept[0].calibration", "never fall")]),
    "code_in_no_language": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='syntax',language='pyhton'}]\n",
        [("cascades.c.accept[0].language", "did you mean 'python'?")]),
    "rule_with_missing_schema_file": (GOOD + "[cascades.c]\ntiers=['nano']\naccept=[{kind='schema',file='no.json'}]\n",
        [("cascades.c.accept[0].file", "no.json")]),
    # routes
    "use_unknown": (GOOD + "[routes.r]\nuse='thirfty'\n", [("routes.r.use", "did you mean 'thrifty'?")]),
    "neither_use_nor_run": (GOOD + "[routes.r]\nsystem='x'\n", [("routes.r", "neither use nor run")]),
    "both_use_and_run": (GOOD + "[routes.r]\nuse='nano'\nrun=['wc']\n", [("routes.r", "both use and run")]),
    "run_is_text": (GOOD + "[routes.r]\nrun='wc -w'\n", [("routes.r.run", "expected a list")]),
    "run_is_empty": (GOOD + "[routes.r]\nrun=[]\n", [("routes.r.run", "a command and its arguments")]),
    "run_with_a_system_prompt": (GOOD + "[routes.r]\nrun=['wc']\nsystem='x'\n", [("routes.r.system", "for a command")]),
    "fallback_unknown": (GOOD + "[routes.r]\nuse='nano'\nfallback=['maxi']\n",
        [("routes.r.fallback[0]", "one of nano, mini")]),
    "fallback_in_a_circle": (GOOD + "[routes.r]\nuse='nano'\nfallback=['mini','nano']\n",
        [("routes.r.fallback[1]", "a cycle")]),
    "template_unknown": (GOOD + "[routes.r]\nuse='nano'\ntemplate='t'\n", [("routes.r.template", "has none")]),
    "regex_wrong": (GOOD + "[routes.r]\nuse='nano'\nwhen={regex='(a'}\n", [("routes.r.when.regex[0]", "unterminated")]),
    "when_unknown": (GOOD + "[routes.r]\nuse='nano'\nwhen={keyword='a'}\n",
        [("routes.r.when.keyword", "did you mean 'keywords'?")]),
    "when_is_empty": (GOOD + "[routes.r]\nuse='nano'\nwhen={}\n", [("routes.r.when", "no condition")]),
    "when_is_impossible": (GOOD + "[routes.r]\nuse='nano'\nwhen={prompt_over=10,prompt_under=11}\n",
        [("routes.r.when", "over 10 and under 11")]),
    "when_on_the_default": (GOOD + "when={keywords='a'}\n", [("routes.default.when", "the default route")]),
    "route_schema_missing": (GOOD + "[routes.r]\nuse='nano'\nschema='no.json'\n",
        [("routes.r.schema", "no such file")]),
    "route_schema_wrong": (GOOD + "[routes.r]\nuse='nano'\nschema={type='objct'}\n",
        [("routes.r.schema", "a wrong JSON Schema")]),
    "no_default_route": ("[models.m]\nbackend='llama.cpp'\nsource='builtin:nano'\n[routes.defualt]\nuse='m'\n",
        [("routes.default", "did you mean 'defualt'?")]),
    "default_route_unknown": (GOOD + "[defaults]\nroute='dflt'\n", [("defaults.route", "did you mean 'default'?")]),
    # templates
    "template_without_prompt": (GOOD + "[templates.t]\nsystem='x'\n", [("templates.t.prompt", "found nothing")]),
    "template_default_unused": (GOOD + "[templates.t]\nprompt='{{ tone }}'\ndefaults={tune='x'}\n",
        [("templates.t.defaults.tune", "did you mean 'tone'?")]),
    "template_default_is_number": (GOOD + "[templates.t]\nprompt='{{ n }}'\ndefaults={n=3}\n",
        [("templates.t.defaults.n", "expected text")]),
    # money, time and sizes
    "money_without_currency": (GOOD + "[budget]\nper_run='0.05'\n", [("budget.per_run", '"0.05 USD"')]),
    "money_is_number": (GOOD + "[budget]\nper_run=0.05\n", [("budget.per_run", '"0.05 USD"')]),
    "money_is_negative": (GOOD + "[budget]\nper_run='-1 USD'\n", [("budget.per_run", '"0.05 USD"')]),
    "tokens_negative": (GOOD + "[budget]\ntokens_per_run=-5\n", [("budget.tokens_per_run", "at least 1")]),
    "duration_without_unit": (GOOD + "[cache]\nttl='90'\n", [("cache.ttl", "such as 90s")]),
    "duration_is_zero": (GOOD + "[cache]\nttl='0s'\n", [("cache.ttl", "such as 90s")]),
    "size_is_number": (GOOD + "[cache]\nmax_size=500\n", [("cache.max_size", "such as 500KB")]),
    "size_is_negative": (GOOD + "[ledger]\nmax_size='-1MB'\n", [("ledger.max_size", "such as 500KB")]),
    "flag_is_text": (GOOD + "[cache]\nenabled='yes'\n", [("cache.enabled", "true or false")]),
    # what is not built yet
    "hosts_idle": (GOOD + "[hosts]\nidle='soon'\n", [("hosts.idle", "a duration")]),
    "hosts_memory": (GOOD + "[hosts]\nmax_memory=3\n", [("hosts.max_memory", "a size")]),
    "tools_not_yet": (GOOD + "[tools.t]\nrun=['x']\n", [("tools", "not yet")]),
    "limits_rpm": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nlimits={rpm=0}\n",
        [("models.x.limits.rpm", "at least 1")]),
    "limits_unknown": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nlimits={rps=3}\n",
        [("models.x.limits.rps", "one of rpm, tpm, parallel, max_wait")]),
    "limits_of_a_local_model": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\nlimits={rpm=3}\n",
        [("models.x.limits", "an unknown key")]),
    "spread": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\nspread='random'\n",
        [("models.x.spread", "'least_busy'")]),
    "deployment_weight": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ndeployments=[{weight=0}]\n",
        [("models.x.deployments[0].weight", "above 0")]),
    "deployment_unknown": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ndeployments=[{modle='a/c'}]\n",
        [("models.x.deployments[0].modle", "one of model, base_url, keys")]),
    "deployment_limits": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ndeployments=[{limits={rps=1}}]\n",
        [("models.x.deployments[0].limits.rps", "one of rpm, tpm, parallel, max_wait")]),
    "deployment_keys": (GOOD + "[models.x]\nbackend='litellm'\nmodel='a/b'\ndeployments=[{keys='env:X'}]\n",
        [("models.x.deployments[0].keys", "a list")]),
    "per_day_without_currency": (GOOD + "[budget]\nper_day=2\n", [("budget.per_day", "USD")]),
    "tenant_with_an_unknown_tier": (GOOD + "[tenants.a]\ntiers=['nono']\n",
        [("tenants.a.tiers[0]", "one of nano")]),
    "tenant_with_an_unknown_key": (GOOD + "[tenants.a]\nmodel=['nano']\n",
        [("tenants.a.model", "did you mean 'models'")]),
    "route_budget": (GOOD + "[routes.r]\nuse='nano'\nbudget={per_day='x'}\n",
        [("routes.r.budget.per_day", "USD")]),
    "breaker_rate": (GOOD + "[breaker]\nrate=2\n", [("breaker.rate", "at most 1")]),
    "retry_unknown": (GOOD + "[retry]\nattempts=2\n", [("retry.attempts", "max_attempts")]),
    "telemetry_protocol": (GOOD + "[telemetry]\nprotocol='udp'\n", [("telemetry.protocol", "'grpc'")]),
    "examples_missing": (GOOD + "[routes.r]\nuse='nano'\nexamples=['@a.txt']\n",
        [("routes.r.examples[0]", "no such file")]),
    "policy_missing": (GOOD + "[routes.r]\nuse='nano'\npolicy='p.policy'\n", [("routes.r.policy", "synapse tune")]),
    "policy_of_a_command": (GOOD + "[routes.r]\nrun=['wc']\npolicy='synapse.toml'\n",
        [("routes.r.policy", "no models to choose among")]),
    "routing_order": (GOOD + "[routing]\norder=['rules','magic']\n", [("routing.order[1]", "'semantic'")]),
    "routing_judge": (GOOD + "[routing]\njudge='nona'\n", [("routing.judge", "one of nano")]),
    "routing_explore": (GOOD + "[routing]\nexplore=0.9\n", [("routing.explore", "at most 0.5")]),
    "shadow_share": (GOOD + "[shadow]\nshare=2\n", [("shadow.share", "at most 1")]),
    "shadow_model": (GOOD + "[shadow]\nmodel='x'\n", [("shadow.model", "one of nano")]),
    "semantic_cache_on_trust": (GOOD + "[cache.semantic]\nenabled=true\n",
        [("cache.semantic.enabled", "unsafe_threshold")]),
    "semantic_cache_file": (GOOD + "[cache.semantic]\nsimilarity='s.similarity'\n",
        [("cache.semantic.similarity", "synapse cache calibrate")]),
    "semantic_cache_key": (GOOD + "[cache.semantic]\nthreshold=0.9\n",
        [("cache.semantic.threshold", "unsafe_threshold")]),
    "student_source": (GOOD + "[models.x]\nbackend='student'\nsource='x.student'\n",
        [("models.x.source", "synapse distill")]),
    "student_key": (GOOD + "[models.x]\nbackend='student'\nsource='file:x'\ngpu=1\n",
        [("models.x.gpu", "one of max_attempts")]),
    "complexity": (GOOD + "[routes.r]\nuse='nano'\nwhen={complexity=['hard']}\n",
        [("routes.r.when.complexity[0]", "'complex'")]),
    "hub_source": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='hf:a'\n", [("models.x.source", "hf:OWNER/REPO")]),
    "http_source": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='http://a/b.gguf'\n",
        [("models.x.source", "https://")]),
    "https_without_hash": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='https://a/b.gguf'\n",
        [("models.x.sha256", "the SHA-256")]),
    "short_hash": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='https://a/b.gguf'\nsha256='ab'\n",
        [("models.x.sha256", "64 hexadecimal")]),
    "hash_of_a_file": (GOOD + f"[models.x]\nbackend='llama.cpp'\nsource='file:a.gguf'\nsha256='{'0' * 64}'\n",
        [("models.x.sha256", "https: source")]),
    "encoder_of_nothing": (GOOD + "[models.x]\nbackend='encoder'\n", [("models.x", "source = a GGUF")]),
    "encoder_of_two": (GOOD + "[models.x]\nbackend='encoder'\nsource='builtin:minilm'\nmodel='a/b'\n",
        [("models.x", "source = a GGUF")]),
    "pooling": (GOOD + "[models.x]\nbackend='encoder'\nsource='builtin:minilm'\npooling='max'\n",
        [("models.x.pooling", "'mean', 'cls', 'last'")]),
    "draft_of_nobody": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ndraft='nona'\n",
        [("models.x.draft", "prompt-lookup")]),
    "draft_of_itself": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ndraft='x'\n",
        [("models.x.draft", "prompt-lookup")]),
    "draft_elsewhere": (GOOD + "[models.y]\nbackend='litellm'\nmodel='a/b'\n"
        "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\ndraft='y'\n",
        [("models.x.draft", "a model with a source")]),
    "effort": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\neffort='max'\n",
        [("models.x.effort", "'minimal'")]),
    "keep_alive": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\nkeep_alive='ever'\n",
        [("models.x.keep_alive", "a duration")]),
    "lora_without_file": (GOOD + "[models.x]\nbackend='llama.cpp'\nsource='builtin:nano'\nlora=[{scale=2}]\n",
        [("models.x.lora[0].file", "a value")]),
    # scripted models
    "scripted_misspelt": (GOOD + "[models.x]\nbackend='scripted'\nreplys=[]\n",
        [("models.x.replies", "found nothing"), ("models.x.replys", "did you mean 'replies'?")]),
    "scripted_unknown_error": (GOOD + "[models.x]\nbackend='scripted'\nreplies=[{match='',text='',error='boom'}]\n",
        [("models.x.replies[0].error", "rate_limited")]),
    # extends
    "extends_is_text": ("extends = 'base.toml'\n" + GOOD, [("extends", "a list of files")]),
    "extends_missing": ("extends = ['no.toml']\n" + GOOD, [("the file", "no such file")]),
    "extends_itself": ("extends = ['synapse.toml']\n" + GOOD, [("extends", "a cycle: synapse.toml → synapse.toml")]),
}  # fmt: skip


def problems_of(user, path) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        user.load(path, use_compiled=False)
    assert caught.value.exit_code == Exit.PROFILE
    for problem in caught.value.problems:
        assert len(str(problem).splitlines()) == 1, "an error is one line"
        assert problem.file.startswith("/"), "the file is named in full"
    return caught.value


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_profile_is_said_to_be_what_it_is(user, name):
    content, said = FILES[name]
    path = user.write("synapse.toml", content)

    error = problems_of(user, path)

    assert [said in str(problem) for problem in error.problems] == [True], error.message


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_key_path_and_what_was_expected(user, name):
    content, wanted = CASES[name]
    path = user.write("synapse.toml", content)

    error = problems_of(user, path)

    told = [(problem.where, str(problem)) for problem in error.problems]
    assert [where for where, _ in told] == [where for where, _ in wanted], error.message
    for (_, line), (_, said) in zip(told, wanted, strict=True):
        assert said in line


def test_sixty_kinds_of_mistakes_are_covered():
    assert len(FILES) + len(CASES) >= 60


def test_a_pipe_with_the_name_of_a_profile_is_refused_without_waiting_for_its_writer(user):
    os.mkfifo(user.project / "synapse.toml")

    done = user.synapse("profile", "check")  # in a process of its own, whose time is limited

    assert done.returncode == 78
    assert "found something that is not a regular file" in done.stderr


def test_a_folder_or_nothing_is_said_to_be_that(user):
    folder = user.project / "folder.toml"
    folder.mkdir()

    assert "found a directory" in problems_of(user, folder).message
    assert "found no such file" in problems_of(user, user.project / "missing.toml").message


def test_every_mistake_of_a_file_is_said_at_once_in_the_order_of_the_file(user):
    cases = [(text.removeprefix(GOOD), said) for text, said in CASES.values() if text.startswith(GOOD + "[cascades.c]")]
    wanted = []
    text = GOOD
    for number, (body, said) in enumerate(cases):
        text += body.replace("cascades.c]", f"cascades.c{number}]")
        wanted += [f"cascades.c{number}"] * len(said)
    assert len(wanted) > 10

    error = problems_of(user, user.write("synapse.toml", text))

    assert [".".join(problem.where.split(".")[:2]) for problem in error.problems] == wanted


def test_each_file_of_a_chain_is_named_with_its_own_mistakes(user):
    base = user.write("base.toml", GOOD + "[cache]\nttl = 'soon'\n")
    path = user.write("synapse.toml", "extends = ['base.toml']\n[budget]\nper_run = 'cheap'\n")

    error = problems_of(user, path)

    assert {(problem.file, problem.where) for problem in error.problems} == {
        (str(base), "cache.ttl"),
        (str(path), "budget.per_run"),
    }


def test_a_pasted_key_is_never_shown(user):
    canary = "sk-proj-canary-0123456789"
    text = (
        GOOD
        + f"""
[models.x]
backend = "litellm"
model = "openai/x"
keys = ["{canary}", "env:{canary}"]
headers = {{ Authorization = "Bearer {canary}\\n" }}
base_url = "https://me:{canary}@example.org/v1"
"""
    )
    path = user.write("synapse.toml", text)

    error = problems_of(user, path)
    process = user.synapse("profile", "check", str(path))

    assert len(error.problems) == 4
    assert canary not in error.message + error.hint + process.stdout + process.stderr


def test_a_profile_of_a_newer_schema_is_followed_and_says_so(user):
    path = user.write("synapse.toml", "schema = 7\n" + GOOD)

    profile = user.load(path)

    assert [("schema 7" in warning) for warning in profile.warnings] == [True]


@pytest.mark.parametrize("command", [("profile", "check"), ("run", "hello", "--profile")])
def test_the_real_command_exits_78_without_a_traceback(user, command):
    text = GOOD + "[cache]\nttl = 'soon'\n[budget]\nper_run = 1\n"
    path = user.write("synapse.toml", text)

    done = user.synapse(*command, str(path))

    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.count("\n") == 2
    assert "cache.ttl" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["binary", "five_megabytes", "bad_utf8", "empty", "endless_key"])
def test_the_real_command_survives_files_that_are_no_profiles(user, name):
    user.write("synapse.toml", FILES[name][0])

    done = user.synapse("run", "hello")

    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    assert FILES[name][1].split(":")[0] in done.stderr


def test_control_characters_in_a_profile_never_reach_the_terminal(user):
    """The message of Python's own regular expressions quotes the pattern as it is."""
    path = user.write("synapse.toml", GOOD + '[routes.r]\nuse = "nano"\nwhen = { regex = "(?P\\u001b[2K)" }\n')

    error = problems_of(user, path)

    assert "unknown extension ?P?" in error.message
    assert "\x1b" not in error.message
