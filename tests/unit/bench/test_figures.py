"""The pure parts of the benchmarks: medians, ratios, tables, the result file, the page."""

from __future__ import annotations

import msgspec
import pytest

from bench.figures import Result, Row, compare, markdown, percentile, table, turns
from bench.frames import TEXT, cut, masked
from bench.http_load import Load
from bench.http_load import Plan as ClosedPlan
from bench.load import USERS, channels, deliveries
from bench.paced_load import Plan as OpenPlan
from bench.paced_load import requests
from bench.report import BEGIN, END, filled, read, section
from bench.tally import Tally


def test_a_rate_compares_medians_and_more_is_better() -> None:
    row = compare("router", "events/s", [90.0, 100.0, 500.0], [10.0, 20.0, 25.0], peer_name="naive")

    assert (row.ours, row.peer, row.ratio) == (100.0, 20.0, 5.0)


def test_a_time_is_better_when_it_is_less() -> None:
    row = compare("router", "ms", [2.0], [10.0], peer_name="naive", less_is_better=True)

    assert row.ratio == 5.0


def test_without_a_peer_there_is_no_ratio() -> None:
    row = compare("e2e", "ms", [2.0], peer_name="nobody")

    assert (row.peer, row.ratio, row.peer_name) == (None, None, None)


def test_the_floor_stands_beside_the_peer_with_a_ratio_of_its_own() -> None:
    row = compare("router", "µs/event", [20.0], [100.0], [10.0, 5.0, 8.0], peer_name="naive", less_is_better=True)

    assert (row.peer, row.ratio, row.floor, row.floor_ratio) == (100.0, 5.0, 8.0, 0.4)


def test_a_floor_needs_no_peer() -> None:
    row = compare("router", "events/s", [20.0], floor=[40.0])

    assert (row.peer, row.ratio, row.floor, row.floor_ratio) == (None, None, 40.0, 0.5)


def test_a_side_that_did_nothing_has_no_ratio() -> None:
    assert compare("x", "ms", [0.0], [1.0]).ratio is None


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_percentiles_are_values_that_occurred(share: float, value: int) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def test_no_values_have_percentile_zero() -> None:
    assert percentile([], 0.5) == 0


def test_sides_take_turns_forth_and_back() -> None:
    assert [turns(("a", "b"), run) for run in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]


ROWS = [
    Row(
        what="long name of a thing",
        unit="events/s",
        ours=12_345.0,
        peer=1_234.0,
        peer_name="naive",
        ratio=10.0,
        floor=24_690.0,
        floor_ratio=0.5,
    ),
    Row(what="short", unit="ms", ours=1.5, lost=3, doubled=4),
]


def test_the_table_is_aligned_and_shows_losses() -> None:
    head, first, second = table(ROWS).splitlines()

    assert head.index("ours") + 4 == first.index("12,345") + 6 == second.index("1.5") + 3
    assert head.index("lost") + 4 == second.index("3") + 1
    assert first.split()[5:] == ["events/s", "12,345", "1,234", "10.00x", "24,690", "0.50x", "0", "0", "naive"]
    assert second.split() == ["short", "ms", "1.5", "–", "–", "–", "–", "3", "4", "–"]


def test_the_page_gets_every_row() -> None:
    lines = markdown(ROWS).splitlines()

    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1


def test_a_result_reads_back_as_it_was_written(tmp_path) -> None:
    result = Result(commit="abc dirty", machine={"cpu": "x", "cores": 2, "kernel": "6", "python": "3.11", "load_at_start": 0.5},
                    runs=3, rows=ROWS)  # fmt: skip
    (tmp_path / "router.json").write_bytes(msgspec.json.encode(result))
    (tmp_path / "router.small.json").write_bytes(b"no result: a smoke run")

    assert read(tmp_path) == {"router": result}
    assert set(msgspec.json.decode((tmp_path / "router.json").read_bytes())["rows"][0]) == {
        "what", "unit", "ours", "peer", "peer_name", "ratio", "floor", "floor_ratio", "lost", "doubled",
    }  # fmt: skip
    assert "abc dirty" in section("router", result)


def test_the_marked_section_is_replaced_and_nothing_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"

    once = filled(page, "new")

    assert once == f"before\n{BEGIN}\n\nnew\n{END}\nafter"
    assert filled(once, "new") == once


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        filled("no marks", "new")


def test_a_tally_tells_lost_from_doubled() -> None:
    found = Tally(total=10, distinct=8, first=1.0, last=3.0)

    assert (found.lost(9), found.doubled, found.seconds) == (1, 2, 2.0)


def test_the_load_makes_two_and_a_half_deliveries_of_an_event() -> None:
    assert deliveries(USERS) == USERS * 5 // 2
    assert (len(channels(0)), len(channels(1))) == (3, 2)


def test_a_batch_request_numbers_its_items_on_and_has_its_length() -> None:
    orders = ClosedPlan(port=1, path="/x", content_type="c", authorization="a", item='{"id":"@NUMBER@","p":"5%"}', each=3,
                        connections=1, seconds=1, first=7, array=True)  # fmt: skip
    load = Load(orders)

    head, _, body = load.request().partition(b"\r\n\r\n")

    assert [item["id"] for item in msgspec.json.decode(body)] == ["0000000007", "0000000008", "0000000009"]
    assert msgspec.json.decode(body)[0]["p"] == "5%"
    assert head.endswith(b"Content-Length: %d" % len(body))
    assert msgspec.json.decode(load.request().partition(b"\r\n\r\n")[2])[0]["id"] == "0000000010"


def test_a_paced_request_carries_number_stamp_and_user() -> None:
    orders = OpenPlan(port=1, path="/x", content_type="c", authorization="a", rate=1, seconds=1, users=10, first=0, each=1,
                      item='{"n":"@NUMBER@","s":"@STAMP@","u":"user-@USER@"}')  # fmt: skip

    _, _, body = requests(orders, 25, 123).partition(b"\r\n\r\n")

    assert msgspec.json.decode(body) == {"n": "0000000025", "s": "0000000000000123", "u": "user-5"}


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_frames_are_cut_at_every_length(length: int) -> None:
    if length < 126:
        size = bytes([length])
    elif length < 65_536:
        size = b"\x7e" + length.to_bytes(2, "big")
    else:
        size = b"\x7f" + length.to_bytes(8, "big")
    frame = b"\x81" + size + b"x" * length

    assert cut(b"__" + frame + b"rest", 2) == (1, b"x" * length, 2 + len(frame))
    assert all(cut(frame[:short], 0) is None for short in {0, 1, len(size), len(frame) - 1} if short < len(frame))


@pytest.mark.parametrize("length", [0, 125, 126, 65_535])
def test_a_client_masks_its_frames_at_every_length(length: int) -> None:
    frame = masked(TEXT, b"x" * length)
    marker = min(126, length)
    size = b"" if length < 126 else length.to_bytes(2, "big")

    assert frame == bytes((0x81, 0x80 | marker)) + size + bytes(4) + b"x" * length


def test_results_of_before_the_floor_are_still_read(tmp_path) -> None:
    old = {
        "what": "a",
        "unit": "ms",
        "ours": 1.0,
        "peer": None,
        "peer_name": None,
        "ratio": None,
        "lost": 0,
        "doubled": 0,
    }
    written = {"commit": "old", "machine": {}, "runs": 1, "rows": [old]}
    (tmp_path / "e2e.json").write_bytes(msgspec.json.encode(written))

    assert read(tmp_path)["e2e"].rows == [Row(what="a", unit="ms", ours=1.0)]
