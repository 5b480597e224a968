"""Auto-repay mandates: giving a lender leave to debit, pausing it, keeping it, ending it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, DebitLimits
from ledger.loanmath.debits import MIDNIGHT, DebitRule, window
from ledger.models import AutoRepayMandate, CreditLine, FundingAccount, Lender, Loan, MandateSource
from ledger.services.debit_times import schedule_debit
from ledger.services.recording import Recording, digest, key_conflict
from ledger.services.refusal import Refusal

MOST_WINDOWS = 6
MOST_SOURCES = 20
LAST_RETRY_DAY = 90
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_TO = re.compile(r"\s*[-–—~～至]\s*")  # between the ends of a span

Scope = Loan | CreditLine | Lender


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a mandate is to say beside its scope and sources; see `AutoRepayMandate`. Amounts in minor units.

    `started_on` None: from the day it is given; a mandate that is replaced keeps its own.
    """

    rule: DebitRule = field(default_factory=DebitRule)
    mode: AmountMode = AmountMode.BILL
    fixed_amount: int | None = None
    limits: DebitLimits = field(default_factory=DebitLimits)
    priority: int = 0
    trust_days: int | None = None
    ask_after: int = 3
    started_on: date | None = None
    expires_on: date | None = None


DEFAULT = Wishes()


def authorize_mandate(
    *, scope: Scope, sources: Sequence[FundingAccount], recording: Recording, wishes: Wishes = DEFAULT
) -> AutoRepayMandate | Refusal:
    """Write down that the lender debits `sources`, in their order, for what `scope` covers: one loan, the draws on a
    credit line, or all of a lender's loans in the currency of the sources.

    A live mandate of that scope with other content is replaced; bills it covered stay covered, from their next window.
    """
    refusal = _refuse_sources(scope, sources) or _refuse_wishes(wishes)
    if refusal is not None:
        return refusal
    times = _times(wishes.rule.windows, "windows")
    again = _times(wishes.rule.retry_windows, "retry_windows") if wishes.rule.retry_windows else []
    if isinstance(times, Refusal):
        return times
    if isinstance(again, Refusal):
        return again
    rule = replace(wishes.rule, windows=tuple(times), retry_windows=tuple(again))
    wishes = replace(wishes, rule=replace(rule, retry_days=tuple(sorted(set(rule.retry_days)))))
    draft = _draft(scope, sources, wishes, recording)
    try:
        with transaction.atomic():
            return _authorize(draft, scope, sources, wishes)
    except IntegrityError:
        earlier = AutoRepayMandate.objects.filter(household_id=draft.household_id, key=recording.key).first()
        if earlier is None:
            raise
        return earlier if earlier.fingerprint == draft.fingerprint else key_conflict()


def _refuse_sources(scope: Scope, sources: Sequence[FundingAccount]) -> Refusal | None:
    if not sources or any(one.household_id != scope.household_id or one.archived_at for one in sources):
        return Refusal("account", _("Choose one of your accounts."), "account")
    if len({one.pk for one in sources}) < len(sources):
        return Refusal("account_twice", _("Each account can be named once."), "account")
    if len(sources) > MOST_SOURCES:
        return Refusal("accounts", _("Choose at most %(most)s accounts.") % {"most": MOST_SOURCES}, "account")
    if len({one.currency for one in sources}) > 1:
        return Refusal("currency", _("These accounts are kept in different currencies."), "account")
    if not isinstance(scope, Lender) and sources[0].currency != scope.currency:
        return Refusal("currency", _("This account is kept in another currency than the loan."), "account")
    return None


def _refuse_wishes(wishes: Wishes) -> Refusal | None:
    fixed = wishes.fixed_amount
    if (wishes.mode is AmountMode.FIXED) != (fixed is not None) or (fixed is not None and fixed <= 0):
        return Refusal("fixed_amount", _("Enter the amount that is debited each time."), "fixed_amount")
    if wishes.limits.cap is not None and wishes.limits.cap <= 0:
        return Refusal("cap", _("Enter an amount above zero, or leave this empty."), "cap")
    if wishes.rule.day_offset not in (-1, 0):
        return Refusal("day_offset", _("A debit is made on the due day or the day before."), "day_offset")
    if not all(0 <= day <= LAST_RETRY_DAY for day in wishes.rule.retry_days):
        message = _("Enter days from 0 to %(most)s after the due day.") % {"most": LAST_RETRY_DAY}
        return Refusal("retry_days", message, "retry_days")
    if wishes.started_on and wishes.expires_on and wishes.expires_on < wishes.started_on:
        return Refusal("expires_on", _("Choose a last day on or after the day it begins."), "expires_on")
    return None


def _times(windows: Sequence[str], field: str) -> list[str] | Refusal:
    """The windows as sorted "HH:MM" or "HH:MM-HH:MM", each once."""
    found = {_window(text.strip()) for text in windows}
    if None in found:
        return Refusal("windows", _("Enter times such as 09:30, or spans such as 17:00-24:00."), field)
    times = sorted(one for one in found if one is not None)
    if not times:
        return Refusal("windows", _("Enter at least one time, such as 09:30."), field)
    if len(times) > MOST_WINDOWS:
        return Refusal("windows", _("Enter at most %(most)s times a day.") % {"most": MOST_WINDOWS}, field)
    return times


def _window(text: str) -> str | None:
    ends: list[str] = []
    for part in _TO.split(text):
        found = _TIME.fullmatch(part)
        if found is None and not (ends and part == MIDNIGHT):
            return None
        ends.append(f"{int(found[1]):02}:{found[2]}" if found else part)
    if len(ends) > 2:
        return None
    said = "-".join(ends)
    try:
        window(said)
    except ValueError:
        return None
    return said


def _draft(scope: Scope, sources: Sequence[FundingAccount], wishes: Wishes, recording: Recording) -> AutoRepayMandate:
    rule = wishes.rule
    said = {**asdict(wishes), "sources": [one.pk for one in sources], "scope": f"{type(scope).__name__} {scope.pk}"}
    return AutoRepayMandate(
        household_id=scope.household_id,
        loan=scope if isinstance(scope, Loan) else None,
        credit_line=scope if isinstance(scope, CreditLine) else None,
        lender=scope if isinstance(scope, Lender) else None,
        currency=sources[0].currency,
        mode=wishes.mode.value,
        fixed_amount=wishes.fixed_amount,
        cap=wishes.limits.cap,
        partial=wishes.limits.partial,
        windows=list(rule.windows),
        retry_windows=list(rule.retry_windows),
        retry_days=list(rule.retry_days),
        daily=rule.daily,
        day_offset=rule.day_offset,
        tries_a_day=rule.tries_a_day,
        priority=wishes.priority,
        trust_days=wishes.trust_days,
        ask_after=wishes.ask_after,
        expires_on=wishes.expires_on,
        authorized_at=recording.now,
        authorized_by=recording.by,
        key=recording.key,
        fingerprint=digest(said),
    )


def _authorize(
    draft: AutoRepayMandate, scope: Scope, sources: Sequence[FundingAccount], wishes: Wishes
) -> AutoRepayMandate | Refusal:
    held = FundingAccount.objects.select_for_update(no_key=True).filter(pk__in=[one.pk for one in sources])
    is_usable = all(archived_at is None for archived_at in held.order_by("pk").values_list("archived_at", flat=True))
    loans = _lock_loans(scope, draft.currency)
    earlier = AutoRepayMandate.objects.filter(household_id=draft.household_id, key=draft.key).first()
    if earlier is None and not is_usable:  # put away meanwhile
        return Refusal("account", _("Choose one of your accounts."), "account")
    if earlier is not None:
        return earlier if earlier.fingerprint == draft.fingerprint else key_conflict()
    if isinstance(scope, Loan) and all(loan.settled_on or loan.archived_at for loan in loans):
        return Refusal("settled", _("This loan has nothing left to repay."))
    live = live_of(scope, draft.currency).first()
    today = scope.household.today(draft.authorized_at)
    draft.started_on = wishes.started_on or (live.started_on if live else today)
    if draft.expires_on is not None and draft.expires_on < max(draft.started_on, today):
        return Refusal("expires_on", _("Choose today or a later day."), "expires_on")
    if live is not None and live.fingerprint == draft.fingerprint:
        return live
    if live is not None:
        live.ended_at = draft.authorized_at
        live.save(update_fields=["ended_at"])
    draft.save()
    MandateSource.objects.bulk_create(
        MandateSource(mandate=draft, account=account, position=n) for n, account in enumerate(sources, start=1)
    )
    _hold(loans)
    return draft


def live_of(scope: Scope, currency: str) -> QuerySet[AutoRepayMandate]:
    """The mandate in force of just this scope."""
    live = AutoRepayMandate.objects.live()
    if isinstance(scope, Loan):
        return live.filter(loan=scope)
    if isinstance(scope, CreditLine):
        return live.filter(credit_line=scope)
    return live.filter(lender=scope, currency=currency)


def _lock_loans(scope: Scope, currency: str) -> list[Loan]:
    """The loans that a scope covers, held in the order of their ids; none can be opened under it meanwhile."""
    if not isinstance(scope, Loan):
        type(scope).objects.select_for_update().get(pk=scope.pk)
    covered = Loan.objects.order_by("pk")
    if isinstance(scope, Loan):
        covered = covered.filter(pk=scope.pk)
    elif isinstance(scope, CreditLine):
        covered = covered.filter(credit_line=scope)
    else:
        covered = covered.filter(lender=scope, currency=currency)
    held = list(covered.select_for_update().values_list("pk", flat=True))
    # Read after they are held, as `projection.lock` does.
    return list(Loan.objects.filter(pk__in=held).select_related("household", "mandate").order_by("pk"))


def lock_scopes(loan: Loan) -> None:
    """Let no mandate of a new loan's lender or credit line be given or ended until it is written. The reference alone
    does not: it is checked at the end of the transaction."""
    Lender.objects.select_for_update(no_key=True).values_list("pk").get(pk=loan.lender_id)
    if loan.credit_line_id is not None:
        CreditLine.objects.select_for_update(no_key=True).values_list("pk").get(pk=loan.credit_line_id)


def _hold(loans: Sequence[Loan]) -> None:
    """Give each loan the mandate that holds for it now, and the moment auto-repay looks at it next."""
    for loan in loans:
        hold_mandate(loan)


def hold_mandate(loan: Loan) -> None:
    """Give a (locked) loan the narrowest live mandate that covers it: its own, its credit line's, its lender's."""
    covers = Q(loan=loan) | Q(lender=loan.lender_id, currency=loan.currency)
    if loan.credit_line_id is not None:
        covers |= Q(credit_line=loan.credit_line_id)
    found = list(AutoRepayMandate.objects.live().filter(covers))
    loan.mandate = min(found, key=_width, default=None)
    loan.save(update_fields=["mandate"])
    schedule_debit(loan)


def _width(mandate: AutoRepayMandate) -> int:
    return 0 if mandate.loan_id else 1 if mandate.credit_line_id else 2


def end_mandate(*, scope: Scope, currency: str = "", recording: Recording) -> AutoRepayMandate | Refusal:
    """End the live mandate of a scope; ending it twice changes nothing. Its loans fall back to a wider one, if any."""
    with transaction.atomic():
        loans = _lock_loans(scope, currency)
        mandate = live_of(scope, currency).first()
        if mandate is None:
            return _ended_before(scope, currency) or Refusal("no_mandate", _("Auto-repay is not on for this loan."))
        mandate.ended_at = recording.now
        mandate.save(update_fields=["ended_at"])
        _hold(loans)
        return mandate


def _ended_before(scope: Scope, currency: str) -> AutoRepayMandate | None:
    ended = AutoRepayMandate.objects.order_by("-pk")
    if isinstance(scope, Loan):
        return ended.filter(loan=scope).first()
    if isinstance(scope, CreditLine):
        return ended.filter(credit_line=scope).first()
    return ended.filter(lender=scope, currency=currency).first()


def pause_mandate(
    *, mandate: AutoRepayMandate, recording: Recording, resumes_on: date | None = None
) -> AutoRepayMandate | Refusal:
    """No debits from today until `resumes_on` (None: until resumed); what falls between is not caught up. Of a pause
    that lasts only its end changes. It answers the question after failures in a row."""
    today = mandate.household.today(recording.now)
    if resumes_on is not None and resumes_on <= today:
        return Refusal("resumes_on", _("Choose a day after today."), "resumes_on")

    def pause(row: AutoRepayMandate) -> None:
        if row.asked_at is not None:  # pausing is an answer too
            row.asked_at, row.kept_at = None, recording.now
        if row.rule.is_paused(today):
            row.resumes_on = resumes_on
            return
        _end_pause(row, recording.now)  # the row remembers one only
        row.paused_on, row.resumes_on = today, resumes_on

    return _change(mandate, pause)


def resume_mandate(*, mandate: AutoRepayMandate, recording: Recording) -> AutoRepayMandate | Refusal:
    """Debits take place again, from their next window on."""

    return _change(mandate, lambda row: _end_pause(row, recording.now))


def _end_pause(row: AutoRepayMandate, now: datetime) -> None:
    """Forget the pause of a mandate, if it had one; what fell into it stays out."""
    if row.paused_on is None:
        return
    at = now
    if row.resumes_on is not None:  # over by itself: what has come since is still to be decided
        at = min(at, datetime.combine(row.resumes_on, time.min, tzinfo=zone(row.household.time_zone)))
    row.paused_on, row.resumes_on, row.authorized_at = None, None, at


def keep_mandate(*, mandate: AutoRepayMandate, recording: Recording) -> AutoRepayMandate | Refusal:
    """The user was asked after failures in a row, and wants to go on: failures count from now. Who was not asked, or
    has answered, changes nothing."""

    def keep(row: AutoRepayMandate) -> None:
        if row.asked_at is not None:
            row.asked_at, row.kept_at = None, recording.now

    return _change(mandate, keep)


_CHANGING = ["paused_on", "resumes_on", "authorized_at", "asked_at", "kept_at"]


def _change(mandate: AutoRepayMandate, change: Callable[[AutoRepayMandate], None]) -> AutoRepayMandate | Refusal:
    """Change the row of a live mandate as it is now, with its loans held, and set their next moments."""
    with transaction.atomic():
        loans = _lock_loans(mandate.scope, mandate.currency)
        row = AutoRepayMandate.objects.live().filter(pk=mandate.pk).first()
        if row is None:
            return Refusal("no_mandate", _("Auto-repay is not on for this loan."))
        change(row)
        row.save(update_fields=_CHANGING)
        for loan in loans:
            if loan.mandate_id == row.pk:
                loan.mandate = row
                schedule_debit(loan)
        return row
