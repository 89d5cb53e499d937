"""Sends pushes to devices: browsers by Web Push, apps through SNS (docs/notifications.md)."""
