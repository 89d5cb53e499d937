"""Jobs: long work that a person has started, such as an export; its progress, its end, and the files that it produced.

    QUEUED -> RUNNING -> SUCCEEDED | FAILED
       |         |
       +---------+-----> CANCELED

A job belongs to who started it, and nobody else sees it: what it reads and writes is bounded by that person's rights.
"""

from domain.job.cancel import cancel as cancel
from domain.job.entity import EXPORT_FORMATS as EXPORT_FORMATS
from domain.job.entity import FINISHED as FINISHED
from domain.job.entity import MAX_ISSUES as MAX_ISSUES
from domain.job.entity import Job as Job
from domain.job.entity import JobFile as JobFile
from domain.job.entity import JobIssue as JobIssue
from domain.job.entity import JobKind as JobKind
from domain.job.entity import JobState as JobState
from domain.job.entity import ReportKind as ReportKind
from domain.job.entity import TransferFormat as TransferFormat
from domain.job.entity import file_key as file_key
from domain.job.events import JobCreated as JobCreated
from domain.job.events import JobUpdated as JobUpdated
from domain.job.progress import JobStopped as JobStopped
from domain.job.progress import advance as advance
from domain.job.progress import begin as begin
from domain.job.progress import discard_leftovers as discard_leftovers
from domain.job.progress import fail as fail
from domain.job.progress import require_running as require_running
from domain.job.progress import succeed as succeed
from domain.job.start import start_export as start_export
from domain.job.start import start_import as start_import
from domain.job.start import start_report as start_report
from domain.job.store import JobStore as JobStore
