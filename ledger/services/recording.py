"""How any fact is added: once, under the loan's lock, with the bills rebuilt in the same transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from ledger.loanmath.codec import terms_to_dict
from ledger.models import Fact, Loan, User
from ledger.selectors.history import History, history
from ledger.selectors.prepared import Prepared
from ledger.services.projection import lock, rebuild
from ledger.services.refusal import Refusal
from ledger.services.terms_versions import add_version


@dataclass(frozen=True, slots=True)
class Recorded:
    """The fact, and whether it had been recorded before under the same key."""

    fact: Fact
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """Who records what, when: the same for every service that adds a fact.

    `key` makes it idempotent within the household. `seen` is the loan's version the user saw, None where no
    figures were shown; a loan that has moved on since refuses. `whole` is the digest of what was asked for where the
    fact is one of several recorded together: it stands for what the fact itself says.
    """

    key: str
    now: datetime
    by: User | None = None
    seen: int | None = None
    whole: str = ""


Check = Callable[[Loan, History], Refusal | None]
Follow = Callable[[Fact], None]

_IN_FINGERPRINT = [
    *("loan_id", "kind", "effective_on", "amount", "bill_number", "component", "apply_to", "source", "presumed"),
    *(
        "account_id",
        "annual_rate",
        "effect",
        "moved_to",
        "count",
        "fraction",
        "cap",
        "until",
        "principal",
        "interest",
        "fee",
        "penalty",
        "target_id",
        "note",
    ),
]


def add_fact(draft: Fact, recording: Recording, check: Check, follow: Follow | None = None) -> Recorded | Refusal:
    """Record `draft` (not yet saved; household, key and moment are filled in here) and rebuild its loan.

    `check` sees the locked loan and its history and may refuse; `follow` writes what belongs to the fact in the same
    transaction. The same key with the same content returns the first fact; with other content, a refusal.
    """
    try:
        with transaction.atomic():
            return _add(draft, recording, check, follow)
    except IntegrityError:
        earlier = Fact.objects.filter(household_id=draft.loan.household_id, key=recording.key).first()
        if earlier is None:
            raise
        return _replay(earlier, recording.whole or fingerprint(draft))


def _add(draft: Fact, recording: Recording, check: Check, follow: Follow | None) -> Recorded | Refusal:
    loan = lock(draft.loan)
    print_ = recording.whole or fingerprint(draft)
    for earlier in _EARLIER.objects(household=loan.household_id, key=recording.key):
        return _replay(earlier, print_)
    if recording.seen is not None and recording.seen != loan.version:
        return Refusal("stale", _("The figures have changed since you saw them. Please look again and confirm."))
    past = history(loan)
    refusal = check(loan, past)
    if refusal is not None:
        return refusal
    draft.loan = loan
    draft.household_id = loan.household_id
    draft.recorded_at = recording.now
    draft.recorded_by = recording.by
    draft.key = recording.key
    draft.fingerprint = print_
    if draft.terms_version is not None:
        add_version(draft.terms_version, loan, recording.now)
    draft.save()
    if follow is not None:
        follow(draft)
    rebuild(loan, loan.household.today(recording.now), past.plus(draft.value))
    return Recorded(draft)


def _earlier(household: int, key: str) -> models.QuerySet[Fact]:
    return Fact.objects.filter(household=household, key=key)


_EARLIER = Prepared(_earlier)


def _replay(earlier: Fact, print_: str) -> Recorded | Refusal:
    if earlier.fingerprint == print_:
        return Recorded(earlier, replayed=True)
    return key_conflict()


def key_conflict() -> Refusal:
    return Refusal(
        "key_conflict", _("This form was already used for something else. To record this as well, save once more.")
    )


def fingerprint(row: models.Model, names: list[str] | None = None) -> str:
    """A digest of what a row says, by which a repeated request is told from another one under the same key."""
    said = {name: getattr(row, name) for name in names or _IN_FINGERPRINT}
    version = getattr(row, "terms_version", None)
    if version is not None:
        said["terms"] = terms_to_dict(version.value)
    return digest(said)


_UNSAID = dict.fromkeys(("component", "apply_to", "source", "effect", "note"), "") | {"presumed": False}


class Fingerprints:
    """Makes the fingerprints of many facts that differ in some columns only; each is what `fingerprint` would give."""

    def __init__(self, same: dict[str, Any], differ: Sequence[str]) -> None:
        said = {name: same.get(name, _UNSAID.get(name)) for name in _IN_FINGERPRINT}
        fixed = {name: json.dumps(value) for name, value in said.items() if name not in differ}
        texts = [f'"{name}": ' + fixed.get(name, "{" + name + "}") for name in sorted(said)]
        self._text = "{{" + ", ".join(texts) + "}}"
        self._differ = tuple(differ)

    def of(self, *values: Any) -> str:
        """The fingerprint of the fact with these values of the columns that differ."""
        said = {name: _plain(value) for name, value in zip(self._differ, values, strict=True)}
        return hashlib.sha256(self._text.format_map(said).encode()).hexdigest()


def _plain(value: Any) -> str:
    """A whole number, truth or day as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value.isoformat()}"' if isinstance(value, date) else str(value)


def digest(said: dict[str, Any]) -> str:
    """A SHA-256 of plain values; dates and decimals by their text."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_text).encode()).hexdigest()


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else format(value.normalize(), "f")


def not_before_disbursement(day: date, past: History, field: str = "effective_on") -> Refusal | None:
    """Refuses a day on which the loan did not exist yet."""
    if day < past.terms.disbursed_on:
        return Refusal(
            "before_disbursement",
            _("The loan was only paid out later. Choose that day or a later one."),
            field,
        )
    return None
