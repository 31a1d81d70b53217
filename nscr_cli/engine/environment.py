"""What a run writes down of where it ran, for who reads its report elsewhere; it names neither a person nor a host."""

import os
import platform
import sys


def environment() -> dict[str, str]:
    """Python, operating system and how many processors this process may use."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processors": str(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1),
    }
