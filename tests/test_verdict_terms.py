"""The terms of a verdict on the screen: they count when they are used, and stay while one reads elsewhere."""

from streamlit.testing.v1 import AppTest

from compare.terms import Terms

COSTS = {"prompt": 0.2, "rag": 0.1}


def opened() -> AppTest:
    def page() -> None:
        import streamlit as st

        from ui.verdict_terms import choose_terms, terms_of

        lanes = tuple(st.session_state.lanes)
        asked = terms_of if st.session_state.elsewhere else choose_terms
        st.session_state.terms = asked("lamps", lanes, st.session_state.costs)

    page = AppTest.from_function(page, default_timeout=60)
    page.session_state["lanes"], page.session_state["costs"] = ["prompt", "rag"], COSTS
    return there(page, elsewhere=False)


def there(page: AppTest, *, elsewhere: bool) -> AppTest:
    page.session_state["elsewhere"] = elsewhere
    page.run()
    assert not page.exception
    return page


def use(page: AppTest) -> Terms:
    page.button(key="terms_lamps_use").click().run()
    assert not page.exception
    return page.session_state["terms"]


def test_terms_count_once_they_are_used() -> None:
    page = opened()
    page.slider(key="terms_lamps_bar").set_value(60).run()
    assert page.session_state["terms"] == Terms()
    page.slider(key="terms_lamps_bar").set_value(60)
    assert use(page) == Terms(bar=0.6)
    assert page.slider(key="terms_lamps_bar").value == 60


def test_all_terms_stay_while_another_part_is_read() -> None:
    page = opened()
    page.slider(key="terms_lamps_gain").set_value(7)
    page.segmented_control(key="terms_lamps_confidence").set_value(0.9)
    page.segmented_control(key="terms_lamps_way").set_value("My own")
    page.multiselect(key="terms_lamps_placed").set_value(["rag", "prompt"])
    used = use(page)
    assert used == Terms(gain=0.07, confidence=0.9, order=("rag", "prompt"))
    assert there(page, elsewhere=True).session_state["terms"] == used
    assert there(page, elsewhere=False).session_state["terms"] == used
    assert use(page) == used  # The form says so too.
    page.session_state["lanes"] = ["prompt", "rag", "lora"]
    assert there(page, elsewhere=False).session_state["terms"].order == ("rag", "prompt", "lora")
    assert use(page).order == ("rag", "prompt", "lora")


def test_the_measured_order_counts_while_every_cost_is_known() -> None:
    page = opened()
    page.segmented_control(key="terms_lamps_way").set_value("As measured here")
    assert use(page).order == ("rag", "prompt")
    page.session_state["costs"] = {**COSTS, "rag": None}
    assert there(page, elsewhere=False).session_state["terms"].order == ()
    page.session_state["costs"] = COSTS
    assert there(page, elsewhere=False).session_state["terms"].order == ("rag", "prompt")
