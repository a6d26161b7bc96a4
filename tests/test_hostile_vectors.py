"""Vector parts made by a stranger, with checksums that agree: each is refused, and none crashes or misleads."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.errors import ArchiveDamaged
from search.storage.container import MAGIC, open_part, write_part
from search.storage.verified import file_hash
from search.vector import lists

from .forgery import forged

WORDS = ["storm", "coast", "harbour", "minister", "vote", "budget", "strike", "river", "bridge", "school"]
LEAST, MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(lists, "SMALLEST", 100)


def article(number):
    first, second = WORDS[number % 10], WORDS[number // 10 % 10]
    return Article(
        id=f"a{number}", title=f"{first} {number}", text=f"The {first} and the {second}. " * (1 + number % 4)
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """An archive of one segment with inverted lists."""
    path = tmp_path_factory.mktemp("sound") / "archive"
    with pytest.MonkeyPatch.context() as patch, Archive.open(path, create=True, model="hash") as archive:
        patch.setattr(lists, "SMALLEST", 100)
        archive.add([article(number) for number in range(150)])
        assert archive.check() == []
    return path


@pytest.fixture
def path(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "archive")
    return tmp_path / "archive"


def forge(path, name, change):
    """Change one array, or one fact of the meta, and let the catalog vouch for the file."""
    (file,) = path.glob("segments/*/vectors.part")
    part = open_part(file, "vectors")
    arrays, meta = part.arrays(), dict(part.meta)
    assert "centroids" in arrays
    if name in meta:
        meta[name] = change(meta[name])
    else:
        arrays[name] = change(np.array(arrays[name]))
    file.unlink()
    write_part(file, "vectors", arrays, meta)
    vouch(path, file)


def vouch(path, file):
    with forged(path) as connection:
        ((parts,),) = connection.execute("SELECT parts FROM segments").fetchall()
        parts = json.loads(parts)
        parts["vectors"].update(size=file.stat().st_size, sha256=file_hash(file))
        connection.execute("UPDATE segments SET parts = ?", (json.dumps(parts),))


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


def swapped(array):
    array[[0, -1]] = array[[-1, 0]]
    return array


def reader(path):
    with Archive.open(path) as archive:
        archive.search("storm", mode="vector", limit=50)


def writer(path):
    with Archive.open(path) as archive:
        archive.add([article(1000)])


def merger(path):
    with Archive.open(path) as archive:
        archive.delete(["a1"])
        archive.optimize()


CRAFTED = [
    ("passage_starts", put(1, 10**6)),
    ("passage_starts", put(slice(1, 3), [MOST, -2])),  # whose differences wrap around to positive ones
    ("passage_starts", put(0, -1)),
    ("passage_starts", lambda a: a.reshape(1, -1)),
    ("passage_starts", lambda a: np.array(7)),
    ("starts", put(3, -4)),
    ("starts", put(3, 10**6)),
    ("ends", put(3, -1)),
    ("key_passages", put(0, 2**32 - 1)),
    ("key_passages", put(0, 1)),
    ("key_high", swapped),
    ("key_low", lambda a: a[:-1]),
    ("vectors", lambda a: a[:-1]),
    ("vectors", lambda a: a.reshape(-1)),
    ("vectors", lambda a: a.astype(np.float32)),
    ("vectors", lambda a: np.array(1, np.float16)),
    ("vectors", lambda a: np.empty((0, 2**40), np.float16)),
    ("vectors", lambda a: np.empty((len(a), 0), np.float16)),
    ("centroids", lambda a: a[:0]),
    ("centroids", lambda a: a[:, :-1]),
    ("centroids", lambda a: a.astype(np.float16) * np.float16(np.nan)),
    ("centroids", lambda a: np.array(1, np.uint8)),
    ("codes", lambda a: a[:-1]),
    ("codes", lambda a: a.reshape(-1)),
    ("codes", lambda a: a[:, :8]),
    ("list_starts", put(slice(1, 3), [MOST, -2])),
    ("list_starts", put(2, LEAST)),
    ("list_starts", put(-1, 10**12)),
    ("list_starts", put(0, 5)),
    ("list_starts", lambda a: a[:0]),
    ("list_articles", put(5, -1)),
    ("list_articles", put(5, 10**9)),
    ("list_articles", put(5, LEAST)),
    ("list_articles", swapped),  # within the bounds, and yet others' passages
    ("list_articles", put(slice(None), 0)),
    ("list_passages", put(5, 2**32 - 1)),
    ("list_passages", put(slice(None), 0)),
    ("list_passages", swapped),
    ("scale", lambda _: float("nan")),
    ("scale", lambda _: 0),
    ("scale", lambda _: [1]),
    ("trained", lambda _: -1),
    ("trained", lambda _: 10**400),
]


@pytest.mark.parametrize(("name", "change"), CRAFTED)
@pytest.mark.parametrize("use", [reader, writer, merger])
def test_a_crafted_part_is_refused_by_all_who_open_it(path, name, change, use):
    forge(path, name, change)
    with pytest.raises(ArchiveDamaged):
        use(path)
    with Archive.open(path) as archive:
        assert archive.check() != []


@pytest.mark.parametrize("name", [name for name, _ in CRAFTED[-4:]])
def test_only_what_was_changed_is_refused(path, name):
    """The forging itself is not what the other tests notice."""
    forge(path, name, lambda value: value)
    with Archive.open(path) as archive:
        assert archive.search("storm", mode="vector", limit=50).hits
        assert archive.check() == []


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("codes", put((slice(None), 0), 255), "whose codes are not those of the vectors"),
        ("scale", lambda scale: scale * 2, "whose codes are not those of the vectors"),
        ("ends", put(3, 10**6), "a passage of row 4 lies outside its text"),
        ("vectors", put((7, 3), np.nan), "one of which is not of norm 1"),
        ("vectors", put((7, 3), 60_000), "one of which is not of norm 1"),
    ],
)
def test_doctor_compares_vectors_with_codes_and_passages_with_texts(path, name, change, said):
    forge(path, name, change)
    with Archive.open(path) as archive:
        assert any(said in problem for problem in archive.check())


def test_a_vector_that_is_no_number_never_becomes_a_score(path):
    forge(path, "vectors", put(slice(None), np.nan))
    with Archive.open(path) as archive, pytest.raises(ArchiveDamaged, match="not a number"):
        archive.search("storm", mode="vector")


def test_a_part_is_looked_at_once_for_each_state_of_its_file(path, monkeypatch):
    looked = []
    monkeypatch.setattr("search.engine.session.check_part", lambda part: looked.append(part) or True)
    forge(path, "scale", lambda value: value)
    for _ in range(2):
        reader(path)
    assert sorted(part.kind for part in looked) == ["columns", "furniture", "keyword", "stories", "vectors"]


def headers():
    """What may stand in a container's header, beside what its writer puts there."""

    def setting(*places, value):
        def change(header):
            target = header
            for place in places[:-1]:
                target = target[place]
            target[places[-1]] = value
            return header

        return change

    for value in ([1, 2], "x", None):
        yield setting("meta", value=value)
        yield setting("arrays", value=value)
        yield setting("arrays", "vectors", value=value)
    for shape in ([2**70, 0], [0] * 80, [-1, 64], [2.0, 3], [True], [2**40, 64], "12"):
        yield setting("arrays", "vectors", "shape", value=shape)
    for offset in (-64, 1, 2**62, 64.0, None):
        yield setting("arrays", "codes", "offset", value=offset)
    for dtype in ("|O", "<i8, <i8", ["<f2"], "<U8", None):
        yield setting("arrays", "list_articles", "dtype", value=dtype)
    yield setting("size", value=10**30)
    yield setting("meta", "articles", value=10**30)


@pytest.mark.parametrize("change", list(headers()))
def test_a_crafted_header_is_refused(path, change):
    rewrite(path, lambda header: json.dumps(change(json.loads(header))).encode())
    with pytest.raises(ArchiveDamaged):
        reader(path)
    with Archive.open(path) as archive:
        assert archive.check() != []


def test_arrays_that_stand_askew_are_refused(path):
    rewrite(path, lambda header: header.rstrip() + b" " * 3, pad=False)
    with pytest.raises(ArchiveDamaged, match="broken header"):
        reader(path)


def rewrite(path, change, pad=True):
    (file,) = path.glob("segments/*/vectors.part")
    data = file.read_bytes()
    start = len(MAGIC) + 8
    length = int.from_bytes(data[len(MAGIC) : start], "little")
    header = change(data[start : start + length])
    if pad:
        header += b" " * (-(start + len(header)) % 64)
    file.write_bytes(MAGIC + len(header).to_bytes(8, "little") + header + data[start + length :])
    vouch(path, file)


NUMBERS = ("passage_starts", "starts", "ends", "key_passages", "list_starts", "list_articles", "list_passages")
EXTREMES = (0, 1, 2, 63, 64, 149, 150, 151, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**48, MOST, -1, -2, LEAST)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(NUMBERS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.sampled_from(EXTREMES)), min_size=1, max_size=4),
)
def test_whatever_numbers_say_answers_are_right_or_refused(sound, tmp_path_factory, name, changes):
    path = tmp_path_factory.mktemp("forged") / "archive"
    shutil.copytree(sound, path)

    def change(array):
        for place, value in changes:
            array[int(place * len(array))] = np.array(value).astype(array.dtype)
        return array

    def answers(folder):
        with Archive.open(folder) as archive:
            return [
                [(hit.article.id, round(hit.score, 6)) for hit in archive.search(query, mode="vector", limit=200)]
                for query in ("storm", "the bridge and the school", "vote -storm")
            ]

    forge(path, name, change)
    try:
        found = answers(path)
        writer(path)
        merger(path)
    except ArchiveDamaged:
        return
    assert found == answers(sound)
