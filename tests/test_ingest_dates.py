from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ingest.dates import Order, Reading, order_of, read_date

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
        # Zones by name and by offset
        ("2025-02-26 10:30 GMT+2", datetime(2025, 2, 26, 10, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("26 Feb 2025 10:30 (GMT+1)", datetime(2025, 2, 26, 10, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("2025-02-26 10:30 UTC+05:30", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("Wed Feb 26 2025 10:30:00 GMT+0530 (India Standard Time)", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("2025-02-26T10:30:00 Asia/Kolkata", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("Aug. 1, 2024, 5:04 p.m. ET", datetime(2024, 8, 1, 17, 4, tzinfo=timezone(timedelta(hours=-4)))),
        ("10:30 AM ET, Wed February 26, 2025", datetime(2025, 2, 26, 10, 30, tzinfo=timezone(timedelta(hours=-5)))),
        ("26 July 2025 10:30 BST", datetime(2025, 7, 26, 10, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("02/26/2025, 10:30 AM, +0000 UTC", HALF_PAST_TEN),
        # Forms that are few and far between
        ("26.II.2025", DAY),
        ("26 II 2025", DAY),
        ("5.xii.1981", date(1981, 12, 5)),
        ("26/Feb/2025:10:30:00 +0000", HALF_PAST_TEN),
        ("/Date(1740565800000)/", HALF_PAST_TEN),
        ("Feb/26/2025", DAY),
        ("26 - 02 - 2025", DAY),
        ("Feb 26 '25", DAY),
        ("Feby. 26, 1865", date(1865, 2, 26)),
        ("26 Novr. 1865", date(1865, 11, 26)),
        ("2025. 2. 26.", DAY),
        ("令和7年2月26日", DAY),
        ("平成元年2月26日", date(1989, 2, 26)),
        ("民國114年2月26日", DAY),
        ("2025-02-26 오후 5:30", datetime(2025, 2, 26, 17, 30, tzinfo=UTC)),
        ("2025년 2월 26일 오전 10:30", HALF_PAST_TEN),
        ("2025年2月26日 午後5時30分", datetime(2025, 2, 26, 17, 30, tzinfo=UTC)),
        ("26 فبراير 2025 5:30 م", datetime(2025, 2, 26, 17, 30, tzinfo=UTC)),
        ("26 Φεβρουαρίου 2025 5:30 μ.μ.", datetime(2025, 2, 26, 17, 30, tzinfo=UTC)),
        ("26 februari 2025 kl 10.30", HALF_PAST_TEN),
        ("26 בפברואר 2025", DAY),
        ("26 กุมภาพันธ์ 2568", DAY),
        ("ngày 26 tháng 2 năm 2025", DAY),
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
        # Other languages
        ("26 février 2025", DAY),
        ("Mercredi 26 FEVRIER 2025", DAY),
        ("1er mars 2025", date(2025, 3, 1)),
        ("Publié le 26 février 2025 à 10h30", HALF_PAST_TEN),
        ("26. Februar 2025", DAY),
        ("Mittwoch, den 26. Februar 2025, 10.30 Uhr", HALF_PAST_TEN),
        ("Veröffentlicht am 26.02.2025 um 10:30 Uhr", HALF_PAST_TEN),
        ("3. Jänner 2025", date(2025, 1, 3)),
        ("miércoles, 26 de febrero de 2025", DAY),
        ("26 de fevereiro de 2025", DAY),
        ("26 febbraio 2025", DAY),
        ("onsdag den 26. februar 2025 kl. 10.30", HALF_PAST_TEN),
        ("26 helmikuuta 2025", DAY),
        ("26 lutego 2025", DAY),
        ("26. února 2025", DAY),
        ("26 февраля 2025 г.", DAY),
        ("26 Şubat 2025", DAY),
        ("26 Φεβρουαρίου 2025", DAY),
        ("2025. február 26.", DAY),
        ("2025 m. vasario 26 d.", DAY),
        ("2025年2月26日", DAY),
        ("2025년 2월 26일 10:30", HALF_PAST_TEN),
        ("٢٦ فبراير ٢٠٢٥", DAY),
        # ctime and its kin, labels, the time first
        ("Wed Feb 26 10:30:00 2025", HALF_PAST_TEN),
        ("Wed Feb 26 10:30:00 +0530 2025", datetime(2025, 2, 26, 10, 30, tzinfo=INDIA)),
        ("Wed Feb 26 10:30:00 UTC 2025", HALF_PAST_TEN),
        ("Published: 26 February 2025", DAY),
        ("Posted on Feb 26, 2025", DAY),
        ("First published 10.30am, Wednesday 26 February 2025", HALF_PAST_TEN),
        ("10:30, 26 February 2025", HALF_PAST_TEN),
        ("10:30 26/02/2025", HALF_PAST_TEN),
        ("Last updated: 26 February 2025, 3 pm", datetime(2025, 2, 26, 15, tzinfo=UTC)),
        ("Mar  3 2025 12:00:00:000AM", datetime(2025, 3, 3, tzinfo=UTC)),
        ("26 Feb '25", DAY),
    ],
)
def test_read_from_words(raw, expected):
    found = read_date(raw)
    assert found == Reading(expected, True)
    assert type(found.value) is type(expected)


def test_every_month_of_unicode_s_tables_is_known():
    dates = pytest.importorskip("babel.dates")
    languages = "en fr de es it pt nl sv da nb fi is pl cs sk sl hr sr_Latn sr ru uk bg ro hu tr el lt lv et ca id ar"
    widths = [(one, ("wide", "abbreviated")) for one in languages.split()]
    for language, forms in [*widths, *((one, ("wide",)) for one in ("hi", "fa", "bn", "ur"))]:
        for width in forms:
            for context in ("format", "stand-alone"):
                for month, name in dates.get_month_names(width, context, language).items():
                    name = name.removeprefix("de ").removeprefix("d’")
                    if name[0].isdigit():
                        continue
                    found = read_date(f"26 {name} 2025")
                    if language == "hr" and found.two_ways:
                        continue
                    assert found.value == date(2025, month, 26), (language, name)


@pytest.mark.parametrize(
    ("raw", "day", "precision"),
    [
        ("2025-02", date(2025, 2, 1), "month"),
        ("02/2025", date(2025, 2, 1), "month"),
        ("Feb 2025", date(2025, 2, 1), "month"),
        ("mars 2025", date(2025, 3, 1), "month"),
        ("Ausgabe März 2025", date(2025, 3, 1), "month"),
        ("2025年2月", date(2025, 2, 1), "month"),
        (202502, date(2025, 2, 1), "month"),
        ("2025", date(2025, 1, 1), "year"),
        (2019, date(2019, 1, 1), "year"),
        ("2025-W09", date(2025, 2, 24), "week"),
        ("2025-Q2", date(2025, 4, 1), "quarter"),
        ("Q4 2025", date(2025, 10, 1), "quarter"),
        ("2016.0", date(2016, 1, 1), "year"),
    ],
)
def test_a_month_or_a_year_alone(raw, day, precision):
    assert read_date(raw) == Reading(day, True, precision)
    assert not isinstance(raw, str) or read_date(raw, prose=True).value is None


@pytest.mark.parametrize(
    "line", ["The vote of 26 February 2025 stands", "On 26 février 2025, the river rose again", "In May 2025", "10 am"]
)
def test_a_line_that_holds_a_date_is_no_date(line):
    assert read_date(line, prose=True).value is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Feb 26, 2025 10:30 IST", DAY),  # India, Israel or Ireland: the day is certain, the instant is not
        ("2025-02-26 10:30 XYZ", DAY),
        ("Feb 26, 2025, 10 a.m. IST", DAY),
        ("2025-02-26T10:30:00+25:00", DAY),
        ("Published 26 Feb 2025 | Updated 3 Mar 2025", DAY),
    ],
)
def test_read_in_part(raw, expected):
    assert read_date(raw) == Reading(expected, False)


# One order for a column


@pytest.mark.parametrize(
    ("raw", "day_first", "month_first", "unsaid"),
    [
        ("12/1/16", date(2016, 1, 12), date(2016, 12, 1), date(2016, 12, 1)),
        ("03/04/2025", date(2025, 4, 3), date(2025, 3, 4), date(2025, 3, 4)),
        ("03-04-2025", date(2025, 4, 3), date(2025, 3, 4), date(2025, 4, 3)),
        ("Posted 03/04/2025", date(2025, 4, 3), date(2025, 3, 4), date(2025, 3, 4)),
        ("11 listopada 2024", date(2024, 11, 11), date(2024, 11, 11), date(2024, 11, 11)),
    ],
)
def test_two_ways(raw, day_first, month_first, unsaid):
    assert read_date(raw) == Reading(unsaid, False, two_ways=True)
    assert read_date(raw, Order.DAY_FIRST).value == day_first
    assert read_date(raw, Order.MONTH_FIRST).value == month_first
    if day_first != month_first:
        assert read_date(raw, Order.DAY_FIRST).certain
        assert order_of(raw) == (None, True)


@pytest.mark.parametrize(
    ("raw", "order"),
    [
        ("26/02/2025", Order.DAY_FIRST),
        ("26-02-25 10:30", Order.DAY_FIRST),
        ("10:30, 26.02.2025", Order.DAY_FIRST),
        ("02/26/2025", Order.MONTH_FIRST),
        ("Wed 2/26/25", Order.MONTH_FIRST),
        ("04/04/2025", None),
        ("2025-02-26", None),
        ("26 February 2025", None),
        ("26/26/2025", None),
        (1740565800, None),
    ],
)
def test_what_a_value_proves(raw, order):
    assert order_of(raw) == (order, False)


@pytest.mark.parametrize("order", Order)
@given(st.dates(date(1970, 1, 1), date(2068, 12, 31)), st.sampled_from("/-."), st.booleans())
def test_a_column_written_in_its_order_is_read_in_it(order, day, mark, short):
    form = "%d{0}%m{0}%Y" if order is Order.DAY_FIRST else "%m{0}%d{0}%Y"
    text = day.strftime(form.format(mark).replace("%Y", "%y" if short else "%Y"))
    assert read_date(text, order) == Reading(day, True)
    assert order_of(text)[0] in (order, None)


@pytest.mark.parametrize(
    "raw",
    [
        "", "unknown", "2025-02-30", "2025-13-01", "31-02-2025", "0000-01-01", "26 February", "2 hours ago",
        "30/30/2025", "10000-01-01", "Feb 30, 2025", "2025-366", "2025-02-26T25:00:00", "Feb 26, 2025 13:30 pm",
        "26-02/2025", "9999-12-31T24:00:00Z", "2025-02-26" + " " * 100 + "x", "Feb 2025, issue 12", "pages 3-4, 2025",
        0, -1, 999, 9999, 145714, True, None, [], {}, {"$date": None}, {"$date": {"$date": {"$date": "2025-02-26"}}},
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
    value, certain, precision, _ = read_date(raw)
    assert precision in ("day", "month", "year")
    assert value is None or isinstance(value, date)
    assert value is not None or not certain
    if isinstance(value, datetime):
        assert value.tzinfo is not None


@pytest.mark.parametrize("raw", [[2025, 2, 26], {"date-parts": [[2025, "2", 26]]}, [2025, 2, 26, 0, 0, 0, 2, 57, 0]])
def test_parts_of_a_date(raw):
    assert read_date(raw).value in (DAY, datetime(2025, 2, 26, tzinfo=UTC))


@pytest.mark.parametrize("raw", [[], [2025, 2, 30], [26, 2, 2025], [2025, None], [[2025]], {"date-parts": []}])
def test_no_parts_of_a_date(raw):
    assert read_date(raw).value is None


@pytest.mark.parametrize("raw", ["45714", 45714, "45714.4375", "26-27 February 2025", "February 26/27, 2025"])
def test_what_is_guessed_is_not_certain(raw):
    found = read_date(raw)
    assert found.value in (DAY, HALF_PAST_TEN)
    assert not found.certain


@pytest.mark.parametrize("raw", ["26 Feb 2025 10:30 IST", "26 Feb 2025 10:30 BST", "26 Feb 2025 10:30 No/Where"])
def test_the_hour_of_a_zone_that_is_not_known_is_left_out(raw):
    assert read_date(raw) == Reading(DAY, False)


@pytest.mark.parametrize("raw", ["2025-W54", "2025-Q5", "26.IIX.2025", "2 hours ago", "yesterday"])
def test_no_dates(raw):
    assert read_date(raw).value is None


@pytest.mark.parametrize(
    ("raw", "order"),
    [
        ("Thursday, 03/04/2025", Order.DAY_FIRST),
        ("Tue 03/04/2025", Order.MONTH_FIRST),
        ("jeudi 03/04/2025", Order.DAY_FIRST),
        ("Di., 04.03.2025", Order.DAY_FIRST),
        ("Mon 03/04/2025", None),  # neither
        ("Report 03/04/2025", None),
    ],
)
def test_a_weekday_says_which_is_the_day(raw, order):
    assert order_of(raw)[0] is order
