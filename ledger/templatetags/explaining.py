"""Amounts that open their explanation, and an explanation in words: `{% why minor currency "bill" 3 "interest" %}`."""

from __future__ import annotations

from fractions import Fraction
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ledger.loanmath.explanation import Cell, Explanation, Of, Part, Subject, Term, TermKind
from ledger.loanmath.money import MINUS, Rounding, exponent
from ledger.templatetags.days import short_day
from ledger.templatetags.fast import path_to
from ledger.templatetags.money import amount, money, money_text

register = template.Library()

FURTHER = 2  # decimals shown beyond the minor unit
MONTHS = 12


@register.simple_tag
def why(minor: int | None, currency: str, *name: object, loan: int | None = None) -> SafeString:
    """An amount that opens its explanation. `name` is the cell's, in pieces; `loan` is left out on the loan's own
    page, where the address is a short relative one."""
    return _link(money(minor, currency), name, loan)


@register.simple_tag
def why_text(minor: int | None, currency: str, *name: object, loan: int | None = None) -> SafeString:
    """The same for an amount inside a sentence: `{% why_text ... as amount %}{% blocktranslate %}...`."""
    return _link(money_text(minor, currency), name, loan)


@register.simple_tag
def why_sum(minor: int, currency: str, kind: str, query: str = "") -> SafeString:
    """A sum over several loans that opens what it adds up; `query` is what the bills page was narrowed to."""
    url = path_to("ledger:explain_sum", escape(f"{kind}-{currency}"))
    return SafeString(f'<a href="{url}{escape(query)}">{money(minor, currency)}</a>')


@register.simple_tag
def why_amount(minor: int | None, currency: str, *name: object, loan: int | None = None) -> SafeString:
    """The same without the currency sign, for the columns of tables."""
    return _link(amount(minor, currency), name, loan)


def _link(shown: str, name: tuple[object, ...], loan: int | None) -> SafeString:
    cell = escape("-".join(map(str, name)))
    address = path_to("ledger:explain_amount", loan, cell) if loan else f"explain/{cell}/"  # "" where none is named
    return SafeString(f'<a href="{address}">{shown if isinstance(shown, SafeString) else escape(shown)}</a>')


@register.filter
def exact(value: Fraction, currency: str) -> str:
    """An exact amount in minor units, cut after a few decimals beyond the minor unit: "31.8493…"."""
    if value.denominator == 1:
        return amount(int(value), currency)
    whole, rest = divmod(abs(value), 1)
    digits = rest * 10**FURTHER
    shown = f"{int(digits):0{FURTHER}d}"
    point = "" if exponent(currency) else "."
    more = "" if digits.denominator == 1 else "…"
    text = f"{amount(int(whole), currency)}{point}{shown.rstrip('0') if not more else shown}{more}"
    return f"{MINUS}{text}" if value < 0 else text


def _rate(rate: Fraction) -> str:
    """A yearly rate as a percentage with all its digits, or cut where they do not end."""
    shown = rate * 100 * 10**6
    cut = f"{int(shown) // 10**6}.{int(shown) % 10**6:06d}".rstrip("0").rstrip(".")
    return f"{cut}{'' if shown.denominator == 1 else '…'}%"


@register.filter
def formula(term: Term, currency: str) -> str:
    """How an amount that grew by the day was worked out: "31 days × 12.5% / 365 × 3,000.00"; "" for any other."""
    if term.base is None:
        return ""
    base = exact(term.base, currency)
    if term.kind is TermKind.LISTED_INTEREST:
        return ngettext("%(days)d of %(all)d days", "%(days)d of %(all)d days", term.days or 0) % {
            "days": term.days or 0,
            "all": term.year_days or 0,
        }
    if term.rate is None or term.kind is TermKind.ANNUITY or term.year_part is None:
        shares = (TermKind.PREPAYMENT_FEE, TermKind.BILL_FEE_SHARE)
        return f"{base} × {_rate(term.share)}" if term.kind in shares and term.share else ""
    return f"{_time(term)} × {base}"


def _time(term: Term) -> str:
    """The days and the rate over the days of a year; where every period counts alike, the rate and the part."""
    rate, part = _rate(term.rate or Fraction(0)), term.year_part or Fraction(0)
    if term.days is None:
        if part.numerator and (part * MONTHS).denominator == 1:
            months = int(part * MONTHS)
            return f"{rate} / 12" if months == 1 else f"{months} × {rate} / 12"
        return f"{rate} × {part}"
    days = ngettext("%(count)d day", "%(count)d days", term.days) % {"count": term.days}
    if term.year_days is None:
        return f"{days}: {rate} × {part}"
    return f"{days} × {rate} / {term.year_days}"


@register.filter
def equation(explanation: Explanation) -> str:
    """The whole sum in one line where formulas and rounding are all there is: "31 days × 12.5% / 365 × 3,000.00 =
    31.85"; else ""."""
    currency = explanation.currency
    rest = [term for term in explanation.terms if term.kind is not TermKind.ROUNDING]
    formulas = [formula(term, currency) for term in rest]
    if not formulas or not all(formulas) or len(formulas) > 3:
        return ""
    return f"{' + '.join(formulas)} = {amount(explanation.amount, currency)}"


# words

PART_WORDS = {
    Part.PRINCIPAL: _("Principal"),
    Part.INTEREST: _("Interest"),
    Part.FEE: _("Fee"),
    Part.PENALTY: _("Penalty"),
    Part.TOTAL: _("Total"),
}

OF_WORDS = {
    Of.DUE: "",
    Of.PAID: _("paid"),
    Of.WAIVED: _("waived"),
    Of.OPEN: _("left to pay"),
    Of.COMPUTED: _("our own figure"),
    Of.DIFFERENCE: _("the lender’s figure less ours"),
    Of.PRESUMED: _("presumed paid"),
    Of.CONFIRMED: _("paid for certain"),
}

SUBJECT_WORDS = {
    Subject.BILL: _("Bill %(number)d"),
    Subject.BALANCE: _("Balance after bill %(number)d"),
    Subject.PAYMENT: _("The payment behind bill %(number)d"),
    Subject.CAPITALIZED: _("Interest of bill %(number)d that became principal"),
    Subject.ALL: _("All bills"),
    Subject.LATE: _("Overdue"),
    Subject.OUTSTANDING: _("Still to repay"),
    Subject.BORROWED: _("Borrowed"),
    Subject.CREDIT: _("Paid ahead"),
    Subject.COST: _("Cost in all"),
    Subject.APR: _("True cost a year"),
    Subject.REPAYMENT: _("What a repayment met"),
    Subject.PAYOFF: _("Payoff on %(day)s"),
}


@register.filter
def cell_words(cell: Cell) -> str:
    """The name of an amount in words: "Bill 3 · Interest · paid"."""
    named = SUBJECT_WORDS[cell.subject] % {"number": cell.number, "day": short_day(cell.on)}
    pieces: list[object] = [named]
    if cell.subject in (Subject.BILL, Subject.ALL, Subject.LATE, Subject.REPAYMENT, Subject.PAYOFF):
        pieces += [PART_WORDS[cell.part], OF_WORDS[cell.of]]
    return " · ".join(str(piece) for piece in pieces if piece)


SUM_WORDS = {
    "late": _("Overdue"),
    "next": _("Due next"),
    "month_paid": _("Paid this month"),
    "month_presumed": _("Presumed paid this month"),
    "month_due": _("Still due this month"),
    "debt": _("Outstanding principal"),
    "interest": _("Interest still to pay"),
    "fees": _("Fees still to pay"),
    "open": _("Open"),
    "paid": _("Paid"),
    "presumed": _("Presumed paid"),
}


@register.filter
def sum_words(name: str) -> str:
    """The name of a sum over several loans in words: "Overdue"."""
    return str(SUM_WORDS[name.partition("-")[0]])


KIND_WORDS = {
    TermKind.INTEREST: _("Interest from %(since)s to %(until)s"),
    TermKind.OVERDUE_INTEREST: _("Interest on what is overdue, from %(since)s to %(until)s"),
    TermKind.LISTED_INTEREST: _("Row %(number)d of the lender’s table, for %(days)d days"),
    TermKind.CARRIED: _("Interest left over from an earlier bill"),
    TermKind.CARRIED_ON: _("Left to a later bill"),
    TermKind.GIVES_WAY: _("Made to fit, so that the last payment is like the others"),
    TermKind.PAYMENT: _("The level payment"),
    TermKind.LESS_INTEREST: _("Less the interest in it"),
    TermKind.LESS_PRINCIPAL: _("Less the principal bill %(number)d asks for"),
    TermKind.EQUAL_PART: _("An equal part of the principal"),
    TermKind.FIRST_TAKES: _("Cents left over, taken by the first bill"),
    TermKind.LISTED: _("Row %(number)d of the lender’s table"),
    TermKind.EXTRA: _("Paid on top, as agreed"),
    TermKind.NOT_YET: _("This bill repays no principal yet"),
    TermKind.REST: _("All that is left: it is the last bill"),
    TermKind.NO_MORE_THAN: _("Not needed: there is no more than that"),
    TermKind.BILL_FEE: _("The fee of every bill"),
    TermKind.FLAT_FEE: _("%(base)s of fees over %(number)d bills"),
    TermKind.UPFRONT_FEE: _("The fee taken at the start"),
    TermKind.CHARGE: _("A charge that was recorded"),
    TermKind.FIGURE: _("What the lender’s figure of %(base)s adds to ours"),
    TermKind.PENALTY: _("Penalty from %(since)s to %(until)s"),
    TermKind.LATE_FEE: _("The fee for being late"),
    TermKind.IN_GRACE: _("Nothing is asked while the grace lasts"),
    TermKind.REPAID: _("Met by a repayment"),
    TermKind.WAIVER: _("Let go of"),
    TermKind.ASKED: _("Asked for"),
    TermKind.MET: _("Less what was paid"),
    TermKind.LET_GO: _("Less what was waived"),
    TermKind.OURS: _("Less our own figure"),
    TermKind.OF_BILL: _("Bill %(number)d"),
    TermKind.LENT: _("Lent on %(until)s"),
    TermKind.FINANCED: _("Fees added to what was lent"),
    TermKind.DRAWN: _("Drawn later"),
    TermKind.CAPITALIZED: _("Interest of bill %(number)d that became principal"),
    TermKind.PREPAID: _("Principal repaid early"),
    TermKind.REFUNDED: _("A purchase given back"),
    TermKind.JOINED: _("Interest and charges that the arrangement made principal"),
    TermKind.INTEREST_BESIDE: _("Interest that was in no bill yet"),
    TermKind.FEE_BESIDE: _("Fees that were in no bill yet"),
    TermKind.PAID_BESIDE: _("What was in no bill yet"),
    TermKind.DOWN_PAYMENT: _("The down payment"),
    TermKind.PAID_AHEAD: _("What was already paid of this bill"),
    TermKind.PAID_AHEAD_INTEREST: _("Less the interest that money paid ahead has met"),
    TermKind.OVERPAID: _("More was paid than it would have asked for"),
    TermKind.RELIEF: _("Less, since more was paid before"),
    TermKind.REPLACED: _("The rest is asked for under the arrangement; this is what had met it"),
    TermKind.ARRANGED: _("Owed when the arrangement began"),
    TermKind.COUPON: _("Taken off by a coupon"),
    TermKind.PAUSED: _("No interest from %(since)s to %(until)s"),
    TermKind.BILL_FEE_SHARE: _("The fee of every bill, a share of what was lent"),
    TermKind.BEFORE: _("Owed before"),
    TermKind.CREDIT: _("Less what was already paid ahead"),
    TermKind.HELD: _("Kept of a repayment"),
    TermKind.ANNUITY: _("What repays %(base)s at %(rate)s in %(number)d equal payments"),
    TermKind.EQUAL_SHARE: _("%(base)s shared equally over %(number)d bills"),
    TermKind.STATED: _("As the agreement states it"),
    TermKind.FITTED: _("Moved, so that the last bill comes close to the others"),
    TermKind.WEIGHT: _("This bill asks for %(share)s times the payment"),
    TermKind.PENALTY_CAP: _("No more than the agreement allows"),
    TermKind.KEPT: _("Kept: a penalty does not fall again"),
    TermKind.MONTHS_OF_INTEREST: _("Months of interest asked for repaying early"),
    TermKind.AT_LEAST: _("Raised to the least the fee is"),
    TermKind.UNBILLED_FEES: _("Fees of bills that will not come"),
    TermKind.NOT_BILLED: _("Principal that is in no bill yet"),
    TermKind.PREPAYMENT_FEE: _("The fee for repaying early"),
}

ROUNDING_WORDS = {
    Rounding.HALF_UP: _("Rounded to the nearest, halves up"),
    Rounding.HALF_EVEN: _("Rounded to the nearest, halves to even"),
    Rounding.DOWN: _("Rounded down"),
    Rounding.UP: _("Rounded up"),
    Rounding.NONE: _("Never rounded but to be shown"),
}


@register.filter
def term_words(term: Term, currency: str) -> str:
    """What a term is, in words."""
    if term.kind is TermKind.ROUNDING:
        return str(ROUNDING_WORDS[term.rounding or Rounding.HALF_UP])
    if term.kind is TermKind.PART and term.part is not None:
        return str(PART_WORDS[term.part])
    if term.kind is TermKind.FLOW:
        words = _("Received on %(until)s") if term.amount < 0 else _("Paid on %(until)s")
    elif term.kind is TermKind.MET and term.number is not None:
        words = _("Less what was paid of bill %(number)d")
    elif term.kind is TermKind.LET_GO and term.number is not None:
        words = _("Less what was waived of bill %(number)d")
    elif term.kind is TermKind.INTEREST and term.since is None:
        words = _("Interest of one whole period")
    else:
        words = KIND_WORDS[term.kind]
    return words % {
        "since": short_day(term.since),
        "until": short_day(term.until),
        "days": term.days or 0,
        "number": term.number or 0,
        "base": money_text(int(term.base or 0), currency),
        "rate": _rate(term.rate or Fraction(0)),
        "share": str(term.share or 0),
    }
