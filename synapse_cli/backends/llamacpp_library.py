"""Where is llama.cpp, and what did it last complain of? Silenced, and imported on first use.

Everything of ours that calls it is written against llama-cpp-python 0.3.36, and stands in the modules `llamacpp_*`.
"""

from __future__ import annotations

import ctypes
import glob
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from synapse_cli.core.errors import EngineMissing

_WARNING_LEVEL, _ERROR_LEVEL = 3, 4
"""As ggml.h of 0.3.36 has them; the list in llama-cpp-python's own logger is of an older one."""

_lock = threading.Lock()
_said: deque[str] = deque(maxlen=20)
_keep_alive: list[object] = []
listeners: list[Callable[[str], None]] = []
"""Who else hears llama.cpp's warnings and errors: a host writes them into its log."""


def library() -> Any:  # untyped ctypes functions
    """llama_cpp's low-level module, silenced; imported on first use."""
    with _lock:
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # else a process that it ends starts a debugger first
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


def exp_sum() -> Callable[[int, int, int, float], float] | None:
    """Sum exponentials in one pass as ggml does, in half of numpy's time; None in a build that hides how."""
    library()
    import llama_cpp

    for path in glob.glob(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", "*ggml-cpu.*")):
        try:
            found = ctypes.CDLL(path).ggml_vec_soft_max_f32
        except (OSError, AttributeError):
            continue
        found.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float]
        found.restype = ctypes.c_double
        return cast("Callable[[int, int, int, float], float]", found)  # by the two lines above
    return None


def version() -> str:
    """Which llama-cpp-python this is."""
    library()
    import llama_cpp

    return str(llama_cpp.__version__)


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
        if level not in (_WARNING_LEVEL, _ERROR_LEVEL) or not text:
            return
        line = text.decode("utf-8", "replace").strip()
        if level == _ERROR_LEVEL:
            _said.append(line)
        for hear in listeners:
            hear(line)

    _keep_alive.append(listen)
    lib.llama_log_set(listen, None)
