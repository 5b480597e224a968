"""How worker, beat and web reach Redis, and what holds for every message."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from kombu.transport import redis, virtual

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loantracker.settings")


class QoS(redis.QoS):
    """Frees the place of a message whose acknowledgement Redis did not get.

    kombu keeps it taken; when as many have failed as a worker has places, it takes no message ever again, and does
    not notice that Redis is back. The message itself comes again after the visibility timeout.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


redis.Channel.QoS = QoS

CONFIGURATION: dict[str, Any] = {
    "broker_url": settings.REDIS_URL,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": int(os.environ.get("VISIBILITY_TIMEOUT_SECONDS", "300")),
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "max_retries": 2,
        "interval_max": 0.5,
    },
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_time_limit": 120,
    "task_soft_time_limit": 90,
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    "worker_enable_remote_control": False,
    "worker_max_tasks_per_child": 500,
    "worker_max_memory_per_child": 250_000,
    "worker_soft_shutdown_timeout": 30,
    "worker_hijack_root_logger": False,
    "timezone": "UTC",
    "enable_utc": True,
}
