"""Periodic work of the reminders app."""
