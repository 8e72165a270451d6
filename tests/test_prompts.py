from hypothesis import given
from hypothesis import strategies as st

from backends.prompts import build_prompt, split_layers, supervised_example
from backends.scenario import FewShot, load_scenario
from backends.types import Layer, Passage

TEXT = st.text(min_size=1, max_size=80)


def passage(number: int, source: str, text: str) -> Passage:
    return Passage(number=number, source=source, chunk_id=f"{source}#{number}", text=text, cosine=0.5)


def test_passages_stand_numbered_and_attributed_before_the_question():
    scenario = load_scenario("support-facts")
    prompt = build_prompt(
        scenario,
        "What does Pro cost?",
        passages=[passage(1, "warranty.md", "Two\nyears."), passage(2, "pricing.md", "49 euros.")],
    )
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert prompt.messages[0].content == scenario.system_prompt
    assert prompt.messages[1].content == (
        "[1] (warranty.md) Two years.\n[2] (pricing.md) 49 euros.\n\nQuestion: What does Pro cost?"
    )


def test_without_passages_the_user_turn_is_the_bare_query():
    prompt = build_prompt(load_scenario("support-facts"), "What does Pro cost?")
    assert prompt.messages[1].content == "What does Pro cost?"
    assert [layer.kind for layer in prompt.layers] == ["system", "query"]


def test_an_edited_system_text_replaces_the_scenarios_and_an_empty_one_leaves_the_turn_out():
    scenario = load_scenario("support-facts")
    assert build_prompt(scenario, "Hello?", system="Be brief.").messages[0].content == "Be brief."
    assert [message.role for message in build_prompt(scenario, "Hello?", system="").messages] == ["user"]


@given(
    query=TEXT,
    texts=st.lists(TEXT, max_size=3),
    system=st.text(max_size=40),
    cot=st.text(max_size=20),
    shots=st.lists(st.builds(FewShot, user=TEXT, assistant=TEXT), max_size=2),
)
def test_layers_joined_are_the_messages_joined(query, texts, system, cot, shots):
    passages = [passage(number, "a.md", text) for number, text in enumerate(texts, 1)]
    prompt = build_prompt(
        load_scenario("support-facts"), query, system=system, cot=cot, few_shot=shots, passages=passages
    )
    assert "".join(layer.text for layer in prompt.layers) == "".join(m.content for m in prompt.messages)


@given(text=TEXT)
def test_a_passage_can_not_imitate_the_lines_around_it(text):
    prompt = build_prompt(load_scenario("support-facts"), "Hello?", passages=[passage(1, "a.md", text)])
    assert prompt.messages[-1].content.splitlines()[0].startswith("[1] (a.md)")
    block, _, rest = prompt.messages[-1].content.partition("\n\n")
    assert "\n" not in block
    assert rest == "Question: Hello?"


def test_training_sees_exactly_the_prompt_that_serving_sends():
    scenario = load_scenario("support-facts")
    passages = [passage(1, "warranty.md", "Two years.")]
    turns = supervised_example(scenario, "How long?", "Two years [1].", passages=passages)
    assert turns[:-1] == build_prompt(scenario, "How long?", passages=passages).messages
    assert (turns[-1].role, turns[-1].content) == ("assistant", "Two years [1].")


@given(query=TEXT, before=st.text(max_size=20), after=st.text(max_size=20))
def test_split_layers_loses_nothing_of_the_rendered_prompt(query, before, after):
    layers = build_prompt(load_scenario("support-facts"), query).layers
    rendered = before + after.join(layer.text for layer in layers) + after
    assert "".join(piece.text for piece in split_layers(rendered, layers)) == rendered


def test_split_layers_names_what_stands_between_as_template():
    layers = (Layer(kind="system", text="Be brief."), Layer(kind="query", text="Hello?"))
    pieces = split_layers("<s>Be brief.<u>Hello?<a>", layers)
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("template", "<s>"),
        ("system", "Be brief."),
        ("template", "<u>"),
        ("query", "Hello?"),
        ("template", "<a>"),
    ]
