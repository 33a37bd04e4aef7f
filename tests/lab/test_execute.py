"""Jobs give the same answers here and in other processes, and a worker's end is said in one sentence."""

from __future__ import annotations

import io
import math
import os
import pickle

import pytest

from lossary.lab.running.execute import Answer, Inline, Job, Local, WorkerError
from lossary.lab.running.worker import serve


def jobs(*jobs: Job) -> list[object]:
    return [lambda job=job: job for job in jobs]


def test_answers_come_from_every_worker_and_carry_the_name_of_their_job() -> None:
    asked = [Job(("root", i), math.sqrt, (i,)) for i in range(6)]
    with Local(2) as pool:
        found = {answer.name: answer.value for answer in pool.run(jobs(*asked))}
    here = {answer.name: answer.value for answer in Inline().run(jobs(*asked))}
    assert found == here == {("root", i): math.sqrt(i) for i in range(6)}


def test_what_fails_in_a_worker_and_a_worker_that_ends_are_both_heard_of() -> None:
    with Local(1) as pool, pytest.raises(WorkerError, match="math domain error"):
        list(pool.run(jobs(Job(("root", 0), math.sqrt, (-1,)))))
    with (
        Local(1) as pool,
        pytest.raises(WorkerError, match=r"ended with status .*run the same command again"),
    ):
        list(pool.run(jobs(Job(("end", 0), os._exit, (3,)))))


def test_a_job_that_cannot_be_made_is_heard_of() -> None:
    def broken() -> Job:
        raise ValueError("no rows")

    with Local(1) as pool, pytest.raises(ValueError, match="no rows"):
        list(pool.run([broken]))


@pytest.mark.parametrize("lost", [0, 1, 20])
def test_a_worker_ends_quietly_where_its_driver_was_killed_before_or_within_a_job(lost: int) -> None:
    first, second = (pickle.dumps(Job(("root", i), math.sqrt, (i,))) for i in (4, 9))
    answers = io.BytesIO()
    serve(io.BytesIO(first + second[: len(second) - lost]), answers)
    answers.seek(0)
    found = [pickle.load(answers)]
    assert isinstance(found[0], Answer)
    assert found[0].value == 2.0
    assert (answers.read(1) == b"") == (lost > 0)
