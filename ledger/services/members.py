"""Who belongs to a household, and what each may do; at least one owner always stays."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ledger.models import Household, Membership, Role, User
from ledger.services.refusal import Refusal


def add_member(*, household: Household, email: str, role: Role) -> Membership | Refusal:
    """Let the person who signs in as `email` see (and, by role, change) these books. Adding a member again gives
    them the role.

    Where a mail server is set, they must have confirmed the address: otherwise anyone could sign up by it first.
    """
    with transaction.atomic():
        _lock(household)
        user = User.objects.filter(email__iexact=email.strip()).first()
        if user is None or not _is_theirs(user):
            return Refusal(
                "no_such_user",
                _("Nobody has confirmed this address here yet. Ask them to sign up and confirm it first."),
                "email",
            )
        member = Membership.objects.filter(household=household, user=user).first()
        if member is None:
            return Membership.objects.create(household=household, user=user, role=role)
        return _give(member, role)


def _is_theirs(user: User) -> bool:
    return (
        settings.MAIL_KEPT_LOCALLY or EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists()
    )


def change_role(*, member: Membership, role: Role) -> Membership | Refusal:
    """Give a member another role; the last owner keeps theirs."""
    with transaction.atomic():
        now = _locked(member)
        if now is None:
            return Refusal("not_a_member", _("This person is no longer a member."))
        return _give(now, role)


def remove_member(*, member: Membership) -> Refusal | None:
    """Take a member's access away, at once; the last owner stays."""
    with transaction.atomic():
        now = _locked(member)
        if now is None:
            return None
        if _is_last_owner(now):
            return _last_owner()
        now.delete()
        return None


def _lock(household: Household) -> None:
    Household.objects.select_for_update().get(pk=household.pk)


def _locked(member: Membership) -> Membership | None:
    """The membership as it is once its household is locked; None if it was taken away meanwhile."""
    _lock(member.household)
    return Membership.objects.select_related("user").filter(pk=member.pk).first()


def _give(member: Membership, role: Role) -> Membership | Refusal:
    if role != Role.OWNER and _is_last_owner(member):
        return _last_owner()
    member.role = role
    member.save(update_fields=["role"])
    return member


def _is_last_owner(member: Membership) -> bool:
    others = Membership.objects.filter(household=member.household_id, role=Role.OWNER).exclude(pk=member.pk)
    return member.role == Role.OWNER and not others.exists()


def _last_owner() -> Refusal:
    return Refusal("last_owner", _("A household needs an owner. Make someone else an owner first."))
