"""Noisy numbers become visible at slots of a public clock, whatever the rows and the noise cost in time."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.ledger_entries import ChargeState
from pipelines.deployment import Deployment
from pipelines.fixed_time import Clock, on_schedule, slot_seconds
from pipelines.settings import load_settings
from pipelines.stages import protected
from pipelines.storage import Stage
from policies.errors import DataError, UsageError
from tests.support import tiny_deployment as tiny
from tests.support.dp_methods import planned, query

_, NUMBERS = tiny.RELEASES
ON_THE_HOUR = 1_795_000_000 // 3600 * 3600.0
PAST = 1_700_000_000


@dataclass
class Hand:
    """A clock that moves by hand, and tells what is seen whenever somebody waits on it."""

    at: float
    seen: list[object] = field(default_factory=list)
    look: Callable[[], object] = lambda: None

    def clock(self) -> Clock:
        return Clock(lambda: self.at, lambda: self.at, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seen.append(self.look())
        self.at += seconds


def ends(began: float, *, work: float, seconds: float) -> float:
    hand = Hand(began)
    with on_schedule(seconds, clock=hand.clock()):
        hand.at += work
    return hand.at


def fails(hand: Hand, raised: BaseException) -> None:
    with on_schedule(4, clock=hand.clock()):
        hand.at += 1
        raise raised


# --- the schedule


@given(st.floats(0.001, 3.999), st.floats(0, 4), st.floats(0, 4))
def test_all_that_begins_in_one_slot_and_fits_in_one_is_visible_at_one_moment(
    into: float, work: float, other: float
) -> None:
    began = ON_THE_HOUR + into
    assert ends(began, work=work, seconds=4) == ends(ON_THE_HOUR + 1, work=other, seconds=4) == ON_THE_HOUR + 8


@pytest.mark.parametrize(("work", "slots"), [(0.0, 1), (4.0, 1), (4.1, 2), (8.0, 2), (8.1, 4), (16.0, 4), (100.0, 32)])
def test_work_that_takes_longer_waits_for_a_slot_twice_as_far(work: float, slots: int) -> None:
    assert ends(ON_THE_HOUR, work=work, seconds=4) == ON_THE_HOUR + 4 * slots


@given(st.floats(0, 3_600))
def test_time_tells_no_more_than_a_few_doublings(work: float) -> None:
    assert ends(ON_THE_HOUR, work=work, seconds=4) in {ON_THE_HOUR + 4 * 2**times for times in range(11)}


def test_failure_waits_for_its_slot_and_an_interruption_does_not() -> None:
    for raised, end in ((DataError("x.y", what="a", why="b", fix="c"), 4), (KeyboardInterrupt(), 1)):
        hand = Hand(ON_THE_HOUR)
        with pytest.raises(type(raised)):
            fails(hand, raised)
        assert hand.at == ON_THE_HOUR + end


def test_wall_clock_that_is_set_back_meanwhile_moves_nothing() -> None:
    hand = Hand(ON_THE_HOUR)
    walls = iter([ON_THE_HOUR])
    with on_schedule(4, clock=Clock(lambda: next(walls), lambda: hand.at, hand.sleep)):
        hand.at += 1
    assert hand.at == ON_THE_HOUR + 4


def test_the_clock_of_a_deployment_is_the_real_one() -> None:
    clock = Clock()
    before = clock.monotonic()
    with on_schedule(0.01, clock=clock):
        pass
    assert clock.monotonic() - before >= 0.01


# --- the length of a slot


def test_length_of_a_slot_follows_from_the_plan_and_the_public_number_of_people() -> None:
    small = planned([query("people")], rho="0.05")
    assert slot_seconds(small, people_at_most=None, least=1) == 1
    assert slot_seconds(small, people_at_most=1_000_000, least=1) == 32
    assert slot_seconds(small, people_at_most=1_000_000, least=5) == 40
    two = planned([query("people", share="0.5"), query("rows", name="b", share="0.5")], rho="0.05")
    assert slot_seconds(two, people_at_most=1_000_000, least=1) == 64


@pytest.mark.parametrize(("given_", "read"), [("2.5", 2.5), (None, None)])
def test_shortest_slot_is_set_by_the_deployment(
    given_: str | None, read: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NIJI_ANSWER_SECONDS", raising=False)
    if given_:
        monkeypatch.setenv("NIJI_ANSWER_SECONDS", given_)
    assert load_settings(tmp_path).answer_seconds == read


@pytest.mark.parametrize("wrong", ["0", "-1", "soon", "nan", "inf", "86401"])
def test_slot_of_no_length_is_refused(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJI_ANSWER_SECONDS", wrong)
    with pytest.raises(UsageError) as refused:
        load_settings(tmp_path)
    assert refused.value.code == "deployment.answer-seconds"


# --- the release itself


@pytest.fixture(scope="module")
def pseudonymized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipelines.stages.classified import make_classified
    from pipelines.stages.consented import make_consented
    from pipelines.stages.pseudonymized import make_pseudonymized
    from pipelines.stages.raw import make_raw

    settings = tiny.write_deployment(tmp_path_factory.mktemp("timed") / "home")
    deployment = tiny.reopened(settings)
    for make in (make_raw, make_classified, make_consented, make_pseudonymized):
        make(deployment, "clinic")
    return settings.home


def files(deployment: Deployment) -> list[Path]:
    """What a noisy release is stored in."""
    folder = deployment.zones.require(Stage.PROTECTED, NUMBERS).folder
    return [folder, *folder.iterdir(), folder.parent, folder.parent / "CURRENT"]


def released(home: Path, *, work: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Hand, Deployment]:
    """Protect the noisy release at 09:00:00.1 by a clock on which its bounding and noise take `work` seconds."""
    hand = Hand(ON_THE_HOUR + 0.1)
    deployment = replace(tiny.reopened(tiny.settings_of(home)), clock=hand.clock())
    measure = protected.measure

    def slow(*args: object, **settings: object) -> object:
        hand.at += work
        return measure(*args, **settings)  # type: ignore[arg-type]

    def look() -> object:
        states = deployment.ledger.show("clinic").charges
        stored = deployment.zones.current(Stage.PROTECTED, NUMBERS)
        return (states.get(ChargeState.RESERVED, 0), states.get(ChargeState.RELEASED, 0), stored is not None)

    hand.look = look
    store = protected._store

    def long_ago(*args: object, **settings: object) -> None:
        store(*args, **settings)  # type: ignore[arg-type]
        for path in files(deployment):
            os.utime(path, (PAST, PAST))

    with monkeypatch.context() as patched:
        patched.setattr(protected, "measure", slow)
        patched.setattr(protected, "_store", long_ago)
        protected.make_protected(deployment, NUMBERS)
    return hand, deployment


def test_release_is_stored_then_waits_then_is_settled_and_dated_at_a_moment_that_data_do_not_move(
    pseudonymized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    for work in (0.01, 0.24):
        home = Path(shutil.copytree(pseudonymized, tmp_path / str(work)))
        hand, deployment = released(home, work=work, monkeypatch=monkeypatch)
        # While it waits, the charge is reserved, nothing is settled, and the answer is safe on disk.
        assert hand.seen == [(1, 0, True)]
        assert deployment.ledger.show("clinic").charges[ChargeState.RELEASED] == 1
        assert min(path.stat().st_mtime for path in files(deployment)) > PAST
        shown.append(hand.at)
    assert shown == [ON_THE_HOUR + 0.5] * 2


def test_exact_releases_wait_for_nothing(pseudonymized: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(pseudonymized, tmp_path / "home"))
    hand = Hand(ON_THE_HOUR)
    deployment = replace(tiny.reopened(tiny.settings_of(home)), clock=hand.clock())
    protected.make_protected(deployment, tiny.RELEASES[0])
    assert (hand.at, hand.seen) == (ON_THE_HOUR, [])
