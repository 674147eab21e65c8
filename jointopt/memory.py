"""Memory that a step frees is kept for the next one.

glibc hands large freed blocks back to the system, and each step then gets them anew, page by page: some 3,000 page
faults a step of the document's model, a quarter of its time in the lab's thread. Kept, they cost about 10 MB.
"""

import ctypes

# malloc.h; blocks up to the first size come from the heap, whose free end is kept up to the second. One heap for all
# threads: those of other threads are small pieces, handed back as soon as one is empty, whatever is to be kept.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX = -3, -1, -8
LARGEST_BLOCK, KEPT = 32 << 20, 256 << 20  # bytes


def keep_freed_memory() -> bool:
    """Tell glibc's malloc, for this process. False where there is none (macOS, Windows, musl): nothing is done."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wishes = ((M_MMAP_THRESHOLD, LARGEST_BLOCK), (M_TRIM_THRESHOLD, KEPT), (M_ARENA_MAX, 1))
    return all(mallopt(option, value) == 1 for option, value in wishes)
