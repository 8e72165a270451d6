"""The scenario runs of this process, so that any page can follow, pause or stop them."""

from functools import lru_cache
from threading import Lock

from backends.engine.base import Engine
from compare.plan import Plan
from compare.scenario_run import ScenarioRun, resume_scenario_run, start_scenario_run
from compare.store import Store


class ScenarioRuns:
    """A registry; any thread may use it. It forgets runs that ended when a new one begins."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[str, ScenarioRun] = {}

    def start(self, plan: Plan, *, store: Store, engine: Engine, grows: bool = False) -> ScenarioRun:
        """Begin a run; see :func:`compare.scenario_run.start_scenario_run`."""
        return self._keep(start_scenario_run(plan, store=store, engine=engine, grows=grows))

    def resume(self, run_id: str, *, store: Store, engine: Engine) -> ScenarioRun:
        """Go on with an interrupted run; see :func:`compare.scenario_run.resume_scenario_run`."""
        return self._keep(resume_scenario_run(run_id, store=store, engine=engine))

    def get(self, run_id: str) -> ScenarioRun | None:
        """The run, if it goes on in this process or ended after the last start of one."""
        with self._lock:
            return self._runs.get(run_id)

    def going(self) -> tuple[ScenarioRun, ...]:
        """Those that go on, oldest first."""
        with self._lock:
            return tuple(run for run in self._runs.values() if not run.progress().ended)

    def _keep(self, run: ScenarioRun) -> ScenarioRun:
        with self._lock:
            going = {id_: known for id_, known in self._runs.items() if not known.progress().ended}
            self._runs = {**going, run.id: run}
        return run


@lru_cache(maxsize=1)
def scenario_runs() -> ScenarioRuns:
    """The process's registry."""
    return ScenarioRuns()
