/// Follows everything that the viewer can see, from the moment that the application was loaded, and keeps the rows true.
import { HiveError, type LiveState, type LiveSubscription } from '@pantherahive/client'
import type { ResultOf } from '../graph/graph'
import { LiveChanges, NotificationReceived, Start, TeamMembers, UnreadCount } from '../graph/operations'
import {
  comments,
  documents,
  labels,
  notifications,
  people,
  projects,
  tasks,
  teams,
  toComment,
  toDocument,
  toProject,
  toTask,
} from './rows'
import { client, session } from './session'
import { Store } from './store'
import { noteChange } from './undo'

export interface Viewer {
  id: string
  displayName: string
  email: string | null
}

export type Change = ResultOf<typeof LiveChanges>['changes']

export const connection = new Store<LiveState>('offline')
export const viewer = new Store<Viewer | null>(null)
export const unreadCount = new Store(0)
/** Why the application could not be loaded; null when it was, or is being loaded. */
export const problem = new Store<string | null>(null)
/** Rises when everything has to be read again, since too much was missed to catch up with. */
export const epoch = new Store(0)

const watchers = new Set<(change: Change) => void>()
let changes: LiveSubscription | undefined
let received: LiveSubscription | undefined
let loading = 0

/** Calls `watcher` with each change after it was applied; returns what ends that. */
export function watchChanges(watcher: (change: Change) => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

/** Loads what every screen stands on, and follows what happens from there. */
export async function start(): Promise<void> {
  const attempt = ++loading
  problem.set(null)
  try {
    const { changes: head, viewer: me, ...found } = await client.request(Start)
    if (attempt !== loading || !me || !head) return
    teams.put(...(found.teams?.nodes ?? []))
    projects.put(...(found.projects?.nodes ?? []).map(toProject))
    people.put({ id: me.id, displayName: me.displayName })
    unreadCount.set(found.notifications?.unreadCount ?? 0)
    viewer.set(me)
    follow(head.cursor)
    await Promise.all(teams.all().map(({ id }) => loadTeam(id)))
  } catch (error) {
    if (attempt !== loading || session.get() === 'signed-out') return
    problem.set(error instanceof Error ? error.message : String(error))
  }
}

/** Forgets everybody and everything, as after signing out. */
export function stop(): void {
  loading += 1
  changes?.unsubscribe()
  received?.unsubscribe()
  changes = received = undefined
  for (const collection of [tasks, comments, documents, projects, notifications, people, teams, labels])
    collection.clear()
  viewer.set(null)
  unreadCount.set(0)
  connection.set('offline')
}

async function loadTeam(id: string): Promise<void> {
  let after: string | null = null
  do {
    const { team }: ResultOf<typeof TeamMembers> = await client.request(TeamMembers, { id, after })
    if (!team) return
    people.put(...team.members.nodes)
    if (after === null) labels.put(...team.labels.nodes)
    after = team.members.pageInfo.hasNextPage ? team.members.pageInfo.endCursor : null
  } while (after !== null)
}

function follow(after: string): void {
  changes?.unsubscribe()
  received?.unsubscribe()
  changes = client.subscribe(
    LiveChanges,
    { after },
    {
      next: ({ changes: change }) => {
        noteChange(change)
        apply(change)
        for (const watcher of [...watchers]) watcher(change)
      },
      state: (state) => connection.set(state),
      error: (error) => void begin(error),
    },
  )
  received = client.subscribe(
    NotificationReceived,
    {},
    {
      next: ({ notificationReceived: notification }) => {
        notifications.put(notification)
        void countUnread()
      },
      error: () => undefined,
    },
  )
}

/** The stream ended for good: everything is read again from where the server is now. */
async function begin(error: HiveError): Promise<void> {
  if (error.code !== 'CURSOR_EXPIRED' && error.code !== 'CURSOR_INVALID') {
    problem.set(error.message)
    return
  }
  for (const collection of [tasks, comments, documents, notifications]) collection.clear()
  epoch.set(epoch.get() + 1)
  await start()
}

export async function countUnread(): Promise<void> {
  try {
    unreadCount.set((await client.request(UnreadCount)).notifications?.unreadCount ?? 0)
  } catch {
    // It is counted again with the next one.
  }
}

function apply({ kind, type, entityId, entity, subject }: Change): void {
  if (subject?.__typename === 'Task') tasks.amend(subject.id, { threadCount: subject.threadCount })
  if (kind === 'DELETED' || kind === 'ACCESS_LOST') return remove(type, entityId)
  switch (entity?.__typename) {
    case 'Task': {
      const { __typename, description, ...row } = entity
      const task = { ...toTask(row), description }
      return kind === 'RESTORED' ? tasks.restore(task) : tasks.put(task)
    }
    case 'Comment': {
      const { __typename, ...row } = entity
      return comments.put(toComment(row))
    }
    case 'Document': {
      const { __typename, ...row } = entity
      const document = toDocument(row)
      return kind === 'RESTORED' ? documents.restore(document) : documents.put(document)
    }
    case 'Project': {
      const { __typename, ...row } = entity
      return kind === 'RESTORED' ? projects.restore(toProject(row)) : projects.put(toProject(row))
    }
    case 'Label':
      return labels.put({ id: entity.id, name: entity.name, color: entity.color })
    case 'User':
      return people.put({ id: entity.id, displayName: entity.displayName })
  }
}

function remove(type: string, id: string): void {
  switch (type) {
    case 'Task':
      return tasks.remove(id)
    case 'Comment':
      return comments.remove(id)
    case 'Document':
      return documents.remove(id)
    case 'Project':
      for (const task of tasks.all()) if (task.projectId === id) tasks.remove(task.id)
      for (const document of documents.all()) if (document.projectId === id) documents.remove(document.id)
      return projects.remove(id)
  }
}
