"""What Celery is made to do otherwise than it would by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kombu import Queue
from redis.exceptions import ConnectionError as RedisConnectionError

from loantracker.celery import app


@pytest.mark.parametrize("answer", [lambda qos, tag: qos.ack(tag), lambda qos, tag: qos.reject(tag)])
def test_a_worker_takes_messages_again_after_acknowledgements_were_lost(
    answer: Callable[[Any, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.connection() as connection, connection.channel() as channel:
        queue = Queue("lost acknowledgements", channel=channel)
        queue.declare()
        app.amqp.Producer(channel).publish({}, routing_key=queue.name)
        channel.qos.prefetch_count = 1
        message = queue.get()
        assert not channel.qos.can_consume()

        def away(*args: object) -> None:
            raise RedisConnectionError

        monkeypatch.setattr(channel.qos, "_remove_from_indices", away)
        with pytest.raises(RedisConnectionError):
            answer(channel.qos, message.delivery_tag)
        assert channel.qos.can_consume()
        queue.delete()
