"""The corpus: an endless, seeded stream of chats with a curriculum. Deterministic in (seed, index, level).

``sample(seed, index, level)`` is one chat; ``level`` runs from 0 (one fact, much copying) to 1 (everything).
"""

import sys
from random import Random

from backends.pocket import copying, notices, reading, routing, visits, writing
from backends.pocket.chats import Chat
from backends.pocket.holdout import allowed

SEED = 20261121
"""Of the shipped model's samples."""

# task -> (weight at level 0, weight at level 1); copying comes first because reading needs it
MIXTURE = {
    reading.with_passages: (4, 60),
    copying.find_sentence: (12, 5),
    copying.look_up: (30, 8),
    copying.repeat_text: (50, 6),
    reading.without_passages: (1, 6),
    reading.reason_first: (0, 4),
    routing.route: (1, 14),
    writing.extract: (1, 6),
    writing.rewrite: (1, 4),
    writing.summarise: (0, 3),
    visits.note: (0, 10),
    notices.announce: (0, 10),
    writing.follow_format: (0, 4),
    writing.greet: (0, 0.5),
}


def sample(seed: int, index: int, level: float, pieces: tuple[str, ...] = ()) -> Chat:
    """One chat as (role, text) turns; redrawn until it holds no name or fact of a shipped scenario."""
    weights = [low + (high - low) * level for low, high in MIXTURE.values()]
    rng = Random(f"{seed}/{index}")
    while True:
        task = rng.choices(list(MIXTURE), weights)[0]
        chat = copying.repeat_text(rng, level, pieces) if task is copying.repeat_text else task(rng, level)
        if all(allowed(text) for _, text in chat):
            return chat


def main() -> None:
    """Print a few samples: ``python -m backends.pocket.corpus [count] [level]``."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    level = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    for index in range(count):
        for role, text in sample(0, index, level):
            print(f"{role:>9}  {text}")
        print()


if __name__ == "__main__":
    main()
