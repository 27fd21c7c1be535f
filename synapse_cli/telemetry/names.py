"""Which names do spans and metrics have? All of OpenTelemetry's that Synapse uses, with their version, and its own.

The `gen_ai.*` names left the core conventions with 1.42.0 and live in open-telemetry/semantic-conventions-genai, all
of them still "development". That repository has no numbered release and no schema URL of its own (looked at on
2026-11-21, as of 2026-10): the version below is the core's, which it refers to.
"""

from __future__ import annotations

VERSION = "1.44.0"
SCHEMA_URL = f"https://opentelemetry.io/schemas/{VERSION}"
GEN_AI_AS_OF = "2026-10"
"""The state of semantic-conventions-genai that the names below are taken from."""

# --- gen_ai: spans ---

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
WORKFLOW = "gen_ai.workflow.name"
DIMENSIONS = "gen_ai.embeddings.dimension.count"
OUTPUT_TYPE = "gen_ai.output.type"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT = "gen_ai.usage.input_tokens"
USAGE_OUTPUT = "gen_ai.usage.output_tokens"
USAGE_CACHE_CREATION = "gen_ai.usage.cache_creation.input_tokens"
USAGE_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
USAGE_REASONING = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_SCORE = "gen_ai.evaluation.score.value"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  # a name, no secret

REQUEST_PARAMS = {
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "top_k": ("gen_ai.request.top_k", float),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "max_completion_tokens": ("gen_ai.request.max_tokens", int),
    "seed": ("gen_ai.request.seed", int),
}
"""Synapse's parameter → attribute and type; `stop` becomes the list below."""
REQUEST_STOP = "gen_ai.request.stop_sequences"

CHAT = "chat"
EMBEDDINGS = "embeddings"
INVOKE_WORKFLOW = "invoke_workflow"

FINISH_REASONS = {"stop": "stop", "length": "length", "refusal": "content_filter", "tool_calls": "tool_call"}
"""Synapse's word → the one of the output messages' schema."""

PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""LiteLLM's name of a provider → the conventions' where they differ; others keep their name."""

# --- core ---

ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"

# --- gen_ai: metrics, with the buckets that the conventions advise ---

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105  # a name, no secret
OPERATION_DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
WORKFLOW_DURATION = "gen_ai.workflow.duration"

TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
SECOND_BUCKETS = tuple(round(0.01 * 2**power, 2) for power in range(14))
WORKFLOW_BUCKETS = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)

# --- Synapse's own, for what the conventions lack ---

RUN = "synapse.run.id"
ROUTE = "synapse.route"
TENANT = "synapse.tenant"
PROFILE = "synapse.profile.hash"
EXIT_CODE = "synapse.exit_code"
ACCEPTED = "synapse.accepted"
CACHED = "synapse.cached"
MEMO_OF = "synapse.memo.of"
COST = "synapse.cost_usd"
SAVED = "synapse.saved_usd"
CONFIDENCE = "synapse.confidence"
TOKENS_ESTIMATED = "synapse.usage.estimated"
TIER = "synapse.tier"
MODEL = "synapse.model"
OUTCOME = "synapse.outcome"
REASON = "synapse.reason"
DECISION_SOURCE = "synapse.decision.source"
DECISION_WHY = "synapse.decision.why"
CHECK = "synapse.check.rule"
CHECK_EVALUATED = "synapse.check.evaluated"
ESCALATION_FROM = "synapse.escalation.from"
ESCALATION_TO = "synapse.escalation.to"
WAIT = "synapse.wait_s"

SPAN_DECISION = "synapse.decision"
SPAN_ATTEMPT = "synapse.attempt"
SPAN_CHECK = "synapse.check"
SPAN_TEST = "synapse.test"
EVENT_ESCALATION = "synapse.escalation"
EVENT_WAITING = "synapse.waiting"

METRIC_RUNS = "synapse.runs"
METRIC_COST = "synapse.cost"
METRIC_SAVED = "synapse.saved"
METRIC_ESCALATIONS = "synapse.escalations"
METRIC_CHECKS = "synapse.checks"
METRIC_TESTS = "synapse.tests"
