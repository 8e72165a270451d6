"""What retrieval knows: the documents of a scenario, how they are found, how well, and what a change does."""

from ui.knowledge_documents import documents
from ui.knowledge_drill import drill
from ui.knowledge_index import index_state
from ui.retrieval_measured import retrieval_measured
from ui.retrieval_try import try_retrieval
from ui.scenario_parts import choose_part, choose_scenario
from ui.shell import require_shell

PARTS = {
    "Documents": documents,
    "Try retrieval": try_retrieval,
    "How well it finds": retrieval_measured,
    "When a fact changes": drill,
}

require_shell()

scenario = choose_scenario("knowledge", "its documents can be changed here")
part = choose_part("knowledge", PARTS)
index_state(scenario)
PARTS[part](scenario)
