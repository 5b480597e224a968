"""The reminders app: telling people in time."""

from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"
