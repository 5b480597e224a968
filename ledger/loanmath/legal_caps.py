"""Legal caps on what credit may cost: data with date and source, for information. Never a verdict on a loan.

Which of them applies to a loan depends on who lends and on what; this module only says which were in force on a day
in a place. What it knows was last looked at on KNOWN_AS_OF; later changes are not in it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

KNOWN_AS_OF = date(2026, 4, 20)
LPR_TIMES = 4

# One-year loan prime rate from the day it was published on (PBOC, National Interbank Funding Center). Last confirmed
# on KNOWN_AS_OF.
ONE_YEAR_LPR: tuple[tuple[date, Decimal], ...] = tuple(
    (date.fromisoformat(day), Decimal(percent).scaleb(-2))
    for day, percent in (
        ("2019-08-20", "4.25"),
        ("2019-09-20", "4.20"),
        ("2019-11-20", "4.15"),
        ("2020-02-20", "4.05"),
        ("2020-04-20", "3.85"),
        ("2021-12-20", "3.80"),
        ("2022-01-20", "3.70"),
        ("2022-08-22", "3.65"),
        ("2023-06-20", "3.55"),
        ("2023-08-21", "3.45"),
        ("2024-07-22", "3.35"),
        ("2024-10-21", "3.10"),
        ("2025-05-20", "3.00"),
    )
)

PLACES = {"CNY": "CN", "BRL": "BR", "GBP": "GB", "INR": "IN"}  # where a loan in this currency is usually made


class CapKind(StrEnum):
    """What is limited, and for whom."""

    CN_PRIVATE_PROTECTED = "cn_private_protected"  # private lending: courts enforce up to this yearly rate
    CN_PRIVATE_VOID = "cn_private_void"  # private lending: what is above is void, and may be claimed back
    CN_PRIVATE_LPR = "cn_private_lpr"  # private lending: four times the one-year LPR of the day of the contract
    CN_LICENSED_EXEMPT = "cn_licensed_exempt"  # the rule on private lending does not hold for licensed lenders
    CN_CARD_CEILING = "cn_card_ceiling"  # credit cards: the most interest a day
    CN_CARD_FLOOR = "cn_card_floor"  # credit cards: the least interest a day
    CN_CARD_FREE = "cn_card_free"  # credit cards: issuer and holder agree on the rate
    CN_ONLINE_BANK = "cn_online_bank"  # online loans of banks with partners: all interest and fees a year
    BR_CARD_TOTAL = "br_card_total"  # cards: interest and charges as a share of the debt
    BR_LATE_FEE = "br_late_fee"  # late fee (multa) as a share of the installment
    GB_DAILY = "gb_daily"  # high-cost short-term credit: interest and fees a day, of the amount borrowed
    GB_TOTAL = "gb_total"  # high-cost short-term credit: all interest and fees, of the amount borrowed
    IN_PENAL = "in_penal"  # a penalty is a charge: no interest is added to the rate, none is counted on it


class Per(StrEnum):
    """What the figure of a cap is counted by."""

    YEAR = "year"
    DAY = "day"
    ONCE = "once"  # a share, not a rate


@dataclass(frozen=True, slots=True)
class Cap:
    """One rule. In force from `since` through the day before `until` (None: still, as far as known); `figure` is a
    fraction `per` year, day or once, None where the rule names none. `source` is the act or notice."""

    kind: CapKind
    place: str
    since: date
    until: date | None
    figure: Decimal | None
    per: Per
    source: str


def _cap(kind: CapKind, since: str, until: str | None, figure: str | None, per: Per, source: str) -> Cap:
    return Cap(
        kind=kind,
        place=kind.value[:2].upper(),
        since=date.fromisoformat(since),
        until=date.fromisoformat(until) if until else None,
        figure=Decimal(figure) if figure else None,
        per=per,
        source=source,
    )


_CARDS_2017, _CARDS_2021 = "银发〔2016〕111号", "银发〔2020〕327号"
_PRIVATE_2015, _LICENSED = "法释〔2015〕18号", "法释〔2020〕27号"
_PRIVATE_2020 = "法释〔2020〕6号、〔2020〕17号"
_CONC = "FCA Handbook, CONC 5A (PS14/16)"

CAPS: tuple[Cap, ...] = (
    _cap(CapKind.CN_PRIVATE_PROTECTED, "2015-09-01", "2020-08-20", "0.24", Per.YEAR, _PRIVATE_2015),
    _cap(CapKind.CN_PRIVATE_VOID, "2015-09-01", "2020-08-20", "0.36", Per.YEAR, _PRIVATE_2015),
    _cap(CapKind.CN_PRIVATE_LPR, "2020-08-20", None, None, Per.YEAR, _PRIVATE_2020),
    _cap(CapKind.CN_LICENSED_EXEMPT, "2021-01-01", None, None, Per.YEAR, _LICENSED),
    _cap(CapKind.CN_ONLINE_BANK, "2025-10-01", None, "0.24", Per.YEAR, "金规〔2025〕9号"),
    _cap(CapKind.CN_CARD_CEILING, "2017-01-01", "2021-01-01", "0.0005", Per.DAY, _CARDS_2017),
    _cap(CapKind.CN_CARD_FLOOR, "2017-01-01", "2021-01-01", "0.00035", Per.DAY, _CARDS_2017),
    _cap(CapKind.CN_CARD_FREE, "2021-01-01", None, None, Per.DAY, _CARDS_2021),
    _cap(CapKind.BR_CARD_TOTAL, "2024-01-03", None, "1", Per.ONCE, "Lei 14.690/2023"),
    _cap(CapKind.BR_LATE_FEE, "1996-08-02", None, "0.02", Per.ONCE, "Lei 8.078/1990, art. 52 § 1 (Lei 9.298/1996)"),
    _cap(CapKind.GB_DAILY, "2015-01-02", None, "0.008", Per.DAY, _CONC),
    _cap(CapKind.GB_TOTAL, "2015-01-02", None, "1", Per.ONCE, _CONC),
    _cap(CapKind.IN_PENAL, "2024-04-01", None, None, Per.ONCE, "RBI, Fair Lending Practice: Penal Charges (2023)"),
)


def one_year_lpr(day: date) -> Decimal | None:
    """The one-year LPR in force on `day`; None before there was one. After KNOWN_AS_OF the last one known."""
    published = [since for since, _ in ONE_YEAR_LPR]
    at = bisect_right(published, day)
    return ONE_YEAR_LPR[at - 1][1] if at else None


def caps_on(day: date, place: str) -> tuple[Cap, ...]:
    """The caps in force on `day` in `place` (ISO 3166 code), four times the LPR worked out for that day."""
    in_force = [
        cap for cap in CAPS if cap.place == place and cap.since <= day and (cap.until is None or day < cap.until)
    ]
    return tuple(_with_lpr(cap, day) for cap in in_force)


def _with_lpr(cap: Cap, day: date) -> Cap:
    rate = one_year_lpr(day) if cap.kind is CapKind.CN_PRIVATE_LPR else None
    if rate is None:
        return cap
    return Cap(cap.kind, cap.place, cap.since, cap.until, LPR_TIMES * rate, cap.per, cap.source)
