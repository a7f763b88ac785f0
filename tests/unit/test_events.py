"""How ratings, amounts and times of any log are read."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.events import NO_OPINION, Event, confidence, normalise_rating, read_time

NUMBERS = st.floats(-1e6, 1e6)
AMOUNTS = st.floats(0, 1e308)
HALVES = st.floats(1e-6, 1e9)
MOMENT = datetime(2015, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()
MIDNIGHT = datetime(2015, 1, 2, tzinfo=timezone.utc).timestamp()


def test_an_event_leaves_open_what_is_not_known():
    event = Event("ann", "viewed", "a")
    assert (event.text, event.value, event.at, event.context) == ("", None, 0.0, {})


# -- ratings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "scale", "expected"), [(1, (1, 5), 0), (5, (1, 5), 1), (3, (1, 5), 0.5), (0.5, (0.5, 5), 0),
    (-10, (-10, 10), 0), (7, (1, 10), 2 / 3), (99, (1, 5), 1), (-1, (0, 10), 0)])  # fmt: skip
def test_a_rating_is_its_place_on_the_scale(value, scale, expected):
    assert normalise_rating(value, *scale) == pytest.approx(expected)


def test_a_scale_of_one_step_has_no_opinion():
    assert normalise_rating(5, 5, 5) == NO_OPINION


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_higher_rating_is_never_less(a, b, low, high):
    a, b = sorted((a, b))
    assert 0 <= normalise_rating(a, low, high) <= normalise_rating(b, low, high) <= 1


# -- amounts --------------------------------------------------------------------------------------------------------


@given(AMOUNTS, AMOUNTS, HALVES)
def test_confidence_grows_with_the_amount_and_is_never_one(a, b, half):
    a, b = sorted((a, b))
    assert 0 <= confidence(a, half) <= confidence(b, half) < 1


@given(HALVES)
def test_confidence_is_nothing_for_nothing_and_one_half_at_the_half(half):
    assert confidence(0, half) == confidence(-3, half) == 0
    assert confidence(half, half) == pytest.approx(0.5)


def test_confidence_is_strictly_monotone_where_logs_are():
    values = [confidence(amount, 4.5) for amount in (0, 0.1, 1, 4.5, 10, 100, 1000, 11754)]
    assert values == sorted(set(values))
    assert values[-1] == pytest.approx(math.log(11755) / math.log(5.5) / (1 + math.log(11755) / math.log(5.5)))


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1, 1000, 10**6, 10**9])
@pytest.mark.parametrize("form", [int, str, float])
def test_numbers_are_seconds_to_nanoseconds_by_their_magnitude(unit, form):
    assert read_time(form(964982703 * unit)) == 964982703


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2015-01-02T03:04:05Z", MOMENT),
        ("2015-01-02T03:04:05", MOMENT),
        ("2015-01-02 03:04:05", MOMENT),
        (" 2015-01-02 03:04:05 ", MOMENT),
        ("2015-01-02T05:04:05+02:00", MOMENT),
        ("2015-01-02T05:04:05+0200", MOMENT),
        ("2015-01-02T03:04:05.250Z", MOMENT + 0.25),
        ("20150102T030405Z", MOMENT),
        ("20150102030405", MOMENT),
        ("Fri, 02 Jan 2015 03:04:05 GMT", MOMENT),
        ("Fri Jan  2 03:04:05 2015", MOMENT),
        ("2015年1月2日 03:04:05", MOMENT),
        ("2015-01-02", MIDNIGHT),
        ("2015/01/02", MIDNIGHT),
        ("20150102", MIDNIGHT),
        (20150102, MIDNIGHT),
        ("Jan 2, 2015", MIDNIGHT),
        ("01 2, 2015", MIDNIGHT),
        ("2.1.2015", MIDNIGHT),
        ("2015年1月2日", MIDNIGHT),
        ("31/01/2015", MIDNIGHT + 29 * 86400),
        ("01/31/2015", MIDNIGHT + 29 * 86400),
        (date(2015, 1, 2), MIDNIGHT),
        (datetime(2015, 1, 2, 3, 4, 5), MOMENT),
        (datetime(2015, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))), MOMENT),
        ("1627679830.425", 1627679830.425),
        ("9.64982703e8", 964982703),
        ("0", 0),
        (-1, -1),
    ],
)
def test_texts_and_dates_are_read_and_are_utc_where_no_zone_stands(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("value", ["", " ", "yesterday", "Monday", "10:30", "nan", "inf", "NULL", "2015-02-30", "1_000", "\x00",
    "Fri, 02 Jan 2015 03:04:05 XYZ", "May", None, True, [], {}, b"1", math.nan, math.inf, 10**400, "1e400"])  # fmt: skip
def test_what_is_no_time_is_none(value):
    assert read_time(value) is None


@pytest.mark.parametrize("text", ["5/6/2015", "05-06-2015", "5/6/15 10:30"])
def test_a_date_that_could_be_read_two_ways_is_not_guessed(text):
    assert read_time(text) is None


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_every_way_to_write_a_moment_gives_the_same_second(moment):
    moment = moment.replace(microsecond=0, tzinfo=timezone.utc)
    seconds = int(moment.timestamp())
    assert read_time(seconds) == read_time(str(seconds * 1000)) == read_time(moment.isoformat()) == seconds
    assert read_time(moment.strftime("%Y-%m-%d %H:%M:%S")) == read_time(moment.strftime("%Y%m%d%H%M%S")) == seconds


@given(st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.none()))
def test_anything_at_all_is_a_number_or_none(value):
    found = read_time(value)
    assert found is None or math.isfinite(found)
