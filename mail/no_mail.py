"""Rejects every mail, where no mail server is set: in production, until `HIVE_MAIL_URL` names one."""

from domain.mail import Mail, MailRejected


class NoMailer:
    """Implements `domain.mail.Mailer`."""

    async def send(self, mail: Mail) -> None:
        raise MailRejected("No mail server is set.")
