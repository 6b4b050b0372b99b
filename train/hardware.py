"""What the machine can do: threads and native bf16."""

from __future__ import annotations

import os
from typing import Literal

from claimwire.train.processes import local_process_count


def available_cpus() -> int:
    """Return how many processors this process may use, 1 or more."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def training_threads(wanted: int | None) -> int:
    """Return how many threads torch is to use in this process, 1 or more.

    Args:
        wanted: ``train.threads``; None: what there is, shared among the processes of a launcher.
    """
    return wanted or max(1, available_cpus() // local_process_count())


def supports_bf16() -> bool:
    """Return whether bf16 is multiplied natively here (CUDA, AMX or AVX512-BF16).

    Without native support bf16 on a CPU is emulated, and slower than fp32.
    """
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def resolve_precision(wanted: Literal["auto", "fp32", "bf16"]) -> Literal["fp32", "bf16"]:
    """Return the precision to train in; ``auto`` is bf16 where it is native."""
    if wanted == "auto":
        return "bf16" if supports_bf16() else "fp32"
    return wanted
