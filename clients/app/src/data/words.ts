/// States and priorities: their order, and their names for people.
import type { Priority, Status } from './rows'

export const STATUSES: readonly Status[] = ['BACKLOG', 'TODO', 'IN_PROGRESS', 'IN_REVIEW', 'DONE', 'CANCELED']
export const STATUS_NAMES: Record<Status, string> = {
  BACKLOG: 'Backlog',
  TODO: 'To do',
  IN_PROGRESS: 'In progress',
  IN_REVIEW: 'In review',
  DONE: 'Done',
  CANCELED: 'Canceled',
}

export const PRIORITIES: readonly Priority[] = ['URGENT', 'HIGH', 'MEDIUM', 'LOW', 'NONE']
export const PRIORITY_NAMES: Record<Priority, string> = {
  NONE: 'No priority',
  LOW: 'Low',
  MEDIUM: 'Medium',
  HIGH: 'High',
  URGENT: 'Urgent',
}

export type LinkKind = 'BLOCKS' | 'BLOCKED_BY' | 'RELATES_TO' | 'DUPLICATES' | 'DUPLICATED_BY'
export const LINK_NAMES: Record<LinkKind, string> = {
  BLOCKS: 'Blocks',
  BLOCKED_BY: 'Is blocked by',
  RELATES_TO: 'Relates to',
  DUPLICATES: 'Duplicates',
  DUPLICATED_BY: 'Is duplicated by',
}
export const LINK_KINDS = Object.keys(LINK_NAMES) as LinkKind[]

/** Rules of recurrence that are chosen by a name; any other is shown as it is written. */
export const RECURRENCE_NAMES: Readonly<Record<string, string>> = {
  'FREQ=DAILY': 'Every day',
  'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR': 'Every weekday',
  'FREQ=WEEKLY': 'Every week',
  'FREQ=WEEKLY;INTERVAL=2': 'Every two weeks',
  'FREQ=MONTHLY': 'Every month',
  'FREQ=MONTHLY;BYMONTHDAY=-1': 'On the last day of each month',
  'FREQ=YEARLY': 'Every year',
}
