"""Notices where people talk: Slack, Teams, webhooks and whatever else Apprise speaks to.

Put here how a notice leaves this machine; when there is one to give is `publication.delivery`.
Addresses hold keys: no message of ours repeats one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import apprise

from sales.errors import UserError

MOST_WORDS = 3_000


class NoticeUnusable(UserError, OSError):
    """A notice could not be given, or an address is none that notices can go to."""


@dataclass(frozen=True)
class Notices:
    """Where notices go: addresses as Apprise writes them, such as `slack://...`; none of them is ever shown."""

    addresses: Sequence[str]

    def __repr__(self) -> str:
        """Say how many there are, and no key."""
        return f"Notices({len(self.addresses)} addresses)"

    def tell(self, subject: str, text: str, picture: Path | None = None) -> None:
        """Give a notice everywhere, with a picture where one is wanted; raises `NoticeUnusable` where one place did not take it.

        Others have it by then.
        """
        refused = [
            kind
            for number, address in enumerate(self.addresses, 1)
            if (kind := _refused_by(address, number, subject, text, picture))
        ]
        if refused:
            raise NoticeUnusable(
                f"a notice was not taken by {', '.join(refused)}; check ONPACE_NOTICES (or SLACK_TOKEN and SLACK_CHANNEL), and that the place can be reached"
            )

    def check(self) -> None:
        """Raise `NoticeUnusable` for an address that Apprise cannot read; nothing is sent."""
        for number, address in enumerate(self.addresses, 1):
            _service(address, number)


def slack_address(token: str, channel: str) -> str:
    """Return the address of a Slack channel that an app posts to with its token."""
    return f"slack://{quote(token, safe='-')}/{quote(channel, safe='#')}"


def _service(address: str, number: int) -> apprise.NotifyBase:
    service = apprise.Apprise.instantiate(address)  # pyright: ignore[reportUnknownMemberType]
    if not isinstance(service, apprise.NotifyBase):
        raise NoticeUnusable(
            f"address {number} of ONPACE_NOTICES is none that notices can go to; write it as Apprise does, such as msteams://..., slack://... or jsons://host/path"
        )
    return service


def _refused_by(address: str, number: int, subject: str, text: str, picture: Path | None) -> str:
    """Give a notice to one address, and return what kind of place did not take it, empty where it did."""
    service = _service(address, number)
    # Words of a CRM are words, and no markup of a chat.
    taken = service.notify(
        body=text[:MOST_WORDS],
        title=subject,
        body_format=apprise.NotifyFormat.TEXT,
        attach=apprise.AppriseAttachment(str(picture)) if picture else None,
    )
    return "" if taken else f"address {number} ({service.service_name})"
