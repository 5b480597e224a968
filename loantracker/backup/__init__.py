"""Backups: one file with everything that is not code, made and put back while everything runs."""
