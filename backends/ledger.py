"""The fairness ledger: everything in which the lanes of a run differ, taken from the prompts that were asked.

A difference belongs to a lever (prompt, retrieval, adapter) or to none. A comparison is controlled when each
lane differs from another one in exactly one lever, so that what it gains or loses can be put down to it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from backends.types import LayerKind, Prompt

Lever = Literal["prompt", "retrieval", "adapter"]
NONE = "none"
NOT_ASKED = "not asked"
_CALLED: dict[Lever | None, str] = {
    "prompt": "the prompt",
    "retrieval": "retrieval",
    "adapter": "the adapter",
    None: "what no lever changes",
}
_TEXTS: dict[str, LayerKind] = {
    "system text": "system",
    "reasoning text": "cot",
    "worked examples": "few_shot",
}


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One thing that lanes may have in common or not. ``values`` are by lane; texts stand as the first eight
    digits of their SHA-256. ``lever`` is None for what no lever may change.
    """

    what: str
    lever: Lever | None
    values: Mapping[str, str]

    @property
    def differs(self) -> bool:
        """Whether the lanes differ in it."""
        return len(set(self.values.values())) > 1


class Ledger:
    """Collects what each lane of a run is asked with. Belongs to the run's thread."""

    def __init__(self, lanes: Sequence[str]) -> None:
        """``lanes`` are all that the run asks."""
        self.lanes = tuple(lanes)
        self._facts: dict[str, dict[str, set[str]]] = {}
        self._passages: dict[str, dict[str, tuple[int, int]]] = {}

    def note(self, lane: str, case: str, prompt: Prompt) -> None:
        """Take in one prompt; the same one twice changes nothing."""
        facts = self._facts.setdefault(lane, {})
        for what, value in _facts_of(prompt).items():
            facts.setdefault(what, set()).add(value)
        found = "\n".join(f"{passage.chunk_id}\t{passage.text}" for passage in prompt.passages)
        number = int(_digest(f"{case}\n{found}"), 16)
        self._passages.setdefault(lane, {})[case] = (len(prompt.passages), number)

    def entries(
        self, settings: Mapping[str, Mapping[str, str]], adapter_hashes: Mapping[str, str]
    ) -> tuple[LedgerEntry, ...]:
        """What was noted, the levers first. ``settings`` are facts of no lever: what, then lane, then value;
        ``adapter_hashes`` are by an adapter's key.
        """
        asked = [lane for lane in self.lanes if lane in self._facts]

        def row(what: str, lever: Lever | None) -> LedgerEntry:
            values = {lane: " or ".join(sorted(self._facts[lane][what])) for lane in asked}
            return LedgerEntry(what=what, lever=lever, values=values)

        adapters = {
            lane: " or ".join(
                f"{key} {adapter_hashes.get(key, '')[:8]}".strip()
                for key in sorted(self._facts[lane]["adapter"])
            )
            for lane in asked
        }
        passages = {lane: _passages(self._passages[lane]) for lane in asked}
        found = (
            *(row(what, "prompt") for what in (*_TEXTS, "answer form")),
            LedgerEntry(what="passages", lever="retrieval", values=passages),
            LedgerEntry(what="adapter", lever="adapter", values=adapters),
            *(
                LedgerEntry(what=what, lever=None, values={lane: of[lane] for lane in asked})
                for what, of in settings.items()
            ),
        )
        unasked = dict.fromkeys(self.lanes, NOT_ASKED)  # Its prompts could not be made.
        return tuple(replace(entry, values={**unasked, **entry.values}) for entry in found)


def differing_levers(entries: Sequence[LedgerEntry], a: str, b: str) -> frozenset[Lever | None]:
    """The levers in which two lanes differ; None among them stands for what belongs to no lever."""
    return frozenset(entry.lever for entry in entries if entry.values[a] != entry.values[b])


def is_controlled(entries: Sequence[LedgerEntry]) -> bool:
    """Whether steps of one lever each lead from any lane to any other, and nothing else differs."""
    if any(entry.lever is None and entry.differs for entry in entries):
        return False
    if not entries or NOT_ASKED in entries[0].values.values():
        return False
    lanes = list(entries[0].values)
    reached = set(lanes[:1])
    steps = [{a, b} for a, b in combinations(lanes, 2) if len(differing_levers(entries, a, b)) == 1]
    while bridges := [step for step in steps if len(step & reached) == 1]:
        reached |= set().union(*bridges)
    return reached == set(lanes)


def sentence(entries: Sequence[LedgerEntry] | None, names: Mapping[str, str]) -> str:
    """Whether what a lane gains can be put down to its lever."""
    if not entries:
        return "In what the approaches differ is known when the run has ended."
    lanes = list(entries[0].values)
    if unasked := [names[lane] for lane in lanes if entries[0].values[lane] == NOT_ASKED]:
        return f"Not controlled: no prompt could be made for {', '.join(unasked)}."
    if len(lanes) == 1:
        return "There is one approach only; nothing is compared."
    same = "Base model, number format, chat template, sampling and longest answer are the same."
    if is_controlled(entries):
        return f"Controlled: each approach differs from another one in one lever alone. {same}"
    for entry in entries:
        if entry.lever is None and entry.differs:
            return f"Not controlled: the approaches differ in something that is no lever, the {entry.what}."
    for lane in lanes[1:]:
        levers = differing_levers(entries, lanes[0], lane)
        if len(levers) > 1:
            apart = " and ".join(sorted(_CALLED[lever] for lever in levers))
            return (
                f"Not controlled: {names[lanes[0]]} and {names[lane]} differ in {apart} at once, "
                "so a gain can be put down to neither alone. Ask an approach between them too."
            )
    return "Not controlled: no two approaches differ in one lever alone."


def _facts_of(prompt: Prompt) -> dict[str, str]:
    said = {
        what: "\n".join(layer.text for layer in prompt.layers if layer.kind == kind)
        for what, kind in _TEXTS.items()
    }
    facts = {what: _digest(text) if text else NONE for what, text in said.items()}
    facts["answer form"] = f"held to schema {_digest(prompt.schema)}" if prompt.schema else "free"
    facts["adapter"] = prompt.adapter or NONE
    return facts


def _passages(by_case: Mapping[str, tuple[int, int]]) -> str:
    """How many, and a digest of which: lanes that were given the same ones say the same."""
    counts = [count for count, _ in by_case.values()]
    low, high = min(counts), max(counts)
    if high == 0:
        return NONE
    which = sum(number for _, number in by_case.values()) % (1 << 32)
    return f"{low if low == high else f'{low} to {high}'} a question {which:08x}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
