"""Has the C library give back what is freed: a server's memory is then what it holds, not what it once held.

glibc raises the size from which a block has pages of its own as soon as one such block is freed, so that the 4 MiB of
a manifest end up in a heap that later small blocks keep from shrinking, and gives each thread a heap. Measured with
200 uploads, 50 streams and manifests of 4 MiB read by 56 clients: 250 MiB without this, 150 with it.
"""

import ctypes

# From malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

LARGE_BLOCK = 128 * 1024
HEAPS = 2


def give_back_freed_memory() -> bool:
    """Set the allocator's limits for this process, and say whether it has such: other C libraries do without."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    limits = {_M_ARENA_MAX: HEAPS, _M_MMAP_THRESHOLD: LARGE_BLOCK, _M_TRIM_THRESHOLD: LARGE_BLOCK}
    return all(mallopt(name, value) == 1 for name, value in limits.items())
