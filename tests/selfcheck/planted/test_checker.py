"""The gradient checker must catch every planted mistake and pass all that is right."""

import pytest

from minicnn.selfcheck.planted import cases
from minicnn.selfcheck.planted.table import check

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_checker_judges_rightly(case):
    outcome = check(case)
    assert outcome.as_it_should_be, (outcome.verdict, outcome.diagnosis, outcome.sentence)


def test_most_mistakes_are_called_by_their_name():
    # Every fifth, to be quick; `minicnn gradcheck --planted` does them all.
    outcomes = [check(case, seed=1) for case in CASES if case.wrong][::5]
    assert all(outcome.caught for outcome in outcomes)
    assert sum(outcome.diagnosed for outcome in outcomes) >= 0.8 * len(outcomes)
