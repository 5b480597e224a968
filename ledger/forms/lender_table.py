"""Reading the table of bills that a lender's app shows, as it is copied from there."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ledger.forms.fields import DayField
from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.money import AmountError, Parts, parse_amount
from ledger.loanmath.terms import ListedRow

_ROW_NUMBER = re.compile(r"(?:第\s*)?#?(\d{1,3})(?:\s*期|[.):])?", re.ASCII)


class TableError(ValueError):
    """A line that is no row of a table; its text names the line and says what belongs there."""


def read_table(text: str, currency: str) -> tuple[ListedRow, ...]:
    """The rows of a table: day, principal, interest and perhaps a fee, by tabs, semicolons or spaces.

    A row number before the day and lines without any figure (a head) are passed over. Raises TableError.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if any(character.isdigit() for character in line):
            rows.append(_row(line, number, currency))
    if not rows:
        raise TableError(_("Enter at least one row: day, principal, interest."))
    if len(rows) > MOST_BILLS:
        raise TableError(_("A loan has at most 600 bills."))
    return tuple(rows)


def _row(line: str, number: int, currency: str) -> ListedRow:
    cells = _cells(line)
    if len(cells) > 1 and _ROW_NUMBER.fullmatch(cells[0]):
        cells = cells[1:]
    if not 2 <= len(cells) <= 4:
        raise TableError(_("Line %(number)s: enter the day, the principal and the interest.") % {"number": number})
    try:
        due_on = DayField().clean(cells[0])
        amounts = [parse_amount(cell, currency) for cell in cells[1:]]
    except (ValidationError, AmountError) as error:
        raise TableError(
            _("Line %(number)s: “%(cell)s” is not read as a day followed by amounts.")
            % {"number": number, "cell": line.strip()[:40]}
        ) from error
    principal, interest, fee = (*amounts, 0, 0)[:3]
    return ListedRow(due_on=due_on, parts=Parts(principal=principal, interest=interest, fee=fee))


def _cells(line: str) -> list[str]:
    """The cells of a line; commas part cells only where they do not stand between thousands."""
    line = line.replace("，", ",").replace("；", ";")
    for mark in ("\t", ";", "|"):
        if mark in line:
            return [cell.strip() for cell in line.split(mark) if cell.strip()]
    if re.search(r",\s", line) or re.fullmatch(r"[^,\s]+(,[^,\s]+){2,}", line.strip()):
        return [cell.strip() for cell in line.split(",") if cell.strip()]
    return line.split()
