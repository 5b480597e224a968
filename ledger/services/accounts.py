"""Funding accounts: adding one, what it is called, its place among the others, putting it away, what is in it."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from ledger.models import AutoRepayMandate, FundingAccount, Household, StatedBalance
from ledger.models.accounts import AccountKind
from ledger.services.recording import Recording, digest, key_conflict
from ledger.services.refusal import Refusal

LAST_PLACE = 32_767  # what the column holds
_LAST4 = re.compile(r"[0-9]{4}")
_WHOLE_NUMBER = re.compile(r"(?:[0-9][\s.·-]*){12,}")  # the shortest card numbers have twelve digits


def add_account(
    *,
    household: Household,
    name: str,
    currency: str,
    kind: AccountKind = AccountKind.CARD,
    last4: str = "",
    institution: str = "",
) -> FundingAccount | Refusal:
    """Add a card or wallet after the others. Adding the very same again returns it; its name and digits with other
    content are refused."""
    refusal = refuse_number(name=name, institution=institution, last4=last4)
    if refusal is not None:
        return refusal
    said = {"currency": currency, "kind": str(kind), "institution": institution}
    last = FundingAccount.objects.filter(household=household).aggregate(last=Max("priority"))["last"]
    place = 0 if last is None else min(last + 1, LAST_PLACE)
    with transaction.atomic():
        account, _made = FundingAccount.objects.get_or_create(
            household=household, name=name, last4=last4, defaults=said | {"priority": place}
        )
    if account.archived_at is not None:
        return Refusal("account_exists", _("An account of this name was put away. Use that one again."), "name")
    if {field: getattr(account, field) for field in said} != said:
        return _name_taken()
    return account


def refuse_number(*, name: str, institution: str, last4: str) -> Refusal | None:
    """Refuses all that could be a whole card or account number, wherever it was typed: no more than four digits of it
    are ever kept."""
    if last4 and not _LAST4.fullmatch(last4):
        digits = sum(character.isdigit() for character in last4)
        if digits > len("1234"):
            return Refusal("last4", _("Only the last four digits, please: the whole number is never kept."), "last4")
        return Refusal("last4", _("Enter the last four digits of the number, or leave this empty."), "last4")
    for field, text in (("name", name), ("institution", institution)):
        if _WHOLE_NUMBER.search(unicodedata.normalize("NFKC", text)):
            return Refusal(
                "whole_number", _("This looks like a whole card number, which is never kept. Leave it out."), field
            )
    return None


def _name_taken() -> Refusal:
    return Refusal("account_exists", _("An account of this name is already on the list."), "name")


def edit_account(
    *, account: FundingAccount, name: str, institution: str = "", last4: str = ""
) -> FundingAccount | Refusal:
    """Call an account something else. What was debited from it stays debited from it; the same again changes
    nothing."""
    refusal = refuse_number(name=name, institution=institution, last4=last4)
    if refusal is not None:
        return refusal
    others = FundingAccount.objects.filter(household_id=account.household_id, name=name, last4=last4)
    if others.exclude(pk=account.pk).exists():
        return _name_taken()
    account.name, account.institution, account.last4 = name, institution, last4
    try:
        with transaction.atomic():
            account.save(update_fields=["name", "institution", "last4"])
    except IntegrityError:  # somebody else was quicker
        return _name_taken()
    return account


def move_account(*, account: FundingAccount, place: int) -> FundingAccount:
    """Give an account in use the `place` (0 is the first, beyond the last is the last) among those of its household;
    the others close up. Moving it there twice changes nothing."""
    with transaction.atomic():
        in_use = FundingAccount.objects.in_use().filter(household_id=account.household_id)
        list(in_use.order_by("pk").select_for_update(no_key=True))  # in the order in which debits hold them
        order = list(in_use)
        moved = next((one for one in order if one.pk == account.pk), None)
        if moved is not None:
            order.remove(moved)
            order.insert(max(place, 0), moved)
        for priority, one in enumerate(order):
            if one.priority != priority:
                one.priority = priority
                one.save(update_fields=["priority"])
    account.refresh_from_db()
    return account


def archive_account(*, account: FundingAccount, recording: Recording) -> FundingAccount | Refusal:
    """Put an account away: it is listed and offered no more, and what was booked on it stays. Refused while a lender
    may debit it. Putting it away twice changes nothing."""
    with transaction.atomic():
        locked = FundingAccount.objects.select_for_update().get(pk=account.pk)
        debits = (
            AutoRepayMandate.objects.live()
            .filter(accounts=locked)
            .select_related("loan", "credit_line", "lender")
            .first()
        )
        if debits is not None:
            return Refusal(
                "debited",
                _("Auto-repay of %(loan)s debits this account. Switch it off or choose another account there first.")
                % {"loan": debits.scope},
            )
        if locked.archived_at is None:
            locked.archived_at = recording.now
            locked.save(update_fields=["archived_at"])
    return locked


def use_account_again(*, account: FundingAccount) -> FundingAccount:
    """Take an account that was put away back in use, in its old place."""
    account.archived_at = None
    account.save(update_fields=["archived_at"])
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
    institution: str = "",
) -> FundingAccount | Refusal:
    """Add an account together with what is in it: both or neither."""
    with transaction.atomic():
        account = add_account(
            household=household, name=name, currency=currency, kind=kind, last4=last4, institution=institution
        )
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
