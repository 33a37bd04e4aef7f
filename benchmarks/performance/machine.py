"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import torch


def describe() -> str:
    """Processor, cores, memory, system and versions, in one sentence."""
    processor, flags = platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        text = info.read_text()
        names = re.findall(r"model name\s*: (.*)", text)
        processor = names[0] if names else processor
        flags = next(iter(re.findall(r"flags\s*: (.*)", text)), "")
    wide = [word for word, flag in (("AVX-512", "avx512f"), ("bfloat16 products", "avx512_bf16"), ("AMX", "amx_tile"))
            if flag in flags.split()]  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    made_of = (
        f"{processor} ({', '.join(wide) or 'no wide vectors'}), {os.cpu_count()} cores, {memory:.0f} GiB"
    )
    versions = f"{platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    return f"{made_of}, {torch.get_num_threads()} threads; {versions}"
