"""The command that works every loan out afresh."""

from __future__ import annotations

from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from ledger.models import Bill
from ledger.services.checking import find_problems
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def rebuild_loans() -> str:
    said = StringIO()
    call_command("rebuild_loans", stdout=said)
    return said.getvalue()


def test_only_what_differs_is_changed(home):
    make.loan(home)
    changed = make.loan(home)
    with time_machine.travel(make.NOW, tick=False):
        rebuild_loans()
        Bill.objects.filter(loan=changed, number=3).update(interest_due=1)
        assert rebuild_loans() == "2 loans worked out, 1 changed.\n"
        assert rebuild_loans() == "2 loans worked out, 0 changed.\n"
    assert list(find_problems()) == []
