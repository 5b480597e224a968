"""Charts as numbers: round axes, bands that stack to the top, columns that stand on the axis."""

from datetime import date

import pytest

from ledger.selectors.charts import (
    Series,
    Stack,
    area_chart,
    balance_chart,
    column_chart,
    line_chart,
    percent_of_box,
    round_top,
)


@pytest.mark.parametrize(
    "value, top", [(0, 1), (1, 1), (7, 8), (11, 12), (102_171_062, 120_000_000), (10**13 + 1, 12 * 10**12)]
)
def test_an_axis_ends_at_a_round_number_not_below_the_highest_value(value, top):
    assert round_top(value) == top


def test_places_are_written_with_a_point():
    assert [percent_of_box(place) for place in (0, 5, 333, 1000)] == ["0.0%", "0.5%", "33.3%", "100.0%"]


def test_bands_stack_from_the_axis_up():
    days = [date(2026, 1, 1), date(2026, 1, 6), date(2026, 1, 11)]
    chart = area_chart([Series("Sofa", 1, (60, 30, 0)), Series("Car", 2, (40, 20, 0))], days)
    assert [(band.label, band.points) for band in chart.bands] == [
        ("Sofa", "0,400 500,700 1000,1000 1000,1000 0,1000"),
        ("Car", "0,0 500,500 1000,1000 1000,1000 500,700 0,400"),
    ]
    assert [(level.at, level.value) for level in chart.levels] == [("0.0%", 100), ("50.0%", 50)]


def test_a_band_is_drawn_while_there_is_any_of_it():
    days = [date(2026, 1, day) for day in (1, 3, 5, 7, 9, 11)]
    chart = area_chart([Series("House", 1, (50, 40, 40, 40, 20, 0)), Series("Lamp", 2, (50, 0, 0, 0, 0, 0))], days)
    assert [band.points for band in chart.bands] == [
        "0,500 200,600 600,600 800,800 1000,1000 1000,1000 0,1000",
        "0,0 200,600 200,600 0,500",
    ]


def test_a_thin_band_carries_no_name():
    chart = area_chart([Series("House", 1, (990, 0)), Series("Lamp", 2, (10, 0))], [date(2026, 1, 1), date(2026, 2, 1)])
    assert [band.label_at for band in chart.bands] == ["50.5%", ""]


def test_nothing_to_show_is_no_chart():
    assert area_chart([], [date(2026, 1, 1), date(2026, 2, 1)]) is None
    assert area_chart([Series("Paid", 1, (0, 0))], [date(2026, 1, 1), date(2026, 2, 1)]) is None
    assert column_chart([]) is None


def test_columns_stand_on_the_axis_part_on_part():
    chart = column_chart([Stack("1", 60, 30, 10, 0, False), Stack("2", 50, 0, 0, 0, True)])
    assert [(block.part, block.x, block.y, block.height, block.is_future) for block in chart.blocks] == [
        ("principal", 75, 400, 600, False),
        ("interest", 75, 100, 300, False),
        ("fee", 75, 0, 100, False),
        ("principal", 575, 500, 500, True),
    ]
    assert [(label.at, label.text) for label in chart.labels] == [("25.0%", "1"), ("75.0%", "2")]


def test_a_year_near_the_end_of_the_axis_is_left_out_where_the_chart_is_narrow():
    """Twenty years, 7,305 days: 2031 begins after 1,826, 2036 after 3,652, 2041 after 5,479 of them."""
    chart = area_chart([Series("House", 1, (100, 0))], [date(2026, 1, 1), date(2046, 1, 1)])
    assert [(tick.at, tick.day.year, tick.is_crowded) for tick in chart.years] == [
        ("24.9%", 2031, False),
        ("49.9%", 2036, False),
        ("75.0%", 2041, True),
    ]


def test_a_balance_falls_in_steps_and_today_has_its_place():
    start, middle, end = date(2026, 1, 1), date(2026, 1, 6), date(2026, 1, 11)
    chart = line_chart([(start, 100), (middle, 50), (end, 0)], [(start, 100), (end, 0)], middle)
    assert (chart.planned, chart.actual, chart.today_at) == ("M0 0H500V500H1000V1000", "M0 0H1000V1000", "50.0%")
    assert line_chart([(start, 100), (end, 0)], [], date(2027, 1, 1)).today_at == ""
    assert line_chart([(start, 100)], [], start) is None


def test_a_balance_falls_and_rises_in_steps_around_zero():
    """From 60 down to 10, to 20 below zero after half the days, and up to 40: the axis reaches from 60 to -20."""
    first, last = date(2026, 1, 1), date(2026, 4, 11)  # 100 days
    points = [(first, 60), (date(2026, 1, 11), 10), (date(2026, 2, 20), -20), (date(2026, 3, 2), 40)]
    chart = balance_chart(points, last)
    assert chart.line == "M0 0H100V625H500V1000H600V250H1000"
    assert (chart.zero, chart.below) == (750, "M500 750V1000H600V750Z")
    assert [(level.at, level.value) for level in chart.levels] == [("0.0%", 60), ("100.0%", -20)]
    assert (chart.lowest_at, chart.lowest.at, chart.lowest.value, chart.lowest.day) == (
        "50.0%",
        "100.0%",
        -20,
        date(2026, 2, 20),
    )
    assert [(month.at, month.day) for month in chart.months] == [
        ("31.0%", date(2026, 2, 1)),
        ("59.0%", date(2026, 3, 1)),
    ]


def test_a_balance_that_stays_above_zero_stands_on_it():
    chart = balance_chart([(date(2026, 1, 1), 100), (date(2026, 1, 6), 30)], date(2026, 1, 11))
    assert (chart.line, chart.zero, chart.below) == ("M0 0H500V700H1000", 1000, "")
    assert [level.value for level in chart.levels] == [100]


def test_an_overdrawn_account_hangs_from_zero():
    chart = balance_chart([(date(2026, 1, 1), -10), (date(2026, 1, 6), -10)], date(2026, 1, 11))
    assert (chart.line, chart.zero, chart.below) == ("M0 1000H500V1000H1000", 0, "M0 0V1000H500V0ZM500 0V1000H1000V0Z")


@pytest.mark.parametrize("points", [[], [(date(2026, 1, 1), 5)], [(date(2026, 1, 1), 0), (date(2026, 1, 2), 0)]])
def test_a_balance_that_nothing_moves_has_no_chart(points):
    assert balance_chart(points, date(2026, 1, 11)) is None
