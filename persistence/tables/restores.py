"""Restores of backups into this database, the latest of which parts the cursors of clients from those given out before it."""

from sqlalchemy import Column, Table, Uuid

from persistence.tables.columns import INSTANT, metadata

restores = Table(
    "restores",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("backup_id", Uuid, nullable=False),
    Column("at", INSTANT, nullable=False),
)
