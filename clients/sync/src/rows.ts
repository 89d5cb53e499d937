/** Rows: objects of the graph without nesting, as collections hold them, and what is asked of the graph to make them. */

interface Stored {
  id: string
  version: number
  createdAt: string
  updatedAt: string
}

export interface TaskRow extends Stored {
  key: string
  title: string
  description: string | null
  status: 'BACKLOG' | 'TODO' | 'IN_PROGRESS' | 'IN_REVIEW' | 'DONE' | 'CANCELED'
  priority: 'NONE' | 'LOW' | 'MEDIUM' | 'HIGH' | 'URGENT'
  startOn: string | null
  dueOn: string | null
  completedAt: string | null
  estimate: number | null
  rank: string
  externalRef: string | null
  projectId: string
  parentId: string | null
  assigneeId: string | null
  creatorId: string | null
  labelIds: string[]
  /** Whether it waits for a task that is open, visible or not. */
  isBlocked: boolean
}

export interface ProjectRow extends Stored {
  name: string
  description: string | null
  status: string
  visibility: 'TEAM' | 'PRIVATE'
  startOn: string | null
  endOn: string | null
  teamId: string
  leadId: string | null
  /** What the viewer may do; who may `CREATE` in a project may change its tasks and documents, too. */
  viewerCan: string[]
}

export interface Reaction {
  emoji: string
  count: number
  viewerReacted: boolean
}

/** A file; its address is short-lived, so it is asked for when it is opened. */
export interface FileEntry {
  id: string
  fileName: string
  contentType: string
  byteSize: number
}

export interface CommentRow extends Stored {
  body: string
  editedAt: string | null
  resolvedAt: string | null
  subjectId: string
  subjectType: 'Task' | 'Document'
  authorId: string | null
  parentId: string | null
  resolvedById: string | null
  mentionIds: string[]
  reactions: Reaction[]
  attachments: FileEntry[]
}

export interface DocumentRow extends Stored {
  title: string
  type: string
  rank: string
  preview: string | null
  projectId: string
  ownerId: string | null
  parentId: string | null
}

export interface NotificationRow {
  id: string
  reason: string
  title: string
  body: string | null
  groupKey: string
  /** Number of events that it stands for. */
  eventCount: number
  createdAt: string
  readAt: string | null
  archivedAt: string | null
  snoozedUntil: string | null
  actorId: string | null
  subjectId: string | null
  commentId: string | null
}

export interface UserRow extends Stored {
  firstName: string
  lastName: string
  displayName: string
  status: string
  isBot: boolean
}

export interface TeamRow extends Stored {
  name: string
  key: string
  description: string | null
  ownerId: string | null
}

export interface LabelRow extends Stored {
  name: string
  /** As #rrggbb. */
  color: string
  teamId: string
}

export interface Rows {
  Task: TaskRow
  Project: ProjectRow
  Comment: CommentRow
  Document: DocumentRow
  Notification: NotificationRow
  User: UserRow
  Team: TeamRow
  Label: LabelRow
}

export type TypeName = keyof Rows
export type AnyRow = { id: string; version?: number } & Record<string, unknown>

export const TYPE_NAMES: readonly TypeName[] = [
  'Team',
  'Label',
  'User',
  'Project',
  'Task',
  'Document',
  'Comment',
  'Notification',
]

/** Types of snapshots, where teams come with their labels; notifications are read page by page. */
export const SNAPSHOT_TYPES = ['TEAM', 'USER', 'PROJECT', 'TASK', 'DOCUMENT', 'COMMENT'] as const

/** Fields by type. `status` has three types in the graph, so two of them have an alias that `toRow` takes off. */
export const FIELDS: Readonly<Record<TypeName, string>> = {
  Task:
    'id version createdAt updatedAt key title description status priority startOn dueOn completedAt estimate rank externalRef ' +
    'project { id } parent { id } assignee { id } creator { id } labels(first: 100) { nodes { id } } isBlocked deletedAt',
  Project:
    'id version createdAt updatedAt name description Project_status: status visibility startOn endOn team { id } lead { id } viewerCan',
  Comment:
    'id version createdAt updatedAt body editedAt resolvedAt subject { __typename id } author { id } parent { id } ' +
    'resolvedBy { id } mentions { id } reactions { emoji count viewerReacted } ' +
    'attachments(first: 10) { nodes { id fileName contentType byteSize } }',
  Document:
    'id version createdAt updatedAt title type rank preview project { id } owner { id } parent { id } deletedAt',
  Notification:
    'id reason title body groupKey eventCount createdAt readAt archivedAt snoozedUntil actor { id } subject { id } comment { id }',
  User: 'id version createdAt updatedAt firstName lastName displayName User_status: status isBot',
  Team: 'id version createdAt updatedAt name key description owner { id }',
  Label: 'id version createdAt updatedAt name color team { id }',
}

/** `... on Task { … }` for each of these types. */
export function fragments(types: readonly TypeName[]): string {
  return types.map((type) => `... on ${type} { ${FIELDS[type]} }`).join(' ')
}

/** An object of a snapshot or of an answer as a row: `project { id }` becomes `projectId`, `labels { nodes { id } }` `labelIds`. */
export function toRow(object: Record<string, unknown>): AnyRow {
  const row: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(object)) {
    if (field === '__typename' || field === 'deletedAt') continue
    const name = field.slice(field.indexOf('_') + 1)
    const nodes = (value as { nodes?: unknown } | null)?.nodes ?? value
    if (WHOLE.has(name)) row[name] = nodes
    else if (Array.isArray(nodes))
      row[`${name.replace(/s$/, '')}Ids`] = nodes.map(({ id }: { id: string }) => id).sort()
    else if (REFERENCES.has(name)) {
      const reference = value as { id: string; __typename?: string } | null
      row[`${name}Id`] = reference?.id ?? null
      if (name === 'subject' && reference?.__typename) row['subjectType'] = reference.__typename
    } else row[name] = value
  }
  return row as AnyRow
}

/** Lists that stand in a row as they are. */
const WHOLE = new Set(['viewerCan', 'reactions', 'attachments'])

/** Deleted objects are shown by their ids, so that they can be restored. */
export function isGone(object: Record<string, unknown> | null | undefined): boolean {
  return !object || (object['deletedAt'] ?? null) !== null
}

const REFERENCES = new Set([
  'project',
  'parent',
  'assignee',
  'creator',
  'team',
  'lead',
  'subject',
  'author',
  'resolvedBy',
  'owner',
  'actor',
  'comment',
])
