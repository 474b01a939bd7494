"""What this process may use of the machine, checked before heavy libraries are imported: without it they die without a word."""

from __future__ import annotations

import resource

# Libraries reserve far more addresses than they use: reports failed at 2.5 and were made at 3.5.
LEAST_ADDRESSES = 4 << 30  # bytes


def too_little_memory() -> str:
    """Return why this process cannot work within its limit of memory, empty where it can."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed == resource.RLIM_INFINITY or allowed >= LEAST_ADDRESSES:
        return ""
    return f"this process may use {allowed >> 20} MB of addresses, and {LEAST_ADDRESSES >> 20} are needed; raise the limit with `ulimit -v unlimited`"
