"""Dates as people write them, with the present fixed: a Wednesday at noon, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import QueryError
from search.keyword.tree import And, DayRange, InstantRange
from search.query import days, duration, instant, parse

NOW = datetime(2025, 2, 26, 12, 0, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


def day(text):
    return None if text is None else date.fromisoformat(text)


def moment(text):
    return datetime.fromisoformat(text + "+00:00")


def refused(act):
    """The QueryError that a call ends in, or None."""
    try:
        act()
    except QueryError as error:
        return error
    return None


# (text, first day, last day)
PERIODS = [
    ("2025", "2025-01-01", "2025-12-31"),
    ("2025-02", "2025-02-01", "2025-02-28"),
    ("2024-02", "2024-02-01", "2024-02-29"),
    ("2025-2-6", "2025-02-06", "2025-02-06"),
    ("2025-02-26", "2025-02-26", "2025-02-26"),
    ("2025/02/26", "2025-02-26", "2025-02-26"),
    ("20250226", "2025-02-26", "2025-02-26"),
    ("0001", "0001-01-01", "0001-12-31"),
    ("9999", "9999-01-01", "9999-12-31"),
    ("9999-12-31", "9999-12-31", "9999-12-31"),
    ("Q1 2025", "2025-01-01", "2025-03-31"),
    ("q4-2024", "2024-10-01", "2024-12-31"),
    ("2025-Q2", "2025-04-01", "2025-06-30"),
    ("Feb 2025", "2025-02-01", "2025-02-28"),
    ("february-2025", "2025-02-01", "2025-02-28"),
    ("26 Feb 2025", "2025-02-26", "2025-02-26"),
    ("Sept. 9, 2024", "2024-09-09", "2024-09-09"),
    ("March 1 2024", "2024-03-01", "2024-03-01"),
    ("today", "2025-02-26", "2025-02-26"),
    ("Yesterday", "2025-02-25", "2025-02-25"),
    ("wednesday", "2025-02-26", "2025-02-26"),
    ("last wednesday", "2025-02-19", "2025-02-19"),
    ("thursday", "2025-02-20", "2025-02-20"),
    ("mon", "2025-02-24", "2025-02-24"),
    ("this week", "2025-02-24", "2025-03-02"),
    ("last week", "2025-02-17", "2025-02-23"),
    ("last-week", "2025-02-17", "2025-02-23"),
    ("this month", "2025-02-01", "2025-02-28"),
    ("last_month", "2025-01-01", "2025-01-31"),
    ("previous quarter", "2024-10-01", "2024-12-31"),
    ("this quarter", "2025-01-01", "2025-03-31"),
    ("this year", "2025-01-01", "2025-12-31"),
    ("last year", "2024-01-01", "2024-12-31"),
    ("last 7 days", "2025-02-19", "2025-02-26"),
    ("past 2 weeks", "2025-02-12", "2025-02-26"),
    ("7d", "2025-02-19", "2025-02-26"),
    ("2w", "2025-02-12", "2025-02-26"),
    ("3m", "2024-11-26", "2025-02-26"),
    ("1y", "2024-02-26", "2025-02-26"),
    ("0d", "2025-02-26", "2025-02-26"),
    ("3 days ago", "2025-02-23", "2025-02-23"),
    ("2025-02-01..2025-02-26", "2025-02-01", "2025-02-26"),
    ("2024-12..2025", "2024-12-01", "2025-12-31"),
    ("2025..", "2025-01-01", None),
    ("..2024", None, "2024-12-31"),
    ("last week..today", "2025-02-17", "2025-02-26"),
    ("7d..yesterday", "2025-02-19", "2025-02-25"),
    ("2025..2025", "2025-01-01", "2025-12-31"),
]


@pytest.mark.parametrize(("text", "first", "last"), PERIODS, ids=[text for text, _, _ in PERIODS])
def test_period(text, first, last):
    assert days(text, NOW) == (day(first), day(last))
    assert parse(f'date:"{text}"', now=NOW).constraint == DayRange(day(first), day(last))


# (query, first day, last day)
BOUNDS = [
    ("on:2025-02", "2025-02-01", "2025-02-28"),
    ("on:7d", "2025-02-19", "2025-02-19"),
    ("since:2025-02", "2025-02-01", None),
    ("since:7d", "2025-02-19", None),
    ("until:2025-02", None, "2025-02-28"),
    ("before:2025", None, "2024-12-31"),
    ("before:2025-03-01", None, "2025-02-28"),
    ("before:0001-01-02", None, "0001-01-01"),
    ("after:2025-01-01", "2025-01-02", None),
    ("after:2025-02", "2025-03-01", None),
    ("after:9999-12-30", "9999-12-31", None),
    ("date:>2024", "2025-01-01", None),
    ("date:>=2024", "2024-01-01", None),
    ("date:<2024", None, "2023-12-31"),
    ("date:<=2024", None, "2024-12-31"),
]


@pytest.mark.parametrize(("query", "first", "last"), BOUNDS, ids=[query for query, _, _ in BOUNDS])
def test_bound(query, first, last):
    assert parse(query, now=NOW).constraint == DayRange(day(first), day(last))


# (query, first instant, last instant)
INSTANTS = [
    ("since:2025-02-26T10:00Z", "2025-02-26T10:00", None),
    ("since:2025-02-26T10:00", "2025-02-26T10:00", None),
    ("since:2025-02-26T10:00+05:30", "2025-02-26T04:30", None),
    ('since:"2025-02-26 10:00 UTC"', "2025-02-26T10:00", None),
    ("before:2025-02-26T10:00Z", None, "2025-02-26T09:59:59.999999"),
    ("after:2025-02-26T10:00Z", "2025-02-26T10:01", None),
    ("after:2025-02-26T10:00:00.5Z", "2025-02-26T10:00:00.500001", None),
    ("until:2025-02-26T10:00:30Z", None, "2025-02-26T10:00:30.999999"),
    ("on:2025-02-26T10:00Z", "2025-02-26T10:00", "2025-02-26T10:00:59.999999"),
    ("date:2025-02-26T10:00:00.5Z", "2025-02-26T10:00:00.500000", "2025-02-26T10:00:00.500000"),
    ("date:6h", "2025-02-26T06:00", "2025-02-26T12:00"),
    ("since:24h", "2025-02-25T12:00", None),
    ("until:now", None, "2025-02-26T12:00"),
    ("date:2025-02-26T10:00Z..2025-02-26T11:00Z", "2025-02-26T10:00", "2025-02-26T11:00:59.999999"),
]


@pytest.mark.parametrize(("query", "first", "last"), INSTANTS, ids=[query for query, _, _ in INSTANTS])
def test_instants(query, first, last):
    expected = InstantRange(first and moment(first), last and moment(last))
    assert parse(query, now=NOW).constraint == expected


def test_a_day_and_an_instant_in_one_range():
    at = moment("2025-02-26T10:00")
    assert parse("date:2025-02-01..2025-02-26T10:00Z", now=NOW).constraint == And(
        [DayRange(date(2025, 2, 1), None), InstantRange(None, at + timedelta(minutes=1) - MICRO)]
    )
    assert parse("date:2025-02-26T10:00Z..2025-02-27", now=NOW).constraint == And(
        [InstantRange(at, None), DayRange(None, date(2025, 2, 27))]
    )
    assert days("2025-02-01..2025-02-26T10:00Z", NOW) == (date(2025, 2, 1), date(2025, 2, 26))


def test_as_of():
    end = time(23, 59, 59, 999999)
    assert instant("2025-02-26", NOW) == datetime.combine(date(2025, 2, 26), end, UTC)
    assert instant("2025", NOW) == datetime.combine(date(2025, 12, 31), end, UTC)
    assert instant("yesterday", NOW) == datetime.combine(date(2025, 2, 25), end, UTC)
    assert instant("7d", NOW) == datetime.combine(date(2025, 2, 19), end, UTC)
    assert instant("9999", NOW) == datetime.combine(date(9999, 12, 31), end, UTC)
    assert instant("2025-02-26T10:00+01:00", NOW) == moment("2025-02-26T09:00")
    assert instant("6h", NOW) == moment("2025-02-26T06:00")
    with pytest.raises(QueryError, match="not a date"):
        instant("2025..2026", NOW)


def test_today_is_the_day_where_now_is():
    late = datetime(2025, 2, 26, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert days("today", late) == (date(2025, 2, 26), date(2025, 2, 26))
    assert parse("since:1h", now=late).constraint == InstantRange(moment("2025-02-27T03:30"), None)
    assert parse("since:1h", now=datetime(2025, 2, 26, 12)).constraint == InstantRange(moment("2025-02-26T11:00"), None)


def test_a_month_back_from_its_last_day():
    assert days("1m..", datetime(2025, 3, 31, tzinfo=UTC))[0] == date(2025, 2, 28)
    assert days("1y..", datetime(2024, 2, 29, tzinfo=UTC))[0] == date(2023, 2, 28)
    assert days("last month", datetime(2025, 1, 31, tzinfo=UTC)) == (date(2024, 12, 1), date(2024, 12, 31))


@pytest.mark.parametrize("now", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("text", ["7d", "1m", "1y", "6h", "last week", "last year", "this week", "yesterday", "now"])
def test_the_ends_of_the_calendar(text, now):
    for query in (f'since:"{text}"', f'before:"{text}"', f'after:"{text}"'):
        error = refused(lambda query=query: parse(query, now=now))
        assert error is None or "0001 to 9999" in str(error)


def test_durations():
    assert duration("12h") == timedelta(hours=12)
    assert duration("30d") == timedelta(days=30)
    assert duration("2 weeks") == timedelta(days=14)
    assert duration("6m") == timedelta(days=180)
    assert duration("1y") == timedelta(days=365)
    for text in ("", "0d", "30", "d", "-1d", "1.5d", "9999999d"):
        with pytest.raises(QueryError, match="not a length of time"):
            duration(text)


@given(st.text(alphabet="0123456789-/.:TZ+ qdwmyhQ<>=lastwekmonday", max_size=24))
def test_any_text_is_a_date_or_a_query_error(text):
    for read in (days, instant):
        error = refused(lambda read=read: read(text, NOW))
        assert error is None or error.position is None or 0 <= error.position <= len(text)


@given(st.dates(), st.dates())
def test_a_range_covers_what_it_names(one, two):
    first, last = sorted((one, two))
    assert days(f"{first}..{last}", NOW) == (first, last)
    assert days(f"{first:%Y%m%d}".rjust(8, "0"), NOW) == (first, first)
