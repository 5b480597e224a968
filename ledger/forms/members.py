"""The form that lets someone into the household."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.models import Role

ROLES = [
    (Role.EDITOR.value, _("Editor: may record and change")),
    (Role.VIEWER.value, _("Viewer: may look")),
    (Role.OWNER.value, _("Owner: may manage the household too")),
]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, initial=Role.EDITOR.value)


class MemberForm(RoleForm):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    field_order = ["email", "role"]
