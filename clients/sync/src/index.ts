/** Collections of TanStack DB that are there offline: local queries and joins, writes that are shown at once and sent when they can be. */
import { toGlobalId, newUuid, type HiveClient, type HiveError } from '@pantherahive/client'
import { rankBetween } from '@pantherahive/client/rank'
import type { Collection } from '@tanstack/db'

import { collectionOf } from './collections.ts'
import { Engine, viewerOf, type SyncStatus } from './engine.ts'
import type { Operation } from './operations.ts'
import type { ConflictHandler } from './queue.ts'
import type {
  CommentRow,
  DocumentRow,
  LabelRow,
  NotificationRow,
  ProjectRow,
  TaskRow,
  TeamRow,
  UserRow,
} from './rows.ts'
import type { ChangeScope } from './snapshot.ts'
import { indexedDbStorage, memoryStorage, removeIndexedDb, type SyncStorage } from './storage.ts'

export type { SyncStatus } from './engine.ts'
export type { Operation } from './operations.ts'
export { UnsupportedWrite, withReaction } from './operations.ts'
export type { Conflict, ConflictHandler, Resolution } from './queue.ts'
export type * from './rows.ts'
export type { ChangeScope } from './snapshot.ts'
export { indexedDbStorage, memoryStorage, type Batch, type SyncStorage } from './storage.ts'

export interface SyncOptions {
  /**
   * Names the IndexedDB database: take the viewer's id, so that nobody sees what another left on the machine. Tabs with the same
   * name share it. Without a name everything lies in memory.
   */
  name?: string
  /** Another storage than IndexedDB; it is this tab's own. */
  storage?: SyncStorage
  /** Only these teams or projects. */
  scope?: ChangeScope
  /** Asked where others changed the same fields meanwhile; what was written here wins by default. */
  onConflict?: ConflictHandler
  /** A write that the server refuses for good, as every tab is told, or that could not be stored; it is no longer shown. */
  onRejected?: (operation: Operation, error: HiveError) => void
  /** A write that the server has done; `undo(changeId:)` takes it back. Every tab is told. */
  onDone?: (operation: Operation, changeId: string) => void
}

export interface TaskPlace {
  /** Right after this task; null for the front of its project. */
  afterId?: string | null
  projectId?: string
  parentId?: string | null
  status?: TaskRow['status']
}

export interface HiveSync {
  readonly tasks: Collection<TaskRow, string>
  readonly projects: Collection<ProjectRow, string>
  readonly comments: Collection<CommentRow, string>
  readonly documents: Collection<DocumentRow, string>
  readonly notifications: Collection<NotificationRow, string>
  readonly users: Collection<UserRow, string>
  readonly teams: Collection<TeamRow, string>
  readonly labels: Collection<LabelRow, string>
  /** What was written here and the server has not answered yet, the oldest first. */
  readonly queue: readonly Operation[]
  readonly status: SyncStatus
  /** Resolves when there is something to show, from here or from the server. */
  readonly ready: Promise<void>
  /** Calls `listener` with the status now and after each change. */
  listen(listener: (status: SyncStatus) => void): () => void
  /**
   * Calls `watcher` with the ids of objects after something has happened to them, whether or not it shows in a row: activity,
   * files. What happened to a comment has happened to its task or document, too.
   */
  watch(watcher: (ids: ReadonlySet<string>) => void): () => void
  /** Puts a task elsewhere: on the board, among its siblings, into another project. */
  moveTask(id: string, place: TaskPlace): void
  /** Resolves when nothing written here is on its way any more. */
  settled(): Promise<void>
  /** Tries again at once. */
  wake(): void
  /** Forgets all rows, also stored ones; writes that wait stay. For sessions that were ended by the server. */
  forget(): Promise<void>
  dispose(): Promise<void>
}

export function createSync(client: HiveClient, options: SyncOptions = {}): HiveSync {
  const storage =
    options.storage ?? (options.name === undefined ? memoryStorage() : indexedDbStorage(databaseOf(options.name)))
  const engine = new Engine(client, {
    storage,
    name: options.storage ? null : (options.name ?? null),
    scope: options.scope ?? null,
    onConflict: options.onConflict,
    onRejected: options.onRejected,
    onDone: options.onDone,
  })
  const tasks = collectionOf(engine, 'Task', true)
  const until = (isReached: (status: SyncStatus) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const unlisten = engine.listen((status) => {
        if (!isReached(status)) return
        resolve()
        queueMicrotask(() => unlisten())
      })
    })
  const started = engine.start()
  return {
    tasks,
    projects: collectionOf(engine, 'Project', true),
    comments: collectionOf(engine, 'Comment', true),
    documents: collectionOf(engine, 'Document', true),
    notifications: collectionOf(engine, 'Notification', true),
    users: collectionOf(engine, 'User', false),
    teams: collectionOf(engine, 'Team', false),
    labels: collectionOf(engine, 'Label', false),
    get queue() {
      return engine.replica.queue
    },
    get status() {
      return engine.status
    },
    ready: started.then(() => until(({ isReady }) => isReady)),
    listen: (listener) => engine.listen(listener),
    watch: (watcher) => engine.replica.watch(watcher),
    moveTask(id, { afterId, projectId, parentId, status }) {
      tasks.update(id, { metadata: { afterId } }, (draft) => {
        if (projectId !== undefined) draft.projectId = projectId
        if (parentId !== undefined) draft.parentId = parentId
        if (status !== undefined) draft.status = status
        if (afterId !== undefined) draft.rank = rankAfter(tasks, id, draft.projectId, afterId)
      })
    },
    settled: () => until(({ pending }) => pending === 0),
    wake: () => engine.wake(),
    forget: () => engine.forget(),
    dispose: () => engine.dispose(),
  }
}

/**
 * Removes all that was stored under a name: rows, and writes that wait. Call it when somebody signs out; other tabs that have it
 * open end with `STORAGE_CLOSED`.
 */
export async function removeStored(name: string): Promise<void> {
  await removeIndexedDb(databaseOf(name))
}

/** The UUID of who is signed in, also offline; null for nobody. Names the replica. */
export function viewerId({ session }: HiveClient): string | null {
  return viewerOf(session.storage.read()?.accessToken ?? '') || null
}

function databaseOf(name: string): string {
  return `pantherahive ${name}`
}

/** A row for `tasks.insert`, with an id of its own; the server gives it its key, version and place. */
export function newTask(fields: Pick<TaskRow, 'title' | 'projectId'> & Partial<TaskRow>): TaskRow {
  const now = new Date().toISOString()
  return {
    id: toGlobalId('Task', newUuid()),
    version: 0,
    createdAt: now,
    updatedAt: now,
    key: '',
    description: null,
    status: 'TODO',
    priority: 'NONE',
    startOn: null,
    dueOn: null,
    completedAt: null,
    estimate: null,
    // Behind all: new tasks stand at the end of their project.
    rank: 'zz',
    externalRef: null,
    parentId: null,
    assigneeId: null,
    creatorId: null,
    labelIds: [],
    isBlocked: false,
    ...fields,
  }
}

/** A row for `comments.insert`, on a task or document. */
export function newDocument(fields: Pick<DocumentRow, 'title' | 'projectId'> & Partial<DocumentRow>): DocumentRow {
  const now = new Date().toISOString()
  return {
    id: toGlobalId('Document', newUuid()),
    version: 0,
    createdAt: now,
    updatedAt: now,
    type: 'TEXT',
    rank: 'zz',
    preview: null,
    ownerId: null,
    parentId: null,
    ...fields,
  }
}

/** A row for `comments.insert`, with an id of its own. */
export function newComment(fields: Pick<CommentRow, 'body' | 'subjectId'> & Partial<CommentRow>): CommentRow {
  const now = new Date().toISOString()
  return {
    id: toGlobalId('Comment', newUuid()),
    version: 0,
    createdAt: now,
    updatedAt: now,
    editedAt: null,
    resolvedAt: null,
    subjectType: atob(fields.subjectId).startsWith('Document:') ? 'Document' : 'Task',
    authorId: null,
    parentId: null,
    resolvedById: null,
    mentionIds: [],
    reactions: [],
    attachments: [],
    ...fields,
  }
}

/** A rank for what is shown until the server has given it one. */
function rankAfter(tasks: Collection<TaskRow, string>, id: string, projectId: string, afterId: string | null): string {
  const ranks = tasks.toArray.filter((each) => each.projectId === projectId && each.id !== id).map(({ rank }) => rank)
  const low = afterId === null ? null : (tasks.get(afterId)?.rank ?? null)
  const high = ranks
    .filter((rank) => low === null || rank > low)
    .reduce<string | null>((least, rank) => (least === null || rank < least ? rank : least), null)
  return rankBetween(low, high)
}
