"""What all tests of `handmade` need."""

import functools
import gc


def pytest_sessionstart():
    """Forget what an earlier session cached: mutmut forks after one without mutants."""
    for found in gc.get_objects():
        is_cache = type(found) is functools._lru_cache_wrapper
        if is_cache and found.__module__.startswith("handmade"):
            found.cache_clear()
