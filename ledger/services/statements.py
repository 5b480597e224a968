"""Repaying a statement: several bills of one lender in one transaction, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.loanmath.facts import ApplyTo
from ledger.models import Bill, Fact, FundingAccount, Lender, Loan
from ledger.selectors.history import histories
from ledger.selectors.statement import Pays, least_left
from ledger.selectors.statements import figures_seen, statement_bills, statement_loans
from ledger.services.recording import Recorded, Recording, digest, key_conflict
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment

OF_ALL = {"too_far_ahead", "no_such_account", "currency"}  # refusals that are not about one bill


@dataclass(frozen=True, slots=True)
class StatementRepaid:
    """The facts, one a bill, and whether they had been recorded before under the same key."""

    facts: tuple[Fact, ...]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: which bills of a statement are repaid with how much, on which day, from where. `chosen` are
    the amounts (minor units) by bill where `pays` is "chosen"."""

    lender: Lender
    payable_on: date
    currency: str
    pays: Pays
    paid_on: date
    chosen: Mapping[int, int]
    account: FundingAccount | None = None
    note: str = ""

    def digest(self) -> str:
        """By which the same request is told from another one under the same key."""
        said = {
            "statement": [self.lender.pk, self.payable_on, self.currency],
            "pays": self.pays.value,
            "chosen": sorted(self.chosen.items()) if self.pays is Pays.CHOSEN else [],
            "paid_on": self.paid_on,
            "account": self.account and self.account.pk,
            "note": self.note,
        }
        return digest(said)


def line_field(bill: int) -> str:
    """Where a refusal of one bill is shown: the name of its amount in the form."""
    return f"amount-{bill}"


def repay_statement(*, asked: Asked, recording: Recording) -> StatementRepaid | Refusal:
    """Record one repayment for each bill asked for, in one transaction: what one of them is refused for, all are, and
    the refusal's field names that bill. `recording.seen` is the `figures_seen` of the statement's loans. The same key
    with the same content returns the first facts, with other content a refusal.

    Each repayment is for its bill alone, though an older one of its loan may be open, and is undone by itself.
    """
    with transaction.atomic():
        repaid = _repay(asked, replace(recording, whole=asked.digest()))
        if isinstance(repaid, Refusal):
            transaction.set_rollback(True)
        return repaid


def _repay(asked: Asked, recording: Recording) -> StatementRepaid | Refusal:
    loans = _locked(asked)
    household = asked.lender.household
    bills = list(
        statement_bills(household, asked.lender, asked.payable_on).filter(loan__in=loans).order_by("loan", "number")
    )
    keys = [recording.key, *(f"{recording.key}:{n}" for n in range(2, len(bills) + 1))]
    earlier = list(Fact.objects.filter(household=household, key__in=keys).order_by("pk"))
    if earlier:
        return _again(earlier, recording)
    if recording.seen is not None and recording.seen != figures_seen(loans.values()):
        return Refusal("stale", _("The figures have changed since you saw them. Please look again and confirm."))
    amounts = _amounts(asked, bills, loans)
    unknown = set(amounts) - {bill.pk for bill in bills}
    if unknown:
        return Refusal("no_such_bill", _("Choose among the bills of this statement."))
    if not amounts:
        return Refusal("nothing_to_pay", _("Nothing is left to pay here. Choose another bill or another amount."))
    facts: list[Fact] = []
    for bill in bills:
        if bill.pk in amounts:
            part = replace(recording, key=keys[len(facts)], seen=None)
            recorded = _repay_bill(asked, loans[bill.loan_id], bill, amounts[bill.pk], part)
            if isinstance(recorded, Refusal):
                return recorded
            facts.append(recorded.fact)
    return StatementRepaid(tuple(facts))


def _locked(asked: Asked) -> dict[int, Loan]:
    """The statement's loans, held until the transaction ends, in the order in which debits hold them; read once they
    are held."""
    ids = list(statement_loans(asked.lender, asked.payable_on, asked.currency).values_list("pk", flat=True))
    list(Loan.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    return {loan.pk: loan for loan in Loan.objects.filter(pk__in=ids).select_related("household", "mandate")}


def _again(earlier: Sequence[Fact], recording: Recording) -> StatementRepaid | Refusal:
    if all(fact.fingerprint == recording.whole for fact in earlier):
        return StatementRepaid(tuple(earlier), replayed=True)
    return key_conflict()


def _amounts(asked: Asked, bills: Sequence[Bill], loans: Mapping[int, Loan]) -> Mapping[int, int]:
    """How much is paid on each bill, by its id; what is paid already is left out."""
    if asked.pays is Pays.CHOSEN:
        return asked.chosen
    if asked.pays is Pays.ALL:
        amounts = {bill.pk: bill.open.total for bill in bills}
    else:
        past = histories(loans.values())
        amounts = {bill.pk: least_left(bill, past) for bill in bills}
    return {bill: amount for bill, amount in amounts.items() if amount > 0}


def _repay_bill(asked: Asked, loan: Loan, bill: Bill, amount: int, recording: Recording) -> Recorded | Refusal:
    recorded = record_repayment(
        loan=loan,
        amount=amount,
        paid_on=asked.paid_on,
        recording=recording,
        apply_to=ApplyTo.BILL,
        bill_number=bill.number,
        account=asked.account,
        note=asked.note,
    )
    if isinstance(recorded, Refusal) and recorded.code not in OF_ALL:
        return replace(recorded, field=line_field(bill.pk))
    return recorded
