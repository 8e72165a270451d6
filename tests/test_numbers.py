"""One table: what a figure looks like to people."""

import pytest

from compare import numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.seconds(None), "–"),
        (numbers.seconds(0), "under 0.01 s"),
        (numbers.seconds(10), "0.01 s"),
        (numbers.seconds(1234), "1.23 s"),
        (numbers.seconds(9994), "9.99 s"),
        (numbers.seconds(9996), "10.0 s"),
        (numbers.seconds(61_250), "61.2 s"),
        (numbers.seconds(1_234_567), "1,235 s"),
        (numbers.count(None), "–"),
        (numbers.count(0), "0"),
        (numbers.count(1234.4), "1,234"),
        (numbers.rate(None), "–"),
        (numbers.rate(3.14), "3.1/s"),
        (numbers.rate(142.6), "143/s"),
        (numbers.loss(None), "–"),
        (numbers.loss(1.884), "1.88"),
        (numbers.coefficient(None), "–"),
        (numbers.coefficient(0.456), "0.46"),
        (numbers.coefficient(-0.2), "−0.20"),
        (numbers.coefficient(-0.001), "0.00"),
        (numbers.fused(None), "–"),
        (numbers.fused(1 / 61 + 1 / 62), "0.0325"),
        (numbers.percent(None), "–"),
        (numbers.percent(0), "0 %"),
        (numbers.percent(0.001), "1 %"),
        (numbers.percent(0.824), "82 %"),
        (numbers.percent(0.999), "99 %"),
        (numbers.percent(1), "100 %"),
        (numbers.change(0.123), "+12 points"),
        (numbers.change(-0.01), "−1 point"),
        (numbers.change(0.004), "0 points"),
        (numbers.share(7, 10), "7 of 10"),
        (numbers.plural(1, "answer"), "1 answer"),
        (numbers.size(0), "1 kB"),
        (numbers.size(133_600), "134 kB"),
        (numbers.size(30_720_000), "30.7 MB"),
        (numbers.money(None), "–"),
        (numbers.money(0), "0.00"),
        (numbers.money(1234.5), "1,234.50"),
        (numbers.money(0.0317), "0.032"),
        (numbers.money(0.00001), "under 0.0001"),
        (numbers.plural(0, "answer"), "0 answers"),
        (numbers.plural(2, "query", "queries"), "2 queries"),
    ],
)
def test_figures_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected
