"""Keeps mails in a folder instead of sending them, and prints a line for each: for development.

`/dev/mail` (`mail.dev_pages`) lists them. The folder, not the memory of a process, holds them, since workers and servers may be
several. A message that is sent again overwrites itself; beyond 200 messages the oldest are deleted.
"""

import asyncio
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from domain.mail import Mail, Mailbox, MailUnavailable
from mail.message import build_message, single_line

MAX_MESSAGES: Final = 200
_SHOWN_SUBJECT_CHARS: Final = 100
_NAME = re.compile(r"([0-9a-f-]{36})\.eml")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """A message of the folder."""

    id: UUID
    message: EmailMessage

    def part(self, subtype: str) -> str:
        """The body as `plain` or `html`."""
        found = self.message.get_body((subtype,))
        return "" if found is None else str(found.get_content())


class ConsoleMailer:
    """Implements `domain.mail.Mailer`."""

    def __init__(self, folder: Path, *, sender: Mailbox) -> None:
        self._folder, self._sender = folder, sender

    async def send(self, mail: Mail) -> None:
        content = build_message(mail, self._sender).content
        try:
            await asyncio.to_thread(self._write, mail.id, content)
        except OSError as error:
            raise MailUnavailable(str(error)) from error
        subject = single_line(mail.subject, _SHOWN_SUBJECT_CHARS)
        logger.info("Mail to %s: %s", mail.to.address, subject, extra={"is_shown_whole": True})

    async def list_all(self) -> list[StoredMail]:
        """All messages, the newest first."""
        return await asyncio.to_thread(self._read_all)

    async def get(self, mail_id: UUID) -> StoredMail | None:
        """One message."""
        return await asyncio.to_thread(self._read, self._folder / f"{mail_id}.eml")

    def _write(self, mail_id: UUID, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pending = self._folder / f".{uuid4()}"
        pending.write_bytes(content)
        pending.replace(self._folder / f"{mail_id}.eml")
        for path in self._paths()[MAX_MESSAGES:]:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        """The files of messages, the newest first."""
        found: list[tuple[int, str, Path]] = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name):
                    with suppress(FileNotFoundError):  # another process may tidy up
                        found.append((entry.stat().st_mtime_ns, entry.name, Path(entry.path)))
        return [path for _, _, path in sorted(found, reverse=True)]

    def _read_all(self) -> list[StoredMail]:
        return [stored for path in self._paths()[:MAX_MESSAGES] if (stored := self._read(path)) is not None]

    @staticmethod
    def _read(path: Path) -> StoredMail | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        message = BytesParser(policy=policy.default).parsebytes(content)
        return StoredMail(id=UUID(path.stem), message=message)
