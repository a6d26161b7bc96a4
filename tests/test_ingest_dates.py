from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ingest.dates import Reading, read_date

INDIA = timezone(timedelta(hours=5, minutes=30))
DAY = date(2025, 2, 26)
HALF_PAST_TEN = datetime(2025, 2, 26, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # ISO 8601
        ("2025-02-26", DAY),
        (" 2025-02-26\n", DAY),
        ("2025-2-6", date(2025, 2, 6)),
        ("2025/02/26", DAY),
        ("20250226", DAY),
        ("2025-W09-3", DAY),
        ("2025W093", DAY),
        ("2025-057", DAY),
        ("2025-02-26T10:30:00Z", HALF_PAST_TEN),
        ("2025-02-26t10:30:00z", HALF_PAST_TEN),
        ("2025-02-26T10:30", HALF_PAST_TEN),
        ("2025-02-26 10:30:00", HALF_PAST_TEN),
        ("2025-02-26 10:30:00 UTC", HALF_PAST_TEN),
        ("20250226T103000Z", HALF_PAST_TEN),
        ("2025-02-26T10:30:00+05:30", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("2025-02-26T10:30:00+0530", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("2025-02-26 10:30:00 +05:30", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("2025-02-26T10:30:00.250Z", datetime(2025, 2, 26, 10, 30, 0, 250_000, tzinfo=UTC)),
        ("2025-02-26T10:30:00.123456789Z", datetime(2025, 2, 26, 10, 30, 0, 123_456, tzinfo=UTC)),
        ("2025-02-26T00:00:00", datetime(2025, 2, 26, tzinfo=UTC)),
        ("2025-02-26T24:00:00Z", datetime(2025, 2, 27, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01", date(1, 1, 1)),
        ("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        ("9999-12-31T23:59:59-12:00", datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12)))),
        ("2050-06-01", date(2050, 6, 1)),
        # RFC 2822 and months by name
        ("Wed, 26 Feb 2025 10:30:00 GMT", HALF_PAST_TEN),
        ("26 Feb 2025 10:30:00 -0000", HALF_PAST_TEN),
        ("Wed, 26 Feb 25 05:30:00 EST", datetime(2025, 2, 26, 5, 30, tzinfo=timezone(-timedelta(hours=5)))),
        ("Wed, 26 Feb 2025 16:00:00 +0530 (IST)", datetime(2025, 2, 26, 16, 0, tzinfo=INDIA)),
        ("26 February 2025", DAY),
        ("26th of February, 2025", DAY),
        ("26-Feb-2025", DAY),
        ("Feb 26, 2025", DAY),
        ("Feb. 26 2025", DAY),
        ("February 26th, 2025", DAY),
        ("Wednesday, February 26, 2025", DAY),
        ("SEPT 3, 2024", date(2024, 9, 3)),
        ("Feb 26, 2025, 10:30 AM", HALF_PAST_TEN),
        ("Feb 26, 2025 at 10:30 a.m. UTC", HALF_PAST_TEN),
        ("26 February 2025 | 12:05 pm".replace(" |", ","), datetime(2025, 2, 26, 12, 5, tzinfo=UTC)),
        ("26 February 2025, 12:05 am", datetime(2025, 2, 26, 0, 5, tzinfo=UTC)),
        # Numbers with a hyphen or a full stop: day first
        ("26-02-2025", DAY),
        ("03-04-2025", date(2025, 4, 3)),
        ("26.02.2025", DAY),
        ("26.2.25", DAY),
        ("02-26-2025", DAY),
        ("26-02-2025 10:30", HALF_PAST_TEN),
        # Numbers with a slash that can be read in one way
        ("26/02/2025", DAY),
        ("02/26/2025", DAY),
        ("1/21/18", date(2018, 1, 21)),
        ("4/4/17", date(2017, 4, 4)),
        ("12/31/69", date(1969, 12, 31)),
        # Numbers
        (1740565800, HALF_PAST_TEN),
        ("1740565800", HALF_PAST_TEN),
        (1740565800000, HALF_PAST_TEN),
        (1740565800000000, HALF_PAST_TEN),
        (1740565800000000000, HALF_PAST_TEN),
        (1740565800.5, datetime(2025, 2, 26, 10, 30, 0, 500_000, tzinfo=UTC)),
        (-1000000000, datetime(1938, 4, 24, 22, 13, 20, tzinfo=UTC)),
        (20250226, DAY),
        ("20250226103000", HALF_PAST_TEN),
        # MongoDB
        ({"$date": "2025-02-26T10:30:00Z"}, HALF_PAST_TEN),
        ({"$date": {"$numberLong": "1740565800000"}}, HALF_PAST_TEN),
    ],
)
def test_read_with_certainty(raw, expected):
    found = read_date(raw)
    assert found == Reading(expected, True)
    assert type(found.value) is type(expected)
    if isinstance(expected, datetime):
        assert found.value.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12/1/16", date(2016, 12, 1)),  # month first, as all 18 slash dates of a 20,000-article sample have it
        ("9/6/17", date(2017, 9, 6)),
        ("03/04/2025", date(2025, 3, 4)),
        ("Feb 26, 2025 10:30 IST", DAY),  # India, Israel or Ireland: the day is certain, the instant is not
        ("2025-02-26 10:30 XYZ", DAY),
        ("2025-02-26T10:30:00+25:00", DAY),
    ],
)
def test_read_with_doubt(raw, expected):
    assert read_date(raw) == Reading(expected, False)


@pytest.mark.parametrize(
    "raw",
    [
        "", "unknown", "2025", "2025-02", "Feb 2025", "202502", "2025-02-30", "2025-13-01", "31-02-2025", "0000-01-01",
        "30/30/2025", "10000-01-01", "Feb 30, 2025", "2025-366", "2025-02-26T25:00:00", "Feb 26, 2025 13:30 pm",
        "26-02/2025", "9999-12-31T24:00:00Z", "2025-02-26" + " " * 100 + "x",
        0, -1, 2019, 45714, 201902, True, None, [], {}, {"$date": None}, {"$date": {"$date": {"$date": "2025-02-26"}}},
        float("nan"), float("inf"), 10**30, -(10**21), "９" * 30,
    ],
)  # fmt: skip
def test_not_a_date(raw):
    assert read_date(raw) == Reading(None, False)


@given(st.datetimes(timezones=st.sampled_from([UTC, INDIA, timezone(-timedelta(hours=11))])))
def test_what_python_writes_is_read_back(moment):
    assert read_date(moment.isoformat()) == Reading(moment, True)
    assert read_date(moment.date().isoformat()) == Reading(moment.date(), True)


@given(st.text(max_size=60) | st.from_regex(r"[0-9TZ:/.+ -]{0,40}", fullmatch=True) | st.floats() | st.integers())
def test_anything_is_read_or_not_without_an_error(raw):
    value, certain = read_date(raw)
    assert value is None or isinstance(value, date)
    assert value is not None or not certain
    if isinstance(value, datetime):
        assert value.tzinfo is not None
