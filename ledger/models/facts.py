"""What happened to a loan: facts, only ever added, each kind with its own columns and limits.

All kinds share one table, so that a household's key is unique among all of them, a reversal can name any,
and one query reads a loan's whole history in order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.loanmath import facts
from ledger.loanmath.facts import ApplyTo, CouponKind, DeferralTreatment, RateEffect
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, LoanTerms
from ledger.models.append_only import AppendOnly
from ledger.models.loans import Loan
from ledger.models.people import Household
from ledger.querysets import FactQuerySet


class Kind(models.TextChoices):
    REPAYMENT = "repayment", _("repayment")
    RATE_CHANGE = "rate_change", _("rate change")
    CHARGE = "charge", _("charge")
    WAIVER = "waiver", _("waiver")
    DEFERRAL = "deferral", _("deferral")
    LENDER_FIGURE = "lender_figure", _("lender’s figure")
    DRAWDOWN = "drawdown", _("drawdown")
    DUE_DATE_MOVE = "due_date_move", _("moved due date")
    PAUSE = "pause", _("pause")
    EXTENSION = "extension", _("extension")
    REFUND = "refund", _("refund")
    COUPON = "coupon", _("coupon")
    TERMS = "terms", _("amended terms")
    ARRANGEMENT = "arrangement", _("arrangement")
    CONFIRMATION = "confirmation", _("confirmation")
    REVERSAL = "reversal", _("reversal")


class Source(models.TextChoices):
    MANUAL = "manual", _("by hand")
    AUTO = "auto", _("auto-repay")
    IMPORT = "import", _("import")


def values(choices: type[StrEnum]) -> list[str]:
    """The plain texts of an enumeration, as a migration can hold them."""
    return [choice.value for choice in choices]


def values_without_day() -> list[str]:
    """The treatments of a deferred bill that follow by themselves, without a new day."""
    return [DeferralTreatment.INTEREST_ONLY.value, DeferralTreatment.ADD_TO_END.value]


def only_for(kinds: list[str], **needs: Any) -> Q:
    """A row of one of `kinds` has these columns, and they meet `needs`; other kinds are not asked. (A comparison with
    NULL is unknown, which a check lets pass: so each column is asked for by itself.)"""
    present = {f"{name.partition('__')[0]}__isnull": False for name in needs}
    return Q(kind__in=kinds, **(present | needs)) | ~Q(kind__in=kinds)


class Fact(AppendOnly):
    """One dated fact. `effective_on` is when it counts, `recorded_at` when we learned it; `target` is the fact
    a reversal undoes or a confirmation confirms; `key` with `fingerprint` makes recording it idempotent."""

    # Foreign keys that another index begins with, or that nobody looks rows up by, have no index of their own: facts
    # are added by the hundred thousand.
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="facts", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="facts", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    effective_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)

    amount = models.BigIntegerField(null=True)  # repayment, charge, waiver, drawdown, refund, coupon
    bill_number = models.PositiveSmallIntegerField(null=True)
    count = models.PositiveSmallIntegerField(null=True)  # extension: bills; coupon: bills or days
    fraction = models.DecimalField(max_digits=14, decimal_places=10, null=True)  # coupon
    cap = models.BigIntegerField(null=True)  # coupon
    until = models.DateField(null=True)  # pause, coupon
    terms_version = models.OneToOneField(
        "ledger.TermsVersion", on_delete=models.RESTRICT, null=True, related_name="fact"
    )  # amended terms, arrangement
    component = models.CharField(max_length=10, blank=True)  # charge, waiver
    apply_to = models.CharField(max_length=10, blank=True)  # repayment
    source = models.CharField(max_length=10, choices=Source.choices, blank=True)  # repayment
    presumed = models.BooleanField(default=False)  # repayment
    account = models.ForeignKey(
        "ledger.FundingAccount", on_delete=models.RESTRICT, null=True, related_name="repayments", db_index=False
    )
    annual_rate = models.DecimalField(max_digits=14, decimal_places=10, null=True)  # rate change
    effect = models.CharField(max_length=20, blank=True)  # rate change, deferral, coupon, arrangement; reversal: why
    moved_to = models.DateField(null=True)  # deferral, moved due date; charge: when it is asked for
    principal = models.BigIntegerField(null=True)  # lender's figure, by part
    interest = models.BigIntegerField(null=True)
    fee = models.BigIntegerField(null=True)
    penalty = models.BigIntegerField(null=True)
    target = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="targeted_by")

    objects = FactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="fact_key_once"),
            models.UniqueConstraint(fields=["target"], condition=Q(kind=Kind.REVERSAL), name="fact_reversed_once"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="fact_kind_known"),
            models.CheckConstraint(
                condition=only_for(["repayment", "charge", "waiver", "drawdown", "refund"], amount__gt=0),
                name="fact_amount_positive",
            ),
            models.CheckConstraint(
                condition=only_for(["repayment"], apply_to__in=values(ApplyTo), source__in=Source.values),
                name="fact_repayment_complete",
            ),
            models.CheckConstraint(
                condition=only_for(["charge", "waiver"], component__in=values(Component)),
                name="fact_component_known",
            ),
            models.CheckConstraint(
                condition=only_for(["rate_change"], annual_rate__gte=0, effect__in=values(RateEffect)),
                name="fact_rate_change_complete",
            ),
            models.CheckConstraint(
                condition=only_for(["deferral"], bill_number__gte=1, effect__in=values(DeferralTreatment))
                & (only_for(["deferral"], moved_to__isnull=False) | Q(effect__in=values_without_day())),
                name="fact_deferral_complete",
            ),
            models.CheckConstraint(
                condition=only_for(["due_date_move"], bill_number__gte=1, moved_to__isnull=False),
                name="fact_due_date_move_complete",
            ),
            models.CheckConstraint(
                condition=only_for(["pause"], until__gte=F("effective_on")), name="fact_pause_complete"
            ),
            models.CheckConstraint(condition=only_for(["extension"], count__gte=1), name="fact_extension_complete"),
            models.CheckConstraint(
                condition=only_for(["coupon"], effect__in=values(CouponKind)), name="fact_coupon_complete"
            ),
            models.CheckConstraint(
                condition=only_for(["terms", "arrangement"], terms_version__isnull=False)
                & (Q(kind__in=["terms", "arrangement"]) | Q(terms_version__isnull=True)),
                name="fact_terms_where_needed",
            ),
            models.CheckConstraint(
                condition=only_for(
                    ["lender_figure"],
                    bill_number__gte=1,
                    principal__gte=0,
                    interest__gte=0,
                    fee__gte=0,
                    penalty__gte=0,
                ),
                name="fact_lender_figure_complete",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["confirmation", "reversal"], target__isnull=False)
                | (~Q(kind__in=["confirmation", "reversal"]) & Q(target__isnull=True)),
                name="fact_target_where_needed",
            ),
        ]
        indexes = [
            models.Index(fields=["loan", "effective_on", "id"], name="fact_loan_day"),
            models.Index(fields=["household", "-recorded_at", "-id"], name="fact_household_recorded"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} on {self.effective_on}"

    @property
    def value(self) -> facts.Fact:
        """This fact as the engine reads it."""
        return _TO_VALUE[Kind(self.kind)](self)

    @property
    def figure(self) -> Parts:
        """The lender's figure by part."""
        return Parts(self.principal or 0, self.interest or 0, self.fee or 0, self.penalty or 0)


BY_THIRD_PARTY = "third"  # a coupon's component: who pays for it
FORGIVES = "forgives"  # an arrangement's effect: what was unpaid of interest and charges is let go


def _terms(row: Fact) -> LoanTerms:
    assert row.terms_version is not None, "a check constraint asks for it"
    return row.terms_version.value


def _when(row: Fact) -> dict[str, Any]:
    return {"id": row.pk, "effective_on": row.effective_on}


_TO_VALUE: dict[Kind, Callable[[Fact], facts.Fact]] = {
    Kind.REPAYMENT: lambda row: facts.Repayment(
        **_when(row),
        amount=row.amount or 0,
        apply_to=ApplyTo(row.apply_to),
        bill=row.bill_number,
        presumed=row.presumed,
    ),
    Kind.RATE_CHANGE: lambda row: facts.RateChange(
        **_when(row), annual_rate=row.annual_rate or Decimal(0), effect=RateEffect(row.effect)
    ),
    Kind.CHARGE: lambda row: facts.Charge(
        **_when(row),
        amount=row.amount or 0,
        component=Component(row.component),
        bill=row.bill_number,
        due_on=row.moved_to,
    ),
    Kind.WAIVER: lambda row: facts.Waiver(
        **_when(row), amount=row.amount or 0, component=Component(row.component), bill=row.bill_number or 0
    ),
    Kind.DEFERRAL: lambda row: facts.Deferral(
        **_when(row),
        bill=row.bill_number or 0,
        due_on=row.moved_to,
        treatment=DeferralTreatment(row.effect),
    ),
    Kind.DRAWDOWN: lambda row: facts.Drawdown(**_when(row), amount=row.amount or 0),
    Kind.DUE_DATE_MOVE: lambda row: facts.DueDateMove(
        **_when(row), bill=row.bill_number or 0, due_on=row.moved_to or row.effective_on
    ),
    Kind.PAUSE: lambda row: facts.Pause(**_when(row), until=row.until or row.effective_on),
    Kind.EXTENSION: lambda row: facts.Extension(**_when(row), bills=row.count or 0),
    Kind.REFUND: lambda row: facts.Refund(**_when(row), amount=row.amount or 0),
    Kind.COUPON: lambda row: facts.Coupon(
        **_when(row),
        kind=CouponKind(row.effect),
        amount=row.amount or 0,
        fraction=row.fraction or Decimal(0),
        count=row.count or 0,
        bill=row.bill_number,
        until=row.until,
        cap=row.cap,
        by_third_party=row.component == BY_THIRD_PARTY,
    ),
    Kind.TERMS: lambda row: facts.TermsVersion(**_when(row), terms=_terms(row)),
    Kind.ARRANGEMENT: lambda row: facts.Arrangement(**_when(row), terms=_terms(row), forgives=row.effect == FORGIVES),
    Kind.LENDER_FIGURE: lambda row: facts.LenderFigure(**_when(row), bill=row.bill_number or 0, parts=row.figure),
    Kind.CONFIRMATION: lambda row: facts.Confirmation(**_when(row), of=row.target_id or 0),
    Kind.REVERSAL: lambda row: facts.Reversal(**_when(row), of=row.target_id or 0),
}


class KindManager(models.Manager.from_queryset(FactQuerySet)):
    """Facts of the one kind a proxy stands for."""

    def get_queryset(self) -> FactQuerySet[Any]:
        facts: FactQuerySet[Any] = super().get_queryset().filter(kind=self.model.KIND)
        return facts


class OfKind:
    """Gives a proxy of `Fact` its kind."""

    KIND: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args:
            kwargs.setdefault("kind", self.KIND)
        super().__init__(*args, **kwargs)


class Repayment(OfKind, Fact):
    """Money the borrower paid: by hand, by auto-repay or from an import."""

    KIND = Kind.REPAYMENT
    objects = KindManager()

    class Meta:
        proxy = True

    @property
    def paid_on(self) -> date:
        return self.effective_on


class RateChange(OfKind, Fact):
    KIND = Kind.RATE_CHANGE
    objects = KindManager()

    class Meta:
        proxy = True


class Charge(OfKind, Fact):
    """An agreed cost or consequence of lateness that the lender added."""

    KIND = Kind.CHARGE
    objects = KindManager()

    class Meta:
        proxy = True


class Waiver(OfKind, Fact):
    """A charge forgiven or a coupon used; never a repayment."""

    KIND = Kind.WAIVER
    objects = KindManager()

    class Meta:
        proxy = True


class Deferral(OfKind, Fact):
    """An agreed later date for a bill."""

    KIND = Kind.DEFERRAL
    objects = KindManager()

    class Meta:
        proxy = True


class LenderFigure(OfKind, Fact):
    """What the lender says a bill is: replaces ours, and the difference shows."""

    KIND = Kind.LENDER_FIGURE
    objects = KindManager()

    class Meta:
        proxy = True


class Confirmation(OfKind, Fact):
    """Someone says that a presumed debit happened."""

    KIND = Kind.CONFIRMATION
    objects = KindManager()

    class Meta:
        proxy = True


class Reversal(OfKind, Fact):
    """Undoes the fact it targets; itself undone by another reversal."""

    KIND = Kind.REVERSAL
    objects = KindManager()

    class Meta:
        proxy = True


class Drawdown(OfKind, Fact):
    """More money lent under the same agreement."""

    KIND = Kind.DRAWDOWN
    objects = KindManager()

    class Meta:
        proxy = True


class DueDateMove(OfKind, Fact):
    """The due day is another one from a bill on."""

    KIND = Kind.DUE_DATE_MOVE
    objects = KindManager()

    class Meta:
        proxy = True


class Pause(OfKind, Fact):
    """Days that bear no interest."""

    KIND = Kind.PAUSE
    objects = KindManager()

    class Meta:
        proxy = True


class Extension(OfKind, Fact):
    """More bills than were agreed."""

    KIND = Kind.EXTENSION
    objects = KindManager()

    class Meta:
        proxy = True


class Refund(OfKind, Fact):
    """A purchase given back; never a repayment."""

    KIND = Kind.REFUND
    objects = KindManager()

    class Meta:
        proxy = True


class Coupon(OfKind, Fact):
    """A coupon used, or a subsidy a third party pays."""

    KIND = Kind.COUPON
    objects = KindManager()

    class Meta:
        proxy = True


class Amendment(OfKind, Fact):
    """Other terms from a day on."""

    KIND = Kind.TERMS
    objects = KindManager()

    class Meta:
        proxy = True


class Arrangement(OfKind, Fact):
    """Everything owed is repaid under new terms."""

    KIND = Kind.ARRANGEMENT
    objects = KindManager()

    class Meta:
        proxy = True
