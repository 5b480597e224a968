"""Auto-repay mandates: giving a lender leave to debit, and ending it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.models import AutoRepayMandate, FundingAccount, Loan
from ledger.services.debit_times import schedule_debit
from ledger.services.projection import lock
from ledger.services.recording import Recording, digest, key_conflict
from ledger.services.refusal import Refusal

DEFAULT_WINDOWS = ("09:30", "15:30")
MOST_WINDOWS = 6
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def authorize_mandate(
    *, loan: Loan, account: FundingAccount, recording: Recording, windows: Sequence[str] = DEFAULT_WINDOWS
) -> AutoRepayMandate | Refusal:
    """Write down that the lender debits `account` for this loan's bills from today on, at local `windows` ("HH:MM").

    A live mandate with other content is replaced; bills it covered stay covered, from their next window on.
    """
    if account.household_id != loan.household_id or account.archived_at:
        return Refusal("account", _("Choose one of your accounts."), "account")
    if account.currency != loan.currency:
        return Refusal("currency", _("This account is kept in another currency than the loan."), "account")
    times = _times(windows)
    if isinstance(times, Refusal):
        return times
    said = digest({"loan": loan.pk, "account": account.pk, "windows": times})
    try:
        with transaction.atomic():
            return _authorize(lock(loan), account, recording, times, said)
    except IntegrityError:
        earlier = AutoRepayMandate.objects.filter(household_id=loan.household_id, key=recording.key).first()
        if earlier is None:
            raise
        return earlier if earlier.fingerprint == said else key_conflict()


def _times(windows: Sequence[str]) -> list[str] | Refusal:
    """The windows as sorted "HH:MM", each once."""
    found = [_TIME.fullmatch(window.strip()) for window in windows]
    times = sorted({f"{int(time[1]):02}:{time[2]}" for time in found if time is not None})
    if None in found:
        return Refusal("windows", _("Enter times such as 09:30."), "windows")
    if not times:
        return Refusal("windows", _("Enter at least one time, such as 09:30."), "windows")
    if len(times) > MOST_WINDOWS:
        return Refusal("windows", _("Enter at most %(most)s times a day.") % {"most": MOST_WINDOWS}, "windows")
    return times


def _authorize(
    loan: Loan, account: FundingAccount, recording: Recording, windows: list[str], said: str
) -> AutoRepayMandate | Refusal:
    earlier = AutoRepayMandate.objects.filter(household_id=loan.household_id, key=recording.key).first()
    if earlier is not None:
        return earlier if earlier.fingerprint == said else key_conflict()
    if loan.settled_on is not None or loan.archived_at is not None:
        return Refusal("settled", _("This loan has nothing left to repay."))
    live = AutoRepayMandate.objects.live().filter(loan=loan).first()
    if live is not None and live.fingerprint == said:
        return live
    if live is not None:
        live.ended_at, live.next_debit_at = recording.now, None
        live.save(update_fields=["ended_at", "next_debit_at"])
    mandate = AutoRepayMandate.objects.create(
        household_id=loan.household_id,
        loan=loan,
        account=account,
        windows=windows,
        started_on=live.started_on if live else loan.household.today(recording.now),
        authorized_at=recording.now,
        authorized_by=recording.by,
        key=recording.key,
        fingerprint=said,
    )
    schedule_debit(loan)
    mandate.refresh_from_db()
    return mandate


def end_mandate(*, loan: Loan, recording: Recording) -> AutoRepayMandate | Refusal:
    """End the loan's live mandate; ending it twice changes nothing."""
    with transaction.atomic():
        locked = lock(loan)
        mandate = AutoRepayMandate.objects.filter(loan=locked).order_by("-pk").first()
        if mandate is None:
            return Refusal("no_mandate", _("Auto-repay is not on for this loan."))
        if mandate.ended_at is None:
            mandate.ended_at = recording.now
            mandate.next_debit_at = None
            mandate.save(update_fields=["ended_at", "next_debit_at"])
        return mandate
