"""What a password must be, said in our own words: Django's are not complete in Chinese."""

from __future__ import annotations

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.utils.translation import gettext, ngettext


class LongEnough(MinimumLengthValidator):
    def get_error_message(self) -> str:
        return ngettext(
            "This password is too short: it takes at least %(count)d character.",
            "This password is too short: it takes at least %(count)d characters.",
            self.min_length,
        ) % {"count": self.min_length}

    def get_help_text(self) -> str:
        return ngettext("At least %(count)d character.", "At least %(count)d characters.", self.min_length) % {
            "count": self.min_length
        }


class NotCommon(CommonPasswordValidator):
    def get_error_message(self) -> str:
        return gettext("Many people use this password, so it is guessed at once. Choose another.")

    def get_help_text(self) -> str:
        return gettext("None that many people use.")


class NotLikeTheUser(UserAttributeSimilarityValidator):
    def get_error_message(self) -> str:
        return gettext("This password is too much like your e-mail address. Choose another.")

    def get_help_text(self) -> str:
        return gettext("Nothing like your e-mail address.")
