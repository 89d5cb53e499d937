/** What was written here and is not on the server yet, and the mutation that brings each of it there. */
import { fromGlobalId } from '@pantherahive/client'

import { FIELDS, type AnyRow, type Reaction, type TypeName } from './rows.ts'

export type WritableType = 'Task' | 'Project' | 'Comment' | 'Document' | 'Notification'

export interface Operation {
  /** The place in the queue; given by the storage. */
  seq?: number
  /** Names this write for good. */
  id: string
  type: WritableType
  kind: 'insert' | 'update' | 'delete'
  key: string
  /** The fields that it sets; of an insert the whole row. */
  changes: Record<string, unknown>
  /** What they were before, for merging with what others wrote meanwhile. */
  before: Record<string, unknown>
  /** The version on which it was made; null where that is not known: on top of another write, or of one without versions. */
  version: number | null
  /** What is sent, and may have arrived: a repetition is the same, to the letter. */
  sent?: { mutationId: string; input: Record<string, unknown> }
  attempts: number
  createdAt: string
}

/** A mutation with its input but for the idempotency key. */
export interface Mutation {
  field: string
  inputType: string
  /** What the payload holds: an object, or a list of them. */
  result: string | null
  input: Record<string, unknown>
}

const PREFIXES: Readonly<Record<WritableType, string>> = {
  Task: 'task',
  Project: 'project',
  Comment: 'comment',
  Document: 'document',
  Notification: 'notification',
}

const INSERTED: Readonly<Partial<Record<WritableType, readonly string[]>>> = {
  Task: [
    'projectId',
    'parentId',
    'title',
    'description',
    'status',
    'priority',
    'assigneeId',
    'startOn',
    'dueOn',
    'estimate',
    'labelIds',
    'externalRef',
  ],
  Project: ['teamId', 'name', 'description', 'visibility', 'startOn', 'endOn', 'leadId'],
  Comment: ['subjectId', 'parentId', 'body'],
  Document: ['projectId', 'parentId', 'title', 'type'],
}
const UPDATED: Readonly<Partial<Record<WritableType, readonly string[]>>> = {
  Task: ['title', 'description', 'status', 'priority', 'assigneeId', 'startOn', 'dueOn', 'estimate'],
  Project: ['name', 'description', 'status', 'visibility', 'startOn', 'endOn', 'leadId'],
  Comment: ['body'],
  Document: ['title'],
}
/** Fields that move a task rather than change it. `afterId` is no field of the row: it says where `rank` is. */
const MOVED = ['projectId', 'parentId', 'rank', 'afterId']

export class UnsupportedWrite extends TypeError {}

/** The mutation of an operation. Throws `UnsupportedWrite` for fields that no mutation sets. */
export function toMutation({ type, kind, key, changes, before, version }: Operation): Mutation {
  const prefix = PREFIXES[type]
  const named = (verb: string, input: Record<string, unknown>, result: string | null = prefix): Mutation => ({
    field: `${prefix}${verb}`,
    inputType: `${type}${verb}Input`,
    result,
    input,
  })
  const expected = version === null ? {} : { expectedVersion: version }
  if (type === 'Notification') {
    if (kind !== 'update') throw new UnsupportedWrite('Notifications are marked, not made or deleted.')
    return {
      ...named('sMark', { ids: [key], as: markOf(changes) }, 'notifications'),
      inputType: 'NotificationsMarkInput',
    }
  }
  if (kind === 'insert') return named('Create', { id: fromGlobalId(key).uuid, ...pick(changes, INSERTED[type]!, true) })
  if (kind === 'delete') return { ...named('Delete', { id: key, ...expected }, null), inputType: 'DeleteInput' }
  const names = Object.keys(changes)
  if (type === 'Task' && names.some((name) => MOVED.includes(name))) {
    const { projectId, parentId, status, afterId } = changes
    require(type, names, [...MOVED, 'status'])
    return named('Move', {
      id: key,
      ...(projectId === undefined ? {} : { projectId }),
      ...(parentId === undefined ? {} : { parentId }),
      ...(status === undefined ? {} : { status }),
      ...(afterId === undefined ? {} : { afterId }),
      ...expected,
    })
  }
  if (type === 'Task' && names.includes('labelIds')) {
    const [now, was] = [changes, before].map((each) => new Set((each['labelIds'] as string[] | undefined) ?? []))
    const added = [...now!].filter((id) => !was!.has(id))
    const removed = [...was!].filter((id) => !now!.has(id))
    require(type, names, ['labelIds', ...UPDATED[type]!])
    const rest = pick(changes, UPDATED[type]!)
    return named('Update', { id: key, ...rest, addLabelIds: added, removeLabelIds: removed, ...expected })
  }
  if (type === 'Comment' && names.includes('reactions')) {
    require(type, names, ['reactions'])
    return named('React', { id: key, ...toggled(changes, before) })
  }
  if (type === 'Comment' && names.includes('resolvedAt')) {
    require(type, names, ['resolvedAt'])
    return named('Resolve', { id: key, resolved: changes['resolvedAt'] !== null })
  }
  if (type === 'Document' && (names.includes('projectId') || names.includes('parentId'))) {
    require(type, names, ['projectId', 'parentId'])
    return named('Move', { id: key, ...changes })
  }
  require(type, names, UPDATED[type]!)
  return named('Update', { id: key, ...pick(changes, UPDATED[type]!), ...expected })
}

/** The document that runs a mutation and answers with what it made of the object. */
export function toDocument({ field, inputType, result }: Mutation, type: TypeName): string {
  const errors = 'errors { __typename code message path ... on ConflictError { currentVersion } }'
  const object = result === null ? '' : `object: ${result} { ${FIELDS[type]} }`
  return `mutation Write($input: ${inputType}!) { result: ${field}(input: $input) { ${object} ${errors} } }`
}

/** A row with an operation on top; undefined for none. */
export function applied(row: AnyRow | undefined, { kind, changes, before }: Operation): AnyRow | undefined {
  if (kind === 'delete') return undefined
  if (kind === 'insert') return row ?? (changes as AnyRow)
  if (row === undefined) return undefined
  const { afterId: _, ...fields } = changes
  if ('reactions' in fields) {
    // Others may have reacted since: what they did stays.
    const { emoji, on } = toggled(changes, before)
    fields['reactions'] = withReaction(row['reactions'] as Reaction[], emoji, on)
  }
  return { ...row, ...fields }
}

/** Reactions with the viewer's own added or taken back. */
export function withReaction(reactions: readonly Reaction[], emoji: string, on: boolean): Reaction[] {
  const known = reactions.find((each) => each.emoji === emoji)
  if (!known) return on ? [...reactions, { emoji, count: 1, viewerReacted: true }] : [...reactions]
  if (known.viewerReacted === on) return [...reactions]
  return reactions
    .map((each) => (each === known ? { ...each, count: each.count + (on ? 1 : -1), viewerReacted: on } : each))
    .filter(({ count }) => count > 0)
}

/** The one reaction that a write changes. */
function toggled(changes: Record<string, unknown>, before: Record<string, unknown>): { emoji: string; on: boolean } {
  const [was, now] = [before, changes].map(
    (each) => new Set(((each['reactions'] as Reaction[] | undefined) ?? []).flatMap(ownEmoji)),
  )
  const added = [...now!].filter((emoji) => !was!.has(emoji))
  const removed = [...was!].filter((emoji) => !now!.has(emoji))
  const emoji = added[0] ?? removed[0]
  if (emoji === undefined || added.length + removed.length > 1)
    throw new UnsupportedWrite('One write adds one reaction of the viewer, or takes one back.')
  return { emoji, on: added.length > 0 }
}

function ownEmoji({ emoji, viewerReacted }: Reaction): string[] {
  return viewerReacted ? [emoji] : []
}

function markOf(changes: Record<string, unknown>): string {
  require('Notification', Object.keys(changes), ['readAt', 'archivedAt'])
  if ('archivedAt' in changes) return changes['archivedAt'] === null ? 'UNARCHIVED' : 'ARCHIVED'
  return changes['readAt'] === null ? 'UNREAD' : 'READ'
}

function pick(row: Record<string, unknown>, names: readonly string[], skipsNull = false): Record<string, unknown> {
  return Object.fromEntries(
    names
      .filter((name) => row[name] !== undefined && !(skipsNull && row[name] === null))
      .map((name) => [name, row[name]]),
  )
}

function require(type: string, names: readonly string[], allowed: readonly string[]): void {
  const unknown = names.filter((name) => !allowed.includes(name))
  if (unknown.length)
    throw new UnsupportedWrite(
      `No single mutation of a ${type} sets ${names.join(', ')}: write ${unknown.join(', ')} alone.`,
    )
}
