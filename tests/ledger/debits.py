"""What tests of auto-repay set up, and what they read."""

from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Loan, Repayment
from ledger.services.mandates import Wishes, authorize_mandate
from tests import builders as make
from tests.builders import at

JAN_20 = at("2026-01-20")
INSTALLMENT = 106_619  # 12,000.00 at 1 % a month over 12 months


def mandate(loan, account, now=JAN_20, windows=("09:30", "15:30")):
    given = authorize_mandate(
        scope=loan,
        sources=[account],
        recording=make.recording(now),
        wishes=Wishes(rule=DebitRule(windows=tuple(windows))),
    )
    assert isinstance(given, AutoRepayMandate), given
    return given


def loan_under_mandate(home, card, now=JAN_20, **more):
    loan = make.loan(home, now=now, **more)
    mandate(loan, card, now)
    return loan


def attempts(loan):
    """(bill, try, window in Shanghai, why it failed or else the outcome, requested, missing) of each attempt."""
    rows = AutoRepayAttempt.objects.filter(bill__loan=loan).select_related("bill").order_by("pk")
    return [
        (
            row.bill.number,
            row.number,
            row.window_at.astimezone(make.SHANGHAI).strftime("%m-%d %H:%M"),
            row.reason or str(row.outcome),
            row.requested,
            row.missing,
        )
        for row in rows
    ]


def repayments(loan):
    rows = Repayment.objects.filter(loan=loan).order_by("pk")
    return [(row.paid_on, row.amount, row.source, row.presumed) for row in rows]


def next_debit(loan):
    moment = Loan.objects.get(pk=loan.pk).auto_repay_at
    return moment and moment.astimezone(make.SHANGHAI).strftime("%m-%d %H:%M")


def authorize(scope, accounts, now=JAN_20, windows=("09:30", "15:30"), rule=None, **wishes):
    """A mandate of any scope, over several accounts; `wishes` as `Wishes` has them."""
    given = authorize_mandate(
        scope=scope,
        sources=accounts,
        recording=make.recording(now),
        wishes=Wishes(rule=rule or DebitRule(windows=tuple(windows)), **wishes),
    )
    assert isinstance(given, AutoRepayMandate), given
    return given


def tries(loan):
    """(bill, try, window in Shanghai, account, why it took less or else the outcome, taken) of each attempt."""
    rows = AutoRepayAttempt.objects.filter(bill__loan=loan).select_related("bill", "account").order_by("pk")
    return [
        (
            row.bill.number,
            row.number,
            row.window_at.astimezone(make.SHANGHAI).strftime("%m-%d %H:%M"),
            row.account.name,
            row.reason or str(row.outcome),
            row.debited,
        )
        for row in rows
    ]
