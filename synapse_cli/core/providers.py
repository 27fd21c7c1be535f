"""Who is asked: the provider in a model's name, the variables that hold its key, and whether it needs one."""

from __future__ import annotations

KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "ai21": ("AI21_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "azure_ai": ("AZURE_AI_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "databricks": ("DATABRICKS_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "github": ("GITHUB_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "replicate": ("REPLICATE_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
    "xai": ("XAI_API_KEY",),
}
"""By LiteLLM's names (`litellm.validate_environment`, 1.106); the first that is set is used."""

AMBIENT = frozenset({"bedrock", "bedrock_converse", "sagemaker", "vertex_ai", "watsonx", "oci"})
"""Providers whose own tools hold the credentials (profiles, roles, tokens): no key is handed to them."""

KEYLESS = frozenset({"ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm", "xinference"})
"""Servers that people run themselves, and that ask for no key unless told to."""


def provider_of(name: str | None) -> str:
    """Return the provider of `provider/id`; a bare id is OpenAI's, as for LiteLLM."""
    head, slash, _ = (name or "").partition("/")
    return head if slash else "openai"


def key_variables(provider: str) -> tuple[str, ...]:
    """Names of the variables that a provider's key is looked for in, the usual one first."""
    if provider in AMBIENT or provider in KEYLESS:
        return ()
    return KEY_VARIABLES.get(provider, (f"{provider.upper().replace('-', '_')}_API_KEY",))


def needs_key(provider: str, base_url: str | None) -> bool:
    """Whether a call without a key is pointless: not for the user's own servers and for ambient credentials."""
    return provider not in AMBIENT and provider not in KEYLESS and not is_loopback(base_url)


def is_loopback(url: str | None) -> bool:
    """Whether an address is on this machine."""
    if not url:
        return False
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdigit())
