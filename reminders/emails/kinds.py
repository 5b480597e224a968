"""Who makes the part of a letter, by the kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from reminders.emails import bills, debits, digests, occasions
from reminders.emails.parts import Around, Maker, Part, Urgency, said
from reminders.models import Kind, Reminder


def test(row: Reminder, around: Around) -> Part:
    """That mail arrives."""
    subject, sentences = said("test", {"household": around.household.name})
    return Part(Urgency.NEWS, None, subject, sentences)


MAKERS: Mapping[str, Maker] = {
    Kind.STEP: bills.step,
    Kind.ATTEMPT_DONE: debits.done,
    Kind.ATTEMPT_FAILED: debits.failed,
    Kind.ATTEMPT_PARTIAL: debits.partial,
    Kind.CONFIRM: debits.confirm,
    Kind.KEEP_ON: debits.keep_on,
    Kind.SHORTFALL: occasions.shortfall,
    Kind.COUPON: occasions.coupon,
    Kind.PROMOTION: occasions.promotion,
    Kind.REPRICING: occasions.repricing,
    Kind.LOCK_IN: occasions.lock_in,
    Kind.MANDATE_EXPIRING: occasions.mandate_expiring,
    Kind.PAID_OFF: occasions.paid_off,
    Kind.DIGEST: digests.digest,
    Kind.TEST: test,
}
