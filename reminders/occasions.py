"""What there is to tell a household of beside its bills and debits, as the books stand: accounts that come short, days
in the lives of its loans, permissions that end, loans paid off, the digest of the month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef

from ledger.clock import local_day, zone
from ledger.loanmath.funding import Funding
from ledger.loanmath.milestones import Coming, milestones
from ledger.loanmath.terms import LoanTerms
from ledger.models import AutoRepayMandate, Bill, FundingAccount, Household, Loan
from ledger.models.facts import Kind as FactKind
from ledger.selectors.accounts import AccountLine, account_lines
from ledger.selectors.history import History, histories
from reminders import occasion_rules, rules
from reminders.models import Kind, Reminder

SHORT_AHEAD = 4  # days for which accounts are looked at: one more than the earliest step of a shortfall
RECENT = timedelta(days=7)  # milestones of so many days ago are still found
ABOUT_MILESTONES = [
    kind.value
    for kind in (FactKind.COUPON, FactKind.RATE_CHANGE, FactKind.TERMS, FactKind.ARRANGEMENT, FactKind.REVERSAL)
]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something to tell of: `kind` and the day it is about, with the loan or account. `subject` is what names it
    whatever is recorded later."""

    kind: Kind
    on: date
    subject: tuple[object, ...] = ()
    loan: Loan | None = None
    account: FundingAccount | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """What the occasions of some households are found in, read in a few queries for all of them. `histories` tell of
    terms, rates and coupons only, and of loans still being repaid."""

    loans: Mapping[int, Sequence[Any]]  # by household, those not put away
    histories: Mapping[int, History]
    due_dates: Mapping[int, Sequence[date]]
    expiring: Mapping[int, Sequence[AutoRepayMandate]]  # by household
    debited: Collection[int]  # households with an account that is debited


def read(households: Collection[int], now: datetime) -> Books:
    """What the households' occasions are found in; six queries at most, none for no household."""
    if not households:
        return Books({}, {}, {}, {}, frozenset())
    presumed = Bill.objects.filter(loan=OuterRef("pk"), is_needed=True, presumed__gt=0)
    found = Loan.objects.current().filter(household__in=households).select_related("household", "lender", "mandate")
    rows = list(found.annotate(is_presumed=Exists(presumed)).order_by("pk"))
    loans: defaultdict[int, list[Any]] = defaultdict(list)
    for loan in rows:
        loans[loan.household_id].append(loan)
    past = histories([loan for loan in rows if loan.settled_on is None], ABOUT_MILESTONES)
    return Books(loans, past, _due_dates(past), _expiring(households, now), _debited(rows))


def _due_dates(past: Mapping[int, History]) -> dict[int, list[date]]:
    """By loan: the due dates of its bills, where a milestone depends on them."""
    asked = [id for id, one in past.items() if any(_has_grace(terms) for terms in _terms(one)) or _has_coupon(one)]
    found: defaultdict[int, list[date]] = defaultdict(list)
    if asked:
        bills = Bill.objects.filter(loan__in=asked).needed().order_by("number")
        for loan, due_on in bills.values_list("loan_id", "due_on"):
            found[loan].append(due_on)
    return found


def _terms(past: History) -> Iterator[LoanTerms]:
    yield past.terms
    yield from (terms for fact in past.recorded if (terms := getattr(fact, "terms", None)) is not None)


def _has_grace(terms: LoanTerms) -> bool:
    return terms.interest_grace > 0


def _has_coupon(past: History) -> bool:
    return any(getattr(fact, "until", None) is not None for fact in past.recorded)


def _expiring(households: Collection[int], now: datetime) -> dict[int, list[AutoRepayMandate]]:
    """By household: its mandates that end within the days that are looked at."""
    days = (now.date() - RECENT, now.date() + timedelta(days=occasion_rules.AHEAD))
    found: defaultdict[int, list[AutoRepayMandate]] = defaultdict(list)
    for mandate in AutoRepayMandate.objects.live().filter(household__in=households, expires_on__range=days):
        found[mandate.household_id].append(mandate)
    return found


def _debited(loans: Iterable[Any]) -> set[int]:
    return {loan.household_id for loan in loans if loan.mandate_id is not None and loan.settled_on is None}


def occasions(household: Household, books: Books, today: date) -> list[Occasion]:
    """All occasions of a household that may have a step by tomorrow. Where an account is debited it costs the few
    queries of its balance line."""
    loans = books.loans.get(household.pk, ())
    found = [one for loan in loans for one in of_loan(loan, books, today)]
    found += of_mandates(loans, books.expiring.get(household.pk, ()))
    if household.pk in books.debited:
        found += of_accounts(account_lines(household, today, SHORT_AHEAD), today)
    return [*found, *of_month(household, loans, today)]


def of_accounts(lines: Iterable[AccountLine], today: date) -> list[Occasion]:
    """The first day on which each account does not cover a debit to come. A debit that failed and is tried again is
    not among them: its bill is told of by itself."""
    found = []
    for line in lines:
        on = short_on(line, today)
        if on is not None:
            found.append(Occasion(Kind.SHORTFALL, on, (line.account.pk,), account=line.account))
    return found


def short_on(line: AccountLine, today: date) -> date | None:
    """The first day on which the account does not cover the first try at a bill."""
    for step in line.steps:
        cover = step.cover
        if cover is None or cover.above_cap or cover.funding is not Funding.SHORT:
            continue
        if today <= cover.debit_on <= cover.payable_on:
            return cover.debit_on
    return None


def of_loan(loan: Any, books: Books, today: date) -> list[Occasion]:
    """What there is to tell of one loan: its milestones, or that it is paid off."""
    if loan.settled_on is not None:
        return _paid_off(loan, today)
    return [
        Occasion(Kind(coming.what.value), coming.on, (loan.key,), loan=loan)
        for coming in loan_milestones(loan, books, today)
    ]


def loan_milestones(loan: Loan, books: Books, today: date) -> list[Coming]:
    """The milestones of a loan still being repaid, those of the last days included."""
    past = books.histories.get(loan.pk)
    if past is None:
        return []
    due_dates = books.due_dates.get(loan.pk, ())
    return milestones(past.terms, past.facts, past.rates, due_dates, today, today - RECENT)


def _paid_off(loan: Any, today: date) -> list[Occasion]:
    """Nothing is left to pay since the loan was entered, and nobody has to confirm any of it."""
    since = local_day(loan.opened_at, loan.household.time_zone)
    if loan.is_presumed or loan.settled_on < since or loan.settled_on > today:
        return []
    return [Occasion(Kind.PAID_OFF, loan.settled_on, (loan.key,), loan=loan)]


def of_mandates(loans: Sequence[Any], expiring: Iterable[AutoRepayMandate]) -> list[Occasion]:
    """Permissions that end while a loan still needs them; each is told of once, by the first of its loans."""
    found = []
    for mandate in expiring:
        covered = (loan for loan in loans if loan.mandate_id == mandate.pk and loan.settled_on is None)
        loan = next(covered, None)
        if loan is not None and mandate.expires_on is not None:
            found.append(Occasion(Kind.MANDATE_EXPIRING, mandate.expires_on, (mandate.key,), loan=loan))
    return found


def of_month(household: Household, loans: Iterable[Any], today: date) -> list[Occasion]:
    """The digest of this month, and tomorrow's; none where no loan has been there since before its day, or all have
    long been paid off."""
    days = dict.fromkeys((today.replace(day=1), (today + timedelta(days=1)).replace(day=1)))
    found = []
    for on in days:
        last_month = (on - timedelta(days=1)).replace(day=1)
        told = [loan for loan in loans if loan.settled_on is None or loan.settled_on >= last_month]
        if any(local_day(loan.opened_at, household.time_zone) < on for loan in told):
            found.append(Occasion(Kind.DIGEST, on))
    return found


def judge_occasion(
    row: Reminder, policy: rules.Policy, books: Books, now: datetime, *, is_member: bool, is_muted: bool
) -> rules.Verdict:
    """What becomes of the message about an occasion that is about to be sent, as the `books` of its household stand
    now; they are not asked about accounts."""
    assert row.about_on is not None  # reminder_subject_of_its_kind
    today = row.household.today(now)
    archived = (row.loan is not None and row.loan.archived_at is not None) or (
        row.account is not None and row.account.archived_at is not None
    )
    stands = occasion_rules.Stands(
        days=frozenset(one.on for one in _alike(row, books, today)) if not archived else frozenset(),
        is_archived=archived,
        is_member=is_member,
        is_muted=is_muted,
    )
    return occasion_rules.judge(row.kind, row.step, row.about_on, stands, policy, now, zone(row.household.time_zone))


def _alike(row: Reminder, books: Books, today: date) -> list[Occasion]:
    """The occasions there are of the kind and subject of `row`."""
    if row.account is not None:
        found = of_accounts(account_lines(row.household, today, SHORT_AHEAD), today)
        return [one for one in found if one.account == row.account]
    loans = books.loans.get(row.household_id, ())
    if row.loan is None:
        return of_month(row.household, loans, today)
    if row.kind == Kind.MANDATE_EXPIRING:
        return of_mandates(loans, books.expiring.get(row.household_id, ()))
    mine = [one for loan in loans if loan.pk == row.loan_id for one in of_loan(loan, books, today)]
    return [one for one in mine if one.kind == row.kind]
