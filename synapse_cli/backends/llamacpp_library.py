"""Where is llama.cpp, and what did it last complain of? Silenced, and imported on first use.

Everything of ours that calls it is written against llama-cpp-python 0.3.36, and stands in the modules `llamacpp_*`.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from synapse_cli.core.errors import EngineMissing

_ERROR_LEVEL = 3

_lock = threading.Lock()
_said: deque[str] = deque(maxlen=20)
_keep_alive: list[object] = []


def library() -> Any:  # untyped ctypes functions
    """llama_cpp's low-level module, silenced; imported on first use."""
    with _lock:
        try:
            from llama_cpp import llama_cpp
        except ImportError as error:
            raise EngineMissing(
                f"llama-cpp-python, which runs local models, is not installed ({error})",
                "pip install 'llama-cpp-python>=0.3.36,<0.4' (it compiles for about five minutes)",
            ) from error
        except (OSError, RuntimeError) as error:  # its own loader raises these where the shared library is broken
            raise EngineMissing(
                f"llama-cpp-python is installed but its library does not load: {error}",
                "pip install --force-reinstall --no-cache-dir 'llama-cpp-python>=0.3.36,<0.4'",
            ) from error
        if not _keep_alive:
            _silence(llama_cpp)
            llama_cpp.llama_backend_init()
    return llama_cpp


def forget() -> None:
    """Begin to listen anew, before a call whose failure llama.cpp explains in its log."""
    _said.clear()


def reason() -> str:
    """The most telling of llama.cpp's last error lines: the first one names the cause."""
    lines = [line.split(": ", 1)[-1] if line.startswith("llama_") else line for line in _said if line]
    return lines[0] if lines else "it does not say why"


def _silence(lib: Any) -> None:
    """Keep llama.cpp's chatter off the terminal, and its last errors for our own messages."""

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def listen(level: int, text: bytes | None, _data: object) -> None:
        if level == _ERROR_LEVEL and text:
            _said.append(text.decode("utf-8", "replace").strip())

    _keep_alive.append(listen)
    lib.llama_log_set(listen, None)
