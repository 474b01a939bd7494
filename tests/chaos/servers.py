"""The firm's org and a mail server as one process: prints their addresses and serves until it is ended."""

import signal
import sys
import threading
from pathlib import Path

from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials
from tests.connectors.delivery.mail_servers import Inbox
from tests.connectors.delivery.mail_servers import serving as serving_mail
from tests.end_to_end.small_firm import small_firm


def main(secret: str, folder: str) -> None:
    """Serve until SIGTERM; each mail that is accepted is a line of the file `mails`."""
    over, inbox = threading.Event(), Inbox()

    def note() -> None:
        recipients, message = inbox.envelopes[-1]
        with (Path(folder) / "mails").open("a", encoding="utf-8") as file:
            file.writelines(f"{each} {message['Message-ID']}\n" for each in recipients)

    inbox.on_accept = note
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    org = OrgServer(small_firm(), Credentials("me", secret))
    with serving(org) as address, serving_mail(inbox) as port:
        print(address, port, flush=True)  # noqa: T201  # its answer
        over.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
