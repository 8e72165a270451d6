"""The process's one engine: on this machine, or over a server where ``LEVER_ENGINE_URL`` names one."""

import threading
from functools import lru_cache

from backends.engine.base import Engine
from backends.settings import settings

_building = threading.Lock()


@lru_cache(maxsize=1)
def _build() -> Engine:
    import atexit

    built = _for_settings()
    atexit.register(built.stop)
    return built


def _for_settings() -> Engine:
    if settings().engine_url:
        from backends.engine.remote import RemoteEngine

        return RemoteEngine(settings())
    from backends.engine.local import LocalEngine

    return LocalEngine(settings(), preload_embedder=True)


def engine() -> Engine:
    """The process's engine, built at the first call from :func:`settings`; not started by this."""
    with _building:
        return _build()


def stop_engine() -> None:
    """Stop the process's engine, if there is one. Programs call it before they end.

    At the interpreter's own end it is too late: a library that is just being imported on the engine's thread
    fails then, and says so.
    """
    with _building:
        if _build.cache_info().currsize:
            _build().stop()
