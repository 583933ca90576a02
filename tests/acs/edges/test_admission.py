"""The bound on AReqs at work, over a clock that a test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs.edges.admission import ALWAYS, Admission

BUDGET_S = 4.0


class Door:
    """An admission and who is inside."""

    def __init__(self, most: int = 400) -> None:
        self.now = 0.0
        self.admission = Admission(most, BUDGET_S, lambda: self.now)

    def round(self, come: int, takes_s: float) -> int:
        """Let so many come at once, each taking so long; gives how many were let in."""
        inside = []
        for _ in range(come):
            if self.admission.is_open:
                inside.append(self.admission.entered())
                inside[-1].__enter__()
        self.now += takes_s
        for one in inside:  # who came first goes first
            one.__exit__(None, None, None)
        return len(inside)


def test_a_quick_service_lets_everybody_in_up_to_the_most() -> None:
    door = Door()
    assert [door.round(500, 0.05) for _ in range(20)] == [400] * 20


def test_a_service_that_hangs_soon_lets_in_only_a_few() -> None:
    door = Door()
    rounds = [door.round(500, BUDGET_S) for _ in range(12)]
    assert rounds == sorted(rounds, reverse=True)
    assert (rounds[0], rounds[-1]) == (400, ALWAYS)


def test_a_service_that_is_well_again_lets_everybody_in() -> None:
    door = Door()
    for _ in range(12):
        door.round(500, BUDGET_S)
    for _ in range(20):
        door.round(500, 0.01)
    assert door.round(500, 0.01) == 400


def test_a_few_that_take_long_by_themselves_keep_nobody_out() -> None:
    """Such as those that wait for a mobile operator."""
    door = Door()
    for _ in range(200):
        door.round(ALWAYS, 2.0)
    assert door.round(ALWAYS, 2.0) == ALWAYS


def test_at_the_rate_of_the_service_no_more_than_can_be_answered_in_time() -> None:
    """Each answer takes 20 ms of something that only one can have."""
    door = Door()
    admitted = [door.round(500, 0.02 * 400) for _ in range(50)][-1]
    assert admitted * 0.02 <= BUDGET_S


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 10)), max_size=60), st.integers(1, 40))
def test_never_more_than_the_most_and_a_few_always(
    rounds: list[tuple[int, float]], most: int
) -> None:
    door = Door(most)
    for come, takes_s in rounds:
        admitted = door.round(come, takes_s)
        assert min(come, most, ALWAYS) <= admitted <= min(come, most)
