"""A database that is opened at its first use, and the two ways to talk to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from compare.database import open_database, store_errors
from compare.records import mark_interrupted


class OpenedDatabase:
    """One database. Any thread may use it; every use may raise ``StoreUnavailable``."""

    def __init__(self, url: str) -> None:
        """``url`` is SQLAlchemy's, such as ``sqlite:////data/lever.db``; nothing is touched yet."""
        self.url = url
        self._engine: Engine | None = None
        self._opening = Lock()

    def open(self) -> None:
        """Open and migrate the database now, and mark the runs of processes that are gone as interrupted."""
        with self._opening:
            if self._engine is None:
                engine = open_database(self.url)
                try:
                    with store_errors(), _writing(engine) as session:
                        mark_interrupted(session)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine

    def close(self) -> None:
        """Let go of all connections; the next use opens it again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def describe(self) -> str:
        """The address without a password."""
        try:
            return make_url(self.url).render_as_string(hide_password=True)
        except Exception:
            return "an address that can't be understood"

    @contextmanager
    def _write(self) -> Iterator[Session]:
        self.open()
        assert self._engine is not None
        with store_errors(), _writing(self._engine) as session:
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        self.open()
        assert self._engine is not None
        with store_errors(), Session(self._engine) as session:
            yield session


@contextmanager
def _writing(engine: Engine) -> Iterator[Session]:
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        yield session
