"""Who keeps these books: users, households, and what each member may do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from ledger.clock import local_day
from ledger.loanmath.credit_record import AgingRule, CountsFrom


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address, whatever its case: it is kept in small letters."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email__iexact=email)


class User(AbstractUser):
    """A person who signs in by e-mail; `language` is that of pages and mails."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    language = models.CharField(max_length=10, choices=settings.LANGUAGES, default="en")

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email


class Household(models.Model):
    """The owner of these books. Its local day decides what is due."""

    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, default="Asia/Shanghai")
    currency = models.CharField(max_length=3, default="CNY")
    created_at = models.DateTimeField()
    # For the credit record: what comes in each month, in minor units of its currency (None: not said), and how long an
    # adverse mark is kept (`loanmath.credit_record.AgingRule`).
    monthly_income = models.BigIntegerField(null=True)
    income_currency = models.CharField(max_length=3, blank=True)
    marks_kept_years = models.PositiveSmallIntegerField(default=5)
    marks_kept_from = models.CharField(max_length=5, default=CountsFrom.END.value)
    members = models.ManyToManyField(User, through="Membership", related_name="households")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(monthly_income=None) | models.Q(monthly_income__gt=0, income_currency__gt=""),
                name="household_income_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(marks_kept_from__in=[one.value for one in CountsFrom]),
                name="household_marks_kept_from_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def aging_rule(self) -> AgingRule:
        """How long an adverse mark is kept where this household borrows."""
        return AgingRule(self.marks_kept_years, CountsFrom(self.marks_kept_from))

    def today(self, now: datetime) -> date:
        """The household's calendar day at moment `now`."""
        return local_day(now, self.time_zone)


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    EDITOR = "editor", _("editor")
    VIEWER = "viewer", _("viewer")


class Membership(models.Model):
    """A user's role in a household: an owner manages it, an editor records, a viewer looks."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.OWNER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    @property
    def may_write(self) -> bool:
        return self.role != Role.VIEWER
