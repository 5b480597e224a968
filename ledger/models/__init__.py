"""Facts and what is computed from them, one concept a file."""

from ledger.models.accounts import AccountEntry, FundingAccount, StatedBalance
from ledger.models.autorepay import AutoRepayAttempt, AutoRepayMandate, MandateSource
from ledger.models.benchmarks import BenchmarkRate
from ledger.models.bills import Allocation, Bill
from ledger.models.documents import Document
from ledger.models.facts import (
    Amendment,
    Arrangement,
    Charge,
    Confirmation,
    Coupon,
    Deferral,
    Drawdown,
    DueDateMove,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    Refund,
    Repayment,
    Reversal,
    Waiver,
)
from ledger.models.guards import unguarded
from ledger.models.heartbeat import Heartbeat
from ledger.models.inflows import PlannedInflow
from ledger.models.lenders import CreditLine, Lender
from ledger.models.loans import Loan, TermsVersion
from ledger.models.paperwork import Paperwork
from ledger.models.people import Household, Membership, Role, User

__all__ = [
    "AccountEntry",
    "Allocation",
    "Amendment",
    "Arrangement",
    "AutoRepayAttempt",
    "AutoRepayMandate",
    "BenchmarkRate",
    "Bill",
    "Charge",
    "Confirmation",
    "Coupon",
    "CreditLine",
    "Deferral",
    "Document",
    "Drawdown",
    "DueDateMove",
    "Extension",
    "Fact",
    "FundingAccount",
    "Heartbeat",
    "Household",
    "Lender",
    "LenderFigure",
    "Loan",
    "MandateSource",
    "Membership",
    "Paperwork",
    "Pause",
    "PlannedInflow",
    "RateChange",
    "Refund",
    "Repayment",
    "Reversal",
    "Role",
    "StatedBalance",
    "TermsVersion",
    "User",
    "Waiver",
    "unguarded",
]
