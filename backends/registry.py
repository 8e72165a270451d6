"""The one list of all backends."""

from functools import lru_cache

from backends.base import Backend
from backends.controls import LongContext, Oracle, Shuffled
from backends.cot import ChainOfThought
from backends.few_shot import FewShotPrompt
from backends.hybrid import Hybrid
from backends.json_mode import JsonMode
from backends.lora import Lora
from backends.lora_short import LoraShort
from backends.prompt_only import PromptOnly
from backends.rag import Rag
from backends.zero_shot import ZeroShot


@lru_cache(maxsize=1)
def registry() -> dict[str, Backend]:
    """All backends by name, from cheap to dear, controls last. Adding one is adding a line here."""
    backends: tuple[Backend, ...] = (
        ZeroShot(),
        PromptOnly(),
        FewShotPrompt(),
        ChainOfThought(),
        JsonMode(),
        LongContext(),
        Rag(),
        Lora(),
        LoraShort(),
        Hybrid(),
        Oracle(),
        Shuffled(),
    )
    return {backend.name: backend for backend in backends}
