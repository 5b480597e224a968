"""Which sentence comes first on the overview."""

import pytest

from ledger.loanmath.first_line import FirstLine, Footing, first_line

LINES = [
    (Footing(live=0), FirstLine.SETTLED),
    (Footing(), FirstLine.NOTHING_DUE),
    (Footing(presumed=1), FirstLine.PRESUMED),
    (Footing(presumed=1, live=0), FirstLine.PRESUMED),
    (Footing(is_due=True), FirstLine.BY_HAND),
    (Footing(is_due=True, funding="covered"), FirstLine.COVERED),
    (Footing(is_due=True, funding="covered", presumed=1), FirstLine.COVERED),
    (Footing(is_due=True, funding="short"), FirstLine.SHORT),
    (Footing(is_due=True, funding="capped"), FirstLine.CAPPED),
    (Footing(is_due=True, funding="unknown"), FirstLine.UNKNOWN),
    (Footing(is_due=True, funding="unknown", leans=True), FirstLine.LEANING),
    (Footing(is_overdue=True), FirstLine.OVERDUE),
    (Footing(is_overdue=True, is_due=True, funding="covered", presumed=2), FirstLine.OVERDUE),
]


@pytest.mark.parametrize("footing, line", LINES)
def test_the_first_line_follows_from_how_things_stand(footing: Footing, line: FirstLine) -> None:
    assert first_line(footing) is line


def test_every_line_is_said_of_something() -> None:
    assert {line for _, line in LINES} == set(FirstLine)
