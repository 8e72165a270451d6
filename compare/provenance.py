"""What produced a run's answers, as the engine says it."""

from collections.abc import Collection

from backends.engine.base import EngineStatus
from compare.live import Provenance
from compare.versions import package_versions


def provenance_of(status: EngineStatus, adapters: Collection[str]) -> Provenance:
    """Model, device, versions and proof, and those of the loaded adapters whose keys are named."""
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
    )
