"""Open the store's database: its folder, SQLite's settings for concurrent writing, its tables up to date.

SQLite runs in WAL mode with ``synchronous=NORMAL``: a killed process loses nothing that was committed.
Transactions that write begin with ``BEGIN IMMEDIATE``, so that two writers wait for each other instead of
failing half-way.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from backends.errors import StoreUnavailable
from compare.migrations import HEAD

BUSY_S = 30
"""How long a writer waits for another one before it gives up, in seconds."""
MIGRATION_LOCK = 7_021_955
"""PostgreSQL's advisory lock of whoever migrates."""
HINT = "LEVER_DATABASE_URL names another database, LEVER_DATA_DIR another data folder."

_migrating = Lock()


def open_database(url: str) -> Engine:
    """An engine on the database, its tables at the newest version; two processes may do it at once.

    Raises:
        StoreUnavailable: it can't be opened, read or migrated; one sentence and the settings that help.
    """
    with store_errors():
        try:
            parsed = make_url(url)
            _make_folder(parsed)
            engine = create_engine(parsed, connect_args={"timeout": BUSY_S} if _is_sqlite(parsed) else {})
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise StoreUnavailable("The database address can't be understood.", HINT) from error
        if _is_sqlite(parsed):
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        try:
            _migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    return engine


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what a database can raise into one sentence.

    Raises:
        StoreUnavailable: instead of any error of the database or the file system.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreUnavailable(_sentence(error), HINT) from error


def _sentence(error: BaseException) -> str:
    said = str(getattr(error, "orig", None) or error)
    known = {
        "disk is full": "The disk is full, so the answer could not be stored.",
        "No space left": "The disk is full, so the answer could not be stored.",
        "readonly": "The database can only be read, not written.",
        "unable to open": "The database file can't be opened.",
        "Permission denied": "The data folder can't be written.",
        "Read-only file system": "The data folder can't be written.",
        "not a database": "The database file is not a database, or it is damaged.",
        "malformed": "The database file is damaged.",
        "locked": f"Another program has kept the database locked for {BUSY_S} seconds.",
    }
    for part, sentence in known.items():
        if part in said:
            return sentence
    return f"The database can't be used ({' '.join(said.split())})."


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _make_folder(url: URL) -> None:
    if _is_sqlite(url) and url.database and url.database != ":memory:" and not url.query.get("uri"):
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _set_up_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # sqlite3 would begin transactions by itself, and late; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    with _migrating:
        if engine.dialect.name == "sqlite":
            _use_wal(engine)
        with engine.connect() as connection:
            if _version(connection) == HEAD:
                return
        with engine.execution_options(writes=True).begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            version = _version(connection)
            if version is not None and version > HEAD:
                raise StoreUnavailable("The database was written by a newer Lever than this one.", HINT)
            if version != HEAD:
                _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _use_wal(engine: Engine) -> None:
    # The change of mode does not wait for other connections as other statements do, so it is tried again:
    # taking and leaving the write lock waits for whoever is in the way.
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        for attempt in range(50):
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or attempt == 49:
                    raise
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("ROLLBACK")
        cursor.close()
    finally:
        connection.close()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
