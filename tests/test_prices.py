"""Prices: their limits in words, and how they are kept."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from backends.errors import BadInput
from backends.settings import settings
from compare.prices import LABELS, LIMITS, Prices, load_prices, reset_prices, save_prices, usual_prices


def test_every_price_has_a_label_and_limits() -> None:
    names = [field.name for field in fields(Prices)]
    assert names == list(LABELS)
    assert set(LIMITS) == set(names)


def test_the_usual_ones_are_there_before_anything_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_prices() == (Prices(), "")
    monkeypatch.setenv("LEVER_PRICE_GPU_HOUR", "2.5")
    settings.cache_clear()
    assert load_prices() == (Prices(gpu_hour=2.5), "")


def test_what_is_kept_is_read_again_and_can_be_forgotten(own_data_folder: Path) -> None:
    own = Prices(currency="EUR", gpu_hour=0, answers_per_month=0, retraining_every_months=1.5, months=24)
    save_prices(own)
    assert load_prices() == (own, "")
    assert [path.name for path in own_data_folder.iterdir()] == ["prices.json"]
    assert reset_prices() == usual_prices() == load_prices()[0]
    assert reset_prices() == Prices()  # Nothing to forget is no error.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gpu_hour": -1}, "“An hour of the machine” can't be -1. It is at least 0."),
        ({"labelled_example": float("nan")}, "“A labelled example” is no number."),
        ({"month_of_store": float("inf")}, "“A month of vector store and index” is no number."),
        ({"gpu_hour": 2e6}, "can't be 2,000,000. It is at most 1,000,000: was it mistyped"),
        ({"months": 0}, "“Months to look at” can't be 0. It is at least 1."),
        ({"retraining_every_months": 121}, "“Months between trainings” can't be 121."),
        ({"answers_per_month": -5}, "“Answers a month” can't be -5."),
        ({"currency": " "}, "is no currency. Write a symbol"),
        ({"currency": "Dollars"}, "“Dollars” is no currency."),
    ],
)
def test_nonsense_is_refused_in_words(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        Prices(**changes)  # type: ignore[arg-type]
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "It is no list of prices."),
        ("[]", "It is no list of prices."),
        ('{"gpu_hour": "much"}', "It is no list of prices."),
        ('{"gpu_hour": null}', "It is no list of prices."),
        ('{"gpu_hour": -3}', "“An hour of the machine” can't be -3."),
        ('{"gpu_hour": NaN}', "“An hour of the machine” is no number."),
        ('{"months": 1.5}', "It is no list of prices."),
    ],
)
def test_a_broken_file_is_one_sentence_and_the_usual_prices(
    own_data_folder: Path, text: str, reason: str
) -> None:
    own_data_folder.mkdir(exist_ok=True)
    (own_data_folder / "prices.json").write_text(text)
    prices, problem = load_prices()
    assert prices == Prices()
    file = own_data_folder / "prices.json"
    assert problem.startswith(f"The prices in {file} can't be used, so these are the usual ones. {reason}")


def test_what_a_file_does_not_name_is_as_usual_and_what_it_names_besides_is_left(
    own_data_folder: Path,
) -> None:
    own_data_folder.mkdir(exist_ok=True)
    (own_data_folder / "prices.json").write_text(json.dumps({"gpu_hour": 4, "of_tomorrow": 1}))
    assert load_prices() == (Prices(gpu_hour=4.0), "")


def test_a_folder_that_can_not_be_written_to_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LEVER_DATA_DIR", str(tmp_path / "file"))
    settings.cache_clear()
    with pytest.raises(BadInput, match="The prices can't be kept: "):
        save_prices(Prices())
    assert "so these are the usual ones" in load_prices()[1]


def test_a_kept_file_holds_every_price() -> None:
    save_prices(Prices())
    kept = json.loads((settings().data_dir / "prices.json").read_text())
    assert kept == asdict(Prices())
