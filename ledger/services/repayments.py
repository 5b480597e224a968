"""Recording what the borrower paid, and confirming what the lender should have debited."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils.translation import gettext as _

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import said_amount
from ledger.models import AccountEntry, Bill, Confirmation, Fact, FundingAccount, Loan, Repayment
from ledger.models.facts import Source
from ledger.selectors.history import History
from ledger.services.recording import Recorded, Recording, add_fact, not_before_disbursement
from ledger.services.refusal import Refusal

PLAN_AHEAD = timedelta(days=366)  # how far ahead a planned repayment may lie


def record_repayment(
    *,
    loan: Loan,
    amount: int,
    paid_on: date,
    recording: Recording,
    apply_to: ApplyTo = ApplyTo.DUE,
    bill_number: int | None = None,
    account: FundingAccount | None = None,
    source: Source = Source.MANUAL,
    presumed: bool = False,
    note: str = "",
) -> Recorded | Refusal:
    """Record that `amount` (minor units) was paid on a day; a day to come is a planned repayment and counts
    from then on. Refuses what cannot be: more than settles the loan, unless the rest is held as credit; a day before
    it was paid out; no such bill."""
    draft = Repayment(
        loan=loan,
        effective_on=paid_on,
        amount=amount,
        apply_to=apply_to,
        bill_number=bill_number,
        account=account,
        source=source,
        presumed=presumed,
        note=note,
    )

    def check(loan: Loan, past: History) -> Refusal | None:
        return refuse_repayment(draft, loan, past, loan.household.today(recording.now))

    return add_fact(draft, recording, check, follow=book_entry)


def refuse_repayment(draft: Fact, loan: Loan, past: History, today: date, bill: Bill | None = None) -> Refusal | None:
    """Why this repayment cannot be recorded; None if it can. Also asked by a form's preview, which may have the `bill`
    it is for at hand."""
    amount = draft.amount or 0
    if amount <= 0:
        return Refusal("not_positive", _("Enter an amount above zero."), "amount")
    if draft.effective_on > today + PLAN_AHEAD:
        return Refusal("too_far_ahead", _("Choose a day within the next year."), "paid_on")
    refusal = not_before_disbursement(draft.effective_on, past, "paid_on")
    if refusal is not None:
        return refusal
    if draft.account is not None and draft.account.household_id != loan.household_id:
        return Refusal("no_such_account", _("Choose one of your accounts."), "account")
    if draft.account is not None and draft.account.currency != loan.currency:
        return Refusal("currency", _("This account is kept in another currency than the loan."), "account")
    if draft.apply_to == ApplyTo.BILL:
        refusal = _refuse_bill(draft, loan, today, bill)
    return refusal or _refuse_payoff(draft, loan, past)


def _refuse_bill(draft: Fact, loan: Loan, today: date, bill: Bill | None) -> Refusal | None:
    bill = bill or Bill.objects.filter(loan=loan, number=draft.bill_number or 0).needed().first()
    if bill is None:
        return Refusal("no_such_bill", _("Choose one of this loan’s bills."), "bill")
    if draft.effective_on <= today and (draft.amount or 0) > bill.open.total:
        message = _("This bill has %(amount)s left to pay. Enter at most that.")
        return _too_much("above_bill", bill.open.total, loan, message)
    return None


def _refuse_payoff(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    amount = draft.amount or 0
    most = past.payoff_total(draft.effective_on)
    # A lender debits the bill it has sent, also the day before the bill is due, when settling would take less.
    debits_bill = draft.source == Source.AUTO and draft.apply_to == ApplyTo.BILL
    if amount > most and draft.apply_to != ApplyTo.HOLD and not debits_bill:
        message = _(
            "%(amount)s settles the whole loan on this day. Correct the amount, settle the loan with that, or keep the "
            "rest as credit."
        )
        return _too_much("above_payoff", most, loan, message)
    if draft.apply_to == ApplyTo.PAYOFF and amount < most:
        message = _("Settling the loan on this day takes %(amount)s. Enter that amount.")
        return _too_much("below_payoff", most, loan, message)
    return None


def _too_much(code: str, limit: int, loan: Loan, message: str) -> Refusal:
    return Refusal(code, message % {"amount": said_amount(limit, loan.currency)}, "amount")


def book_entry(repayment: Fact) -> None:
    """Take a repayment from the account it was paid from, if the user said which."""
    if repayment.account_id is not None:
        AccountEntry(
            household_id=repayment.household_id,
            account_id=repayment.account_id,
            fact=repayment,
            amount=-(repayment.amount or 0),
            entry_on=repayment.effective_on,
            booked_at=repayment.recorded_at,
        ).save()


def confirm_repayment(*, repayment: Fact, recording: Recording) -> Recorded | Refusal:
    """Record that a presumed debit really happened."""
    day = repayment.loan.household.today(recording.now)
    draft = Confirmation(loan=repayment.loan, effective_on=max(day, repayment.effective_on), target=repayment)

    def check(loan: Loan, past: History) -> Refusal | None:
        from_engine = {fact.id for fact in past.presumed()}
        if repayment.pk not in from_engine:
            return Refusal("not_presumed", _("This repayment needs no confirmation."))
        return None

    return add_fact(draft, recording, check)
