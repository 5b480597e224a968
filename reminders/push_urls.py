"""Which channels there are, and whether an address is one of theirs; asks no network and loads nothing heavy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Service:
    """A channel that can be named. `schemes` are those of Apprise, `pattern` what follows `scheme://`; `names_host` if
    the address says which machine is asked, so that it has to be looked at."""

    name: str
    label: str | Promise
    schemes: tuple[str, ...]
    example: str
    pattern: str
    names_host: bool = False


_LOGIN = r"(?:[^@/?\s]+@)?"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?@\[\]]+)(?::\d{1,5})?"

SERVICES = (
    Service("ntfy", "ntfy", ("ntfys", "ntfy"), "ntfys://ntfy.sh/my-topic", rf"{_LOGIN}{_HOST}/[\w-]+/?", True),
    Service("telegram", "Telegram", ("tgram",), "tgram://123456789:AbCdEf.../12345678", r"\d+:[\w-]{20,}/-?\w+/?"),
    Service("serverchan", "ServerChan", ("schan",), "schan://SCT12345AbCdEf...", r"[A-Za-z0-9]+/?"),
    Service("pushplus", "PushPlus", ("pushplus",), "pushplus://0123456789abcdef...", r"[A-Za-z0-9]{32}/?"),
    Service(
        "gotify",
        "Gotify",
        ("gotifys", "gotify"),
        "gotifys://push.example.org/AbCdEf...",
        rf"{_HOST}(?:/[\w.-]+)+/?",
        True,
    ),
    Service(
        "pushover",
        "Pushover",
        ("pover",),
        "pover://user-key@app-token",
        r"[A-Za-z0-9]{30}@[A-Za-z0-9]{30}(?:/[\w-]+)?/?",
    ),
    Service("discord", "Discord", ("discord",), "discord://123456789/AbCdEf...", r"(?:[^@/?\s]+@)?\d+/[\w-]+/?"),
    Service(
        "slack",
        "Slack",
        ("slack",),
        "slack://T1234/B1234/AbCdEf...",
        r"(?:[^@/?\s]+@)?\w+/\w+/\w+(?:/(?:[#+@]|%23)?[\w-]+)?/?",
    ),
    Service(
        "webhook",
        _("Webhook"),
        ("jsons", "json"),
        "jsons://example.org/my-hook",
        rf"{_LOGIN}{_HOST}(?:/[^\s?]*)?",
        True,
    ),
)
BY_SCHEME = {scheme: service for service in SERVICES for scheme in service.schemes}
BY_NAME = {service.name: service for service in SERVICES}

# Words behind the "?" that change how a message looks, not where it goes; headers ("+") and fields of a webhook too.
_QUERY = {"priority", "tags", "verify", "sound", "format", "token", "auth"}

# Headers by which a member's webhook would say something else of the request itself.
_OURS = {
    *("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive"),
    *("te", "trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection"),
}

_NEVER = tuple(  # what hands out a cloud machine's keys, and IPv6 addresses that stand for any IPv4 address
    ip_network(net)
    for net in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "fd00:ec2::254/128",
        "fe80::/10",
        "fec0::/10",
    )
)


class NotAnAddress(ValueError):  # noqa: N818
    """No address of a channel we know; its text is for the user and holds nothing of the address."""


def service_of(url: str) -> Service:
    """The service an address belongs to. Raises NotAnAddress."""
    scheme, separator, rest = url.strip().partition("://")
    service = BY_SCHEME.get(scheme.lower()) if separator else None
    if service is None:
        raise NotAnAddress(_("We do not know this kind of address. It has to begin like one of the examples."))
    path, _mark, query = rest.partition("?")
    if len(url) > LONGEST or not re.fullmatch(service.pattern, path) or not _is_harmless(service, query):
        raise NotAnAddress(
            _("This is not quite an address of %(service)s. It looks like this: %(example)s")
            % {"service": service.label, "example": service.example}
        )
    return service


def _is_harmless(service: Service, query: str) -> bool:
    """Apprise parts words at ";" as well."""
    names = [name for name, _value in parse_qsl(query.replace("+", "%2B").replace(";", "&"), keep_blank_values=True)]
    return all(name in _QUERY or (service.name == "webhook" and _is_extra(name)) for name in names)


def _is_extra(name: str) -> bool:
    """A header, a word of the query or a field that a webhook may be given besides."""
    header = unquote(unquote(name[1:])).strip().lower()  # Apprise decodes once more
    return name[:1] in set("-:") or (name[:1] == "+" and header not in _OURS)


def host_of(url: str) -> str:
    """The machine an address names, as it is written."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def may_reach(address: str, *, private: bool) -> bool:
    """Whether a member's channel may be at this IP address. `private` allows what is not on the open internet: the
    machine itself and its neighbors. What hands out a cloud machine's keys is never asked."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return private
    if ip.is_multicast or any(ip in net for net in _NEVER if net.version == ip.version):
        return False
    return private or ip.is_global
