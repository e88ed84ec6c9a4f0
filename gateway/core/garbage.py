"""The garbage collector and what it need not look at."""

import gc


def freeze() -> None:
    """Have the collector pass over all that lives now: what is there after the start mostly lives to the end."""
    gc.collect()
    gc.freeze()
