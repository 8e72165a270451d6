"""Make everything anew that follows from the base model: shipped adapters with their cards, and all tables.

Run it from the project's folder after every change of Pocket, of a scenario's examples or of training::

    python -m docs.refresh [--tables] [--jobs 2]

Trains the adapters of all scenarios (``--tables`` leaves them as they are), one thread and one scenario a
job; then measures and writes ``docs/pass_rates.md``, the table of ``backends/pocket/README.md`` and
``docs/pocket_answers.md``, whose answers a person must mark again. About an hour on two cores.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from backends.errors import LeverError
from backends.scenario import list_scenarios
from backends.settings import ROOT

CARD = ROOT / "backends" / "pocket" / "README.md"
ANSWERS, PASS_RATES = ROOT / "docs" / "pocket_answers.md", ROOT / "docs" / "pass_rates.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
"""Around the card's table."""


def run(*module: str) -> str:
    """Run one of the project's modules on one thread; gives what it printed.

    Raises:
        LeverError: it ended with an error; its own words stand above.
    """
    command = [sys.executable, "-m", *module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LEVER_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise LeverError(f"{' '.join(module)} ended with exit code {done.returncode}.")
    return done.stdout


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", action="store_true", help="train nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="scenarios trained at once")
    asked = parser.parse_args()
    if not asked.tables:
        with ThreadPoolExecutor(asked.jobs) as pool:
            list(pool.map(lambda name: run("backends.training", name), list_scenarios(own=False)))
    PASS_RATES.write_text(run("tests.benchmarks.pass_rates"), encoding="utf-8")
    table = run("tests.benchmarks.pocket_targets", "--repeats", "2", "--answers", str(ANSWERS)).strip()
    before, _, rest = CARD.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    CARD.write_text(f"{before}{BEGIN}{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
