"""Takes what mail services post: reports of mails that came back, through SNS."""
