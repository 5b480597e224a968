"""Where debits come from: funding accounts, the balances their owner states, and what repayments took."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.models.append_only import AppendOnly
from ledger.models.facts import Fact
from ledger.models.people import Household
from ledger.querysets import AccountQuerySet


class AccountKind(models.TextChoices):
    CARD = "card", _("bank card")
    WALLET = "wallet", _("wallet")
    FUND = "fund", _("money-market fund")


class FundingAccount(models.Model):
    """The bank card or wallet debits come from. Only the last four digits are kept.

    `name` is what the household calls it, `institution` the bank or app that keeps it. The smaller its `priority`, the
    earlier it is listed and offered.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="accounts")
    name = models.CharField(max_length=100)
    institution = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=10, choices=AccountKind.choices, default=AccountKind.CARD)
    last4 = models.CharField(max_length=4, blank=True, validators=[RegexValidator(r"^\d{4}$", _("Four digits."))])
    currency = models.CharField(max_length=3)
    priority = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "name", "last4"], name="account_name_once"),
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="account_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ••{self.last4}" if self.last4 else self.name


class StatedBalance(AppendOnly):
    """What the owner said was in the account on a day."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(FundingAccount, on_delete=models.CASCADE, related_name="stated_balances")
    amount = models.BigIntegerField()
    stated_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["household", "key"], name="stated_balance_key_once")]
        indexes = [models.Index(fields=["account", "-stated_on", "-id"], name="stated_balance_newest")]

    def __str__(self) -> str:
        return f"{self.account}: {self.amount} on {self.stated_on}"


class AccountEntry(AppendOnly):
    """What one repayment took from an account; its reversal's entry gives it back.

    `amount` is signed: a repayment's is negative. A reversal's entry carries the `entry_on` and `booked_at` of the
    repayment's, so that a balance stated between the two takes both or neither.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(FundingAccount, on_delete=models.RESTRICT, related_name="entries", db_index=False)
    fact = models.OneToOneField(Fact, on_delete=models.RESTRICT, related_name="entry")
    amount = models.BigIntegerField()
    entry_on = models.DateField()
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="entry_not_zero")]
        indexes = [models.Index(fields=["account", "entry_on"], name="entry_account_day")]
        verbose_name_plural = "account entries"

    def __str__(self) -> str:
        return f"{self.account}: {self.amount} on {self.entry_on}"
