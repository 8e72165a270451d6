"""The store's tables as typed SQLAlchemy models; only the stores of this package read and write them.

Every change here needs a migration in ``compare/migrations/versions``; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

JsonValue = list[Any] | dict[str, Any]


class Unsigned64(TypeDecorator[int]):
    """An unsigned 64-bit seed in a signed 64-bit column (two's complement); SQL has no unsigned integers."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Fold 2**63 .. 2**64 - 1 into the negative numbers."""
        return value if value is None or value < 1 << 63 else value - (1 << 64)

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        """Unfold them."""
        return value if value is None or value >= 0 else value + (1 << 64)


class Table(DeclarativeBase):
    """What all tables share: names for constraints, so that migrations can name them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {JsonValue: JSON}  # noqa: RUF012 (SQLAlchemy's own way to say it)


class PromptVersionRow(Table):
    """The prompt texts of a scenario; only a new set of them makes a new number. ``text`` is the system's."""

    __tablename__ = "prompt_version"
    __table_args__ = (UniqueConstraint("scenario", "number"), UniqueConstraint("scenario", "text_hash"))

    id: Mapped[int] = mapped_column(primary_key=True)
    scenario: Mapped[str] = mapped_column(String(200))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    cot: Mapped[str] = mapped_column(Text, server_default="")
    few_shot: Mapped[JsonValue] = mapped_column(JSON, server_default="[]")
    schema: Mapped[str | None] = mapped_column(Text)
    text_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[str] = mapped_column(String(32))


class RunRow(Table):
    """One run: its configuration, and what produced its answers (null until the engine is ready).

    ``owner`` names the process that runs it ("host pid start"), so that another one can see that it is gone;
    ``name`` is what somebody called it, maybe nothing; ``grows``: it is a ladder. ``cases`` are those of a
    scenario run; None for a live question's, whose text is ``query``.
    """

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    scenario: Mapped[str] = mapped_column(String(200), index=True)
    query: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="")
    case_id: Mapped[str | None] = mapped_column(String(200))
    cases: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    backends: Mapped[JsonValue]
    repeats: Mapped[int]
    seed: Mapped[int] = mapped_column(Unsigned64)
    mode: Mapped[str] = mapped_column(String(8))
    sampling: Mapped[JsonValue]
    prompt_version_id: Mapped[int | None] = mapped_column(ForeignKey("prompt_version.id"))
    provenance: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    ledger: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    leakage: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    grows: Mapped[bool] = mapped_column(server_default=false())
    owner: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[str] = mapped_column(String(32), index=True)
    finished_at: Mapped[str | None] = mapped_column(String(32))

    prompt_version: Mapped[PromptVersionRow | None] = relationship()


class PromptRow(Table):
    """A prompt, once per hash of all that it says. ``rendered`` is empty when it never reached the engine."""

    __tablename__ = "prompt"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    messages: Mapped[JsonValue]
    layers: Mapped[JsonValue]
    adapter: Mapped[str | None] = mapped_column(String(400))
    schema: Mapped[str | None] = mapped_column(Text)
    rendered: Mapped[str] = mapped_column(Text)

    passages: Mapped[list["PassageRow"]] = relationship(order_by="PassageRow.number")


class PassageRow(Table):
    """A passage of a prompt; repeats share their prompt and so its passages."""

    __tablename__ = "passage"

    prompt_hash: Mapped[str] = mapped_column(ForeignKey("prompt.hash"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    chunk_id: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    cosine: Mapped[float | None]


class CallRow(Table):
    """One call. Its key contains the repeat: repeats are no copies of one answer. No case: empty text."""

    __tablename__ = "call"
    __table_args__ = (UniqueConstraint("run_id", "case_id", "backend", "repeat"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    case_id: Mapped[str] = mapped_column(String(200))
    backend: Mapped[str] = mapped_column(String(64))
    repeat: Mapped[int]
    seed: Mapped[int] = mapped_column(Unsigned64)
    status: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    prompt_hash: Mapped[str | None] = mapped_column(ForeignKey("prompt.hash"), index=True)
    timing: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    finish: Mapped[str | None] = mapped_column(String(16))
    token_ids: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    marks: Mapped[JsonValue | None] = mapped_column(JSON(none_as_null=True))
    failure_stage: Mapped[str | None] = mapped_column(String(16))
    failure_message: Mapped[str | None] = mapped_column(Text)
    failure_hint: Mapped[str | None] = mapped_column(Text)
    saved_at: Mapped[str] = mapped_column(String(32))

    prompt: Mapped[PromptRow | None] = relationship()
    checks: Mapped[list["CheckResultRow"]] = relationship(
        order_by="CheckResultRow.position", cascade="all, delete-orphan"
    )


class CheckResultRow(Table):
    """What one check found, in the order of the case's checks."""

    __tablename__ = "check_result"

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    result: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)


class EmbeddingRow(Table):
    """A sentence embedding (float32, little-endian, unit length) by the hashes of text and embedder."""

    __tablename__ = "embedding"

    text_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    embedder_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class JudgementRow(Table):
    """What a rater said of one thing of a run; ``item`` names the thing, ``lanes`` its answers as shown."""

    __tablename__ = "judgement"
    __table_args__ = (UniqueConstraint("run_id", "rater", "item"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    rater: Mapped[str] = mapped_column(String(80))
    mode: Mapped[str] = mapped_column(String(8))
    item: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[str] = mapped_column(String(200))
    repeat: Mapped[int]
    lanes: Mapped[JsonValue]
    state: Mapped[str] = mapped_column(String(8))
    scores: Mapped[JsonValue]
    choice: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str] = mapped_column(Text)
    edited: Mapped[str] = mapped_column(Text)
    gives_away: Mapped[bool]
    same: Mapped[bool]
    seconds: Mapped[float | None]
    decided_at: Mapped[str] = mapped_column(String(32))
    revealed_at: Mapped[str | None] = mapped_column(String(32))


class LookRow(Table):
    """A look at a run's question: the verdict on the answers that were there (``data`` is their hash,
    ``calls`` how many), asked by ``terms``. By other terms on the same answers it has the same ``number``.
    """

    __tablename__ = "look"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    data: Mapped[str] = mapped_column(String(64))
    calls: Mapped[int]
    terms: Mapped[JsonValue]
    kind: Mapped[str] = mapped_column(String(16))
    sentence: Mapped[str] = mapped_column(Text)
    document: Mapped[JsonValue]
    at: Mapped[str] = mapped_column(String(32))
