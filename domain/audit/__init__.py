"""The audit log of a team: who did what, from where, with which credential, as a chain of hashes (docs/audit.md)."""

from domain.audit.entry import (
    GENESIS_HASH,
    REGISTRY_ID,
    AuditEntry,
    AuditHead,
    Credential,
    Seal,
    canonical_form,
    chain_hash,
    registered,
    sealed,
)
from domain.audit.record import NOT_AUDITED, record
from domain.audit.store import AuditStore
from domain.audit.verify import Break, ChainVerifier, verify_registry

__all__ = [
    "GENESIS_HASH",
    "NOT_AUDITED",
    "REGISTRY_ID",
    "AuditEntry",
    "AuditHead",
    "AuditStore",
    "Break",
    "ChainVerifier",
    "Credential",
    "Seal",
    "canonical_form",
    "chain_hash",
    "record",
    "registered",
    "sealed",
    "verify_registry",
]
