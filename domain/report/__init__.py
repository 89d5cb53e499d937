"""Reports: figures over tasks, as JSON, as a table and as a chart; pure, from the rows of `persistence.reports`."""

from domain.report.build import Report as Report
from domain.report.build import activity as activity
from domain.report.build import burn_down as burn_down
from domain.report.build import cycle_time as cycle_time
from domain.report.build import overdue as overdue
from domain.report.build import progress as progress
from domain.report.build import workload as workload
