"""Fair turns: small work first, nobody takes all slots, and nobody waits for ever."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transport.fair_scheduler import FairScheduler, Job, QueueFull

JOBS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.floats(0.001, 5.0), st.booleans(), st.floats(0.001, 8.0)), min_size=1, max_size=60
)


def scheduler(slots: int = 3, *, max_waiting: int = 1_000, per_owner: int = 1_000) -> FairScheduler:
    return FairScheduler(slots=slots, max_waiting=max_waiting, max_waiting_per_owner=per_owner)


def started(fair: FairScheduler) -> list[Job]:
    """All jobs that may be started now."""
    found = []
    while (job := fair.start_next()) is not None:
        found.append(job)
    return found


def test_a_small_job_of_another_starts_at_once_while_one_person_floods() -> None:
    fair = scheduler()
    for _ in range(100):
        fair.submit(Job("flood", 5.0, is_large=True))
    assert [job.owner for job in started(fair)] == ["flood"]
    fair.submit(Job("other", 0.01))
    assert [job.owner for job in started(fair)] == ["other"]


def test_small_jobs_of_one_person_leave_a_slot_too() -> None:
    fair = scheduler()
    for _ in range(100):
        fair.submit(Job("flood", 0.01))
    assert len(started(fair)) == 2
    fair.submit(Job("other", 0.01))
    assert [job.owner for job in started(fair)] == ["other"]


def test_the_cheapest_job_of_a_person_is_first() -> None:
    fair = scheduler(1)
    for cost in (3.0, 1.0, 2.0):
        fair.submit(Job("a", cost))
    costs = []
    while fair.waiting:
        (job,) = started(fair)
        costs.append(job.cost_seconds)
        fair.finish(job, job.cost_seconds)
    assert costs == [1.0, 2.0, 3.0]


def test_who_had_more_than_was_thought_waits_until_the_others_had_as_much() -> None:
    fair = scheduler(1)
    fair.submit(Job("greedy", 0.01))
    (job,) = started(fair)
    for _ in range(3):
        fair.submit(Job("modest", 1.0))
        fair.submit(Job("greedy", 0.01))
    fair.finish(job, 2.5)
    order = []
    while fair.waiting:
        (job,) = started(fair)
        order.append(job.owner)
        fair.finish(job, job.cost_seconds)
    assert order == ["modest", "modest", "greedy", "greedy", "greedy", "modest"]


def test_queues_are_bounded_for_each_person_and_for_all() -> None:
    fair = scheduler(max_waiting=5, per_owner=3)
    for _ in range(3):
        fair.submit(Job("a", 1.0))
    with pytest.raises(QueueFull):
        fair.submit(Job("a", 1.0))
    fair.submit(Job("b", 1.0))
    fair.submit(Job("c", 1.0))
    with pytest.raises(QueueFull):
        fair.submit(Job("d", 1.0))
    assert fair.waiting == 5


def test_a_cancelled_job_is_never_started_and_makes_room() -> None:
    fair = scheduler(1, per_owner=2)
    first, second = Job("a", 1.0), Job("a", 2.0)
    fair.submit(first)
    fair.submit(second)
    fair.cancel(first)
    fair.submit(Job("a", 3.0))
    assert started(fair) == [second]


@examples(75, many=3_000)
@given(JOBS, st.integers(1, 4))
def test_every_job_is_started_once_and_the_bounds_hold_at_every_step(
    jobs: list[tuple[str, float, bool, float]], slots: int
) -> None:
    fair = scheduler(slots)
    took: dict[Job, float] = {}
    running: list[Job] = []
    done: list[Job] = []
    waiting = list(jobs)
    while waiting or running or fair.waiting:
        for owner, cost, is_large, seconds in waiting[:3]:
            job = Job(owner, cost, is_large)
            took[job] = seconds
            fair.submit(job)
        del waiting[:3]
        running += started(fair)
        assert len(running) == fair.running <= slots
        by_owner: dict[object, int] = defaultdict(int)
        for job in running:
            by_owner[job.owner] += 1
        if slots > 1:
            assert max(by_owner.values(), default=0) < slots
            assert sum(job.is_large for job in running) < slots
        if running:
            job = running.pop(0)
            fair.finish(job, took[job])
            done.append(job)
    assert len(done) == len(set(done)) == len(jobs)


@given(st.integers(1, 40), st.floats(0.1, 5.0))
def test_a_new_person_waits_for_no_more_than_what_runs(queued: int, cost: float) -> None:
    fair = scheduler(1)
    for _ in range(queued):
        fair.submit(Job("first", cost))
    (running,) = started(fair)
    fair.submit(Job("new", cost / 2))
    fair.finish(running, cost)
    assert [job.owner for job in started(fair)] == ["new"]
