"""What produced a run's answers, as the engine says it."""

from collections.abc import Collection

from backends.engine.base import EngineStatus
from backends.errors import KnowledgeUnavailable
from backends.knowledge.documents import documents_digest
from backends.scenario import Scenario
from compare.live import Provenance
from compare.numbers import plural
from compare.versions import package_versions


def provenance_of(status: EngineStatus, adapters: Collection[str], scenario: Scenario) -> Provenance:
    """Model, device, versions and proof, those of the loaded adapters whose keys are named, and what the
    scenario knows.
    """
    return Provenance(
        model=status.model,
        model_path=status.model_path,
        base_hash=status.base_hash,
        device=status.device,
        dtype=status.dtype,
        threads=status.threads,
        adapters=tuple(adapter for adapter in status.adapters if adapter.key in adapters),
        proof=status.proof,
        proof_reason=status.proof_reason,
        versions=package_versions(),
        template_hash=status.template_hash,
        embedder_hash=status.embedder_hash,
        knowledge=knowledge_of(scenario),
    )


def knowledge_of(scenario: Scenario) -> str:
    """How passages are found, and what the documents say, in short; empty without documents or when they
    can't be read, which the lanes say.
    """
    wanted = scenario.retrieval
    try:
        digest = documents_digest(scenario.knowledge)
    except KnowledgeUnavailable:
        digest = ""
    if not digest:
        return ""
    parts = [
        f"{plural(wanted.k, 'passage')} of {wanted.chunk_tokens} tokens",
        f"{wanted.chunk_overlap} shared" if wanted.chunk_overlap else "",
        f"similarity from {wanted.min_cosine:g}",
        "words too" if wanted.keywords else "",
        f"variety {wanted.diversity:g}" if wanted.diversity else "",
        f"documents {digest[:8]}",
    ]
    return ", ".join(part for part in parts if part)
