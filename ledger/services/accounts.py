"""Funding accounts: adding one, and stating what is in it."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.models import FundingAccount, Household, StatedBalance
from ledger.models.accounts import AccountKind
from ledger.services.recording import Recording, digest, key_conflict
from ledger.services.refusal import Refusal


def add_account(
    *, household: Household, name: str, currency: str, kind: AccountKind = AccountKind.CARD, last4: str = ""
) -> FundingAccount | Refusal:
    """Add a card or wallet. Adding the very same again returns it; its name and digits with other content are
    refused."""
    said = {"currency": currency, "kind": str(kind)}
    with transaction.atomic():
        account, _made = FundingAccount.objects.get_or_create(
            household=household, name=name, last4=last4, defaults=said
        )
    if account.archived_at is not None or {"currency": account.currency, "kind": account.kind} != said:
        return Refusal("account_exists", _("An account of this name is already on the list."), "name")
    return account


def add_account_with_balance(
    *,
    household: Household,
    name: str,
    currency: str,
    kind: AccountKind,
    last4: str,
    balance: int,
    stated_on: date,
    recording: Recording,
) -> FundingAccount | Refusal:
    """Add an account together with what is in it: both or neither."""
    with transaction.atomic():
        account = add_account(household=household, name=name, currency=currency, kind=kind, last4=last4)
        if isinstance(account, Refusal):
            return account
        stated = state_balance(account=account, amount=balance, stated_on=stated_on, recording=recording)
        if isinstance(stated, Refusal):
            transaction.set_rollback(True)
            return stated
        return account


def state_balance(
    *, account: FundingAccount, amount: int, stated_on: date, recording: Recording
) -> StatedBalance | Refusal:
    """Write down that `amount` (minor units) was in the account on a day, as its owner says."""
    if stated_on > account.household.today(recording.now):
        return Refusal("in_future", _("A balance can be stated for today or an earlier day."), "stated_on")
    said = StatedBalance(
        household_id=account.household_id,
        account=account,
        amount=amount,
        stated_on=stated_on,
        recorded_at=recording.now,
        recorded_by=recording.by,
        key=recording.key,
        fingerprint=digest({"account": account.pk, "amount": amount, "stated_on": stated_on}),
    )
    earlier = StatedBalance.objects.filter(household_id=said.household_id, key=said.key)
    try:
        with transaction.atomic():
            found = earlier.first()
            if found is None:
                said.save()
                return said
    except IntegrityError:
        found = earlier.get()
    return found if found.fingerprint == said.fingerprint else key_conflict()
