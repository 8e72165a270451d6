"""``ratings``: what people said of a run; written to a file, or taken over from one."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from backends.errors import BadInput
from compare.command import Outcome
from compare.numbers import plural
from compare.rating_facts import criteria_of
from compare.rating_files import ratings_csv, ratings_jsonl, read_ratings
from compare.ratings import ALL, agreement, leaderboard, left_wins, mean_scores, votes_of
from compare.store import store


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    command = commands.add_parser("ratings", help="what people said of a run's answers")
    command.add_argument("run_id", metavar="RUN")
    command.add_argument("--out", type=Path, metavar="FILE", help="write all judgements: .csv or .jsonl")
    command.add_argument("--take", type=Path, metavar="FILE", help="take judgements over from such a file")
    return command


def run(options: argparse.Namespace) -> Outcome:
    """Take over, write, and sum up.

    Raises:
        BadInput: there is no such run, or a file can't be read or written.
    """
    kept = store()
    stored = kept.stored_run(options.run_id)
    said = []
    if options.take:
        new, known = kept.keep_judgements(read_ratings(_bytes(options.take)))
        said.append(f"{plural(new, 'new judgement')}, {known:,} known already")
    found = kept.judgements(stored.id)
    if options.out:
        write = ratings_jsonl if options.out.suffix.lower() == ".jsonl" else ratings_csv
        try:
            options.out.write_bytes(write(found, stored))
        except OSError as error:
            raise BadInput(f"The file {options.out} can't be written: {error.strerror or error}.") from error
        said.append(f"{options.out}: {plural(len(found), 'judgement')}")
    groups = {case.id: case.group or case.id for case in stored.plan.cases}
    document: dict[str, object] = {"run_id": stored.id, "judgements": len(found), **_figures(found, groups)}
    for lane, criteria in document["scores"].items():  # type: ignore[attr-defined]
        told = ", ".join(f"{name} {one['mean']:.2f}" for name, one in criteria.items())
        said.append(f"{lane:14}{told}")
    said += [
        f"{row['backend']:14}preferred {100 * row['preferred']:.0f} %, rank {row['rank'] or '-'}"
        for row in document["leaderboard"]  # type: ignore[attr-defined]
    ]
    return Outcome(document=document, text="\n".join(said) or "Nobody has judged this run yet.")


def _figures(found: tuple, groups: Mapping[str, str]) -> dict[str, object]:  # type: ignore[type-arg]
    votes = votes_of(found)
    place = left_wins(votes)
    done = [one for one in found if one.state == "done"]
    return {
        "raters": sorted({one.rater for one in done}),
        "scores": {
            lane: {
                name: {"mean": one.value, "interval": [one.low, one.high], "cases": one.cases}
                for name, one in criteria.items()
            }
            for lane, criteria in mean_scores(found, groups).items()
        },
        "alpha": {name: agreement(found, name) for name in (*criteria_of(done), ALL)},
        "alpha_choices": agreement(found),
        "leaderboard": [
            {
                "backend": one.lane,
                "preferred": one.preferred,
                "interval": [one.low, one.high],
                "rank": one.rank if one.enough else None,
                "wins": one.wins,
                "ties": one.ties,
                "losses": one.losses,
            }
            for one in leaderboard(votes, groups)
        ],
        "first_won": {"part": place.part, "whole": place.whole, "interval": [place.low, place.high]},
    }


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"The file {path} can't be read: {error.strerror or error}.") from error
