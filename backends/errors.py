"""Every error that Lever raises on purpose, and the one boundary that turns any error into a record.

The tree::

    LeverError                 a sentence for a person, a hint, and the stage that it belongs to
    ├── BadInput               the person can mend it: empty query, unknown scenario (exit code 2)
    ├── ModelUnavailable       no model, no safetensors, not a causal chat model
    ├── AdapterRefused         missing, for another base, or of a kind that would change the shared base
    ├── KnowledgeUnavailable   no documents, no embedding model, a damaged index
    ├── StoreUnavailable       the database can't be opened, read or written
    ├── EngineStopped          the engine's thread is gone or refuses work (proof failed)
    ├── ServerUnavailable      the server that answers can't be reached, wants another key, or broke off
    ├── RequestRefused         the server that answers does not take this call
    └── PromptTooLong          the prompt leaves no room in the model's context
"""

from backends.types import Failure, Stage


class LeverError(Exception):
    """An expected failure. ``message`` is one clear sentence; ``hint`` says what to do next."""

    stage: Stage = "engine"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class BadInput(LeverError):
    """The person can mend it."""

    stage: Stage = "prepare"


class ModelUnavailable(LeverError):
    """There is no usable base model."""


class AdapterRefused(LeverError):
    """An adapter is missing, unsafe, or belongs to another base."""

    stage: Stage = "prepare"


class KnowledgeUnavailable(LeverError):
    """Retrieval can't be done."""

    stage: Stage = "retrieve"


class StoreUnavailable(LeverError):
    """The database can't be used."""

    stage: Stage = "store"


class EngineStopped(LeverError):
    """The engine takes no work."""


class ServerUnavailable(LeverError):
    """The server that answers can't be used, or not for this call; another try may work."""


class RequestRefused(LeverError):
    """The server that answers does not take this call, and would not a second time."""

    stage: Stage = "prefill"


class PromptTooLong(LeverError):
    """The prompt does not fit the model's context."""

    stage: Stage = "prefill"


def as_failure(error: BaseException, stage: Stage) -> Failure:
    """Turn any exception into the record that its lane shows; unexpected ones keep their type's name."""
    if isinstance(error, LeverError):
        return Failure(stage=error.stage, message=error.message, hint=error.hint)
    if isinstance(error, MemoryError):
        hint = "Ask for fewer repeats or tokens."
        return Failure(stage=stage, message="The machine ran out of memory.", hint=hint)
    return Failure(stage=stage, message=f"Something broke here: {type(error).__name__}: {error}")
