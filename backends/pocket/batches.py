"""From coded chats to tensors: batches of rows of like length, and the weight of each token in the loss.

Whole chats only: none is cut, none shares a row with another. Does not know where they come from.
"""

from random import Random

import torch

ROW_LIMIT = 1024
Row = tuple[list[int], list[bool]]
"""Token ids of a chat and, for each, whether the assistant wrote it."""


def batches(rows: list[Row], row_tokens: int, rng: Random) -> list[list[Row]]:
    """Rows of like length together, at least 2 and about ``row_tokens`` tokens a batch, in a drawn order.

    Rows of more than ``ROW_LIMIT`` tokens are left out, and so is a last row without a second.
    """
    rows = sorted((row for row in rows if len(row[0]) <= ROW_LIMIT), key=lambda row: len(row[0]))
    out: list[list[Row]] = []
    current: list[Row] = []
    for row in rows:
        if len(current) >= 2 and (len(current) + 1) * len(row[0]) > row_tokens:
            out.append(current)
            current = []
        current.append(row)
    if len(current) >= 2:
        out.append(current)
    rng.shuffle(out)
    return out


def padded(rows: list[Row], draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, weights), rows x width each: written tokens weigh 1, a drawn quarter of the prompts' 0.1."""
    width = -(-max(len(ids) for ids, _ in rows) // 16) * 16
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    weights = torch.zeros(len(rows), width)
    for i, (tokens, written) in enumerate(rows):
        ids[i, : len(tokens)] = torch.tensor(tokens)
        drawn = torch.rand(len(tokens), generator=draws) < 0.25
        weights[i, : len(tokens)] = torch.where(torch.tensor(written), 1.0, torch.where(drawn, 0.1, 0.0))
    return ids, weights
