"""Explanations as frozen values: which amount is asked about, and the terms that add up to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Rounding


class Part(StrEnum):
    """What an amount is for; TOTAL is all four together."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    FEE = "fee"
    PENALTY = "penalty"
    TOTAL = "total"


PARTS = (Part.PRINCIPAL, Part.INTEREST, Part.FEE, Part.PENALTY)


class Of(StrEnum):
    """Which side of a bill: what it asks for, what met it, what is left, what we would have asked for, how far the
    lender's figure is from that."""

    DUE = "due"
    PAID = "paid"
    WAIVED = "waived"
    OPEN = "open"
    COMPUTED = "computed"
    DIFFERENCE = "difference"
    PRESUMED = "presumed"
    CONFIRMED = "confirmed"


class Subject(StrEnum):
    """What a cell belongs to."""

    BILL = "bill"  # a part of bill `number`
    BALANCE = "balance"  # the outstanding principal once bill `number` is paid
    PAYMENT = "payment"  # the level payment bill `number` was planned with
    CAPITALIZED = "capitalized"  # interest of bill `number` that became principal
    ALL = "all"  # a part of all bills
    LATE = "late"  # a part of the open bills past due
    OUTSTANDING = "outstanding"  # principal not repaid
    BORROWED = "borrowed"  # what is owed from the first day on
    CREDIT = "credit"  # money that met nothing
    COST = "cost"  # interest, fees and penalty of all bills, and what was taken up front
    APR = "apr"  # the cash flows as agreed; they add up to what the loan costs
    REPAYMENT = "repayment"  # what repayment `number` (a fact) met
    PAYOFF = "payoff"  # a part of what settles the loan on `on`


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The name of one amount of a loan."""

    subject: Subject
    number: int = 0
    part: Part = Part.TOTAL
    of: Of = Of.DUE
    on: date | None = None

    @property
    def name(self) -> str:
        """The cell as one word for an address: "bill-3-interest", "all-total-open", "payoff-2026-03-05-fee"."""
        if self.subject is Subject.PAYOFF:
            return f"payoff-{self.on}-{self.part}"
        words: list[str] = [self.subject]
        if self.subject in NUMBERED:
            words.append(str(self.number))
        if self.subject in PARTED:
            words.append(self.part)
            if self.of is not Of.DUE:
                words.append(self.of)
        return "-".join(words)


NUMBERED = (Subject.BILL, Subject.BALANCE, Subject.PAYMENT, Subject.CAPITALIZED, Subject.REPAYMENT)
PARTED = (Subject.BILL, Subject.ALL, Subject.LATE, Subject.REPAYMENT)
_NAME = re.compile(r"(?P<subject>[a-z]+)(-(?P<number>\d{1,9}))?(-(?P<part>[a-z]+))?(-(?P<of>[a-z]+))?", re.ASCII)
_PAYOFF = re.compile(r"payoff-(?P<on>\d{4}-\d\d-\d\d)-(?P<part>[a-z]+)", re.ASCII)


class NoSuchCell(LookupError):  # noqa: N818 a finding about the name, not a fault
    """The name is no amount of this loan."""


def cell_named(name: str) -> Cell:
    """The cell whose `name` this is. Raises NoSuchCell."""
    try:
        if payoff := _PAYOFF.fullmatch(name):
            on = date.fromisoformat(payoff["on"])
            cell = Cell(subject=Subject.PAYOFF, on=on, part=Part(payoff["part"]))
        elif found := _NAME.fullmatch(name):
            cell = Cell(
                subject=Subject(found["subject"]),
                number=int(found["number"] or 0),
                part=Part(found["part"] or "total"),
                of=Of(found["of"] or "due"),
            )
        else:
            raise NoSuchCell(name)
    except ValueError as error:
        raise NoSuchCell(name) from error
    if cell.name != name:
        raise NoSuchCell(name)
    return cell


class TermKind(StrEnum):
    """Where one term of an amount comes from."""

    INTEREST = "interest"  # base x rate x part of a year
    OVERDUE_INTEREST = "overdue_interest"  # the same on unpaid principal of bills past due
    LISTED_INTEREST = "listed_interest"  # the lender's own interest for the days, for what is owed of it
    ROUNDING = "rounding"  # to a whole minor unit, or to what the agreement rounds to
    CARRIED = "carried"  # interest an earlier bill had no room for
    CARRIED_ON = "carried_on"  # interest left to the next bill
    GIVES_WAY = "gives_way"  # what the last bill's interest differs by, so that its payment is like the others
    PAYMENT = "payment"  # the level payment
    LESS_INTEREST = "less_interest"  # of which interest
    LESS_PRINCIPAL = "less_principal"  # of which principal
    EQUAL_PART = "equal_part"  # an equal share of the principal
    FIRST_TAKES = "first_takes"  # what the shares leave over, with the first bill
    LISTED = "listed"  # the lender's own table
    EXTRA = "extra"  # paid on top by agreement
    NOT_YET = "not_yet"  # nothing is asked for yet
    REST = "rest"  # all that is left, with the last bill
    NO_MORE_THAN = "no_more_than"  # cut to what there is
    BILL_FEE = "bill_fee"  # the fee of every bill
    FLAT_FEE = "flat_fee"  # an equal share of the flat fee
    UPFRONT_FEE = "upfront_fee"
    CHARGE = "charge"  # a charge that was recorded
    FIGURE = "figure"  # what the lender's figure differs by from ours
    PENALTY = "penalty"  # base x rate x days over the days of a year
    LATE_FEE = "late_fee"
    IN_GRACE = "in_grace"  # not asked for, since the grace has not passed
    REPAID = "repaid"  # met by a repayment
    WAIVER = "waiver"  # let go of
    ASKED = "asked"  # what a bill asks for
    MET = "met"  # less what was paid
    LET_GO = "let_go"  # less what was waived
    OURS = "ours"  # less what we would have asked for
    PART = "part"  # one part of a sum
    OF_BILL = "of_bill"  # one bill's share of a sum
    LENT = "lent"
    FINANCED = "financed"  # a fee added to what was lent
    DRAWN = "drawn"
    CAPITALIZED = "capitalized"  # interest that became principal
    PREPAID = "prepaid"
    BEFORE = "before"  # what was owed before
    CREDIT = "credit"  # money already held
    HELD = "held"  # of a repayment, what is kept
    ANNUITY = "annuity"  # the payment that repays the balance in so many bills
    EQUAL_SHARE = "equal_share"  # the balance shared equally over so many bills
    STATED = "stated"  # as the agreement states it
    FITTED = "fitted"  # moved so that the last bill comes close to it
    WEIGHT = "weight"  # so many times the payment
    NOT_BILLED = "not_billed"  # principal in no bill yet
    PREPAYMENT_FEE = "prepayment_fee"
    FLOW = "flow"  # a cash flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of an amount: `amount` exactly, in minor units. The rest says how it came about, where that applies:
    `base` x `rate` (a year) x `year_part`, the `days` from `since` up to and without `until`; over `year_days`, if
    that is one number. `facts` are the ids of the facts it rests on; `cell` is the amount itself, where it is one
    that can be explained in turn."""

    kind: TermKind
    amount: Fraction
    since: date | None = None
    until: date | None = None
    days: int | None = None
    base: Fraction | None = None
    rate: Fraction | None = None
    year_part: Fraction | None = None
    year_days: int | None = None
    day_count: DayCount | None = None
    rounding: Rounding | None = None
    number: int | None = None
    part: Part | None = None
    share: Fraction | None = None
    facts: tuple[int, ...] = ()
    cell: Cell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An amount in whole minor units of `currency`, and the terms that add up to it exactly. `rate` is set for an
    APR, whose terms are the cash flows."""

    cell: Cell
    currency: str
    as_of: date
    amount: int
    terms: tuple[Term, ...]
    rate: Decimal | None = None

    @property
    def facts(self) -> tuple[int, ...]:
        """The facts used, in order."""
        return tuple(sorted({fact for term in self.terms for fact in term.facts}))


class Unexplained(ArithmeticError):  # noqa: N818 the terms are what failed, not the caller
    """The terms found do not add up to the amount: a rule of the engine that nobody explains yet."""

    def __init__(self, cell: Cell, amount: int, terms: tuple[Term, ...]) -> None:
        found = sum((term.amount for term in terms), Fraction(0))
        super().__init__(f"{cell.name} is {amount}, its terms add up to {found}")


def explained(
    cell: Cell, currency: str, as_of: date, amount: int, terms: list[Term], rate: Decimal | None = None
) -> Explanation:
    """The explanation, once its terms are proved to add up; terms of zero that say nothing are left out. Raises
    Unexplained."""
    kept = tuple(term for term in terms if term.amount or term.kind in SAYS_SOMETHING)
    if sum((term.amount for term in kept), Fraction(0)) != amount:
        raise Unexplained(cell, amount, kept)
    return Explanation(cell=cell, currency=currency, as_of=as_of, amount=amount, terms=kept, rate=rate)


SAYS_SOMETHING = (TermKind.NOT_YET, TermKind.IN_GRACE, TermKind.INTEREST, TermKind.STATED)
