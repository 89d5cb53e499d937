/// The rows of whoever is signed in, as components follow them: collections of the replica, which come and go with its person.
import type {
  HiveSync,
  CommentRow,
  DocumentRow,
  LabelRow,
  NotificationRow,
  ProjectRow,
  TaskRow,
  TeamRow,
  UserRow,
} from '@pantherahive/sync'

export type Task = TaskRow
export type Status = Task['status']
export type Priority = Task['priority']
export type Comment = CommentRow
export type Document = DocumentRow
export type Project = ProjectRow
export type Notification = NotificationRow
export type Person = UserRow
export type Team = TeamRow
export type Label = LabelRow

/** What this module needs of a collection of TanStack DB. */
interface Source<T> {
  readonly toArray: T[]
  get(id: string): T | undefined
  subscribeChanges(listener: () => void): { unsubscribe(): void }
}

/** One subscription for all components that show rows of a type: a board has hundreds of cards. */
export class Rows<T extends { id: string }> {
  #source: Source<T> | null = null
  #unsubscribe: (() => void) | undefined
  #listeners = new Set<() => void>()
  #all: readonly T[] | null = null

  attach(source: Source<T> | null): void {
    this.#unsubscribe?.()
    this.#source = source
    const subscription = source?.subscribeChanges(this.#changed)
    this.#unsubscribe = subscription && (() => subscription.unsubscribe())
    this.#changed()
  }

  /** All rows; the same array until one of them changes. */
  readonly all = (): readonly T[] => (this.#all ??= this.#source?.toArray ?? [])

  get(id: string | null | undefined): T | undefined {
    return id ? this.#source?.get(id) : undefined
  }

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly #changed = (): void => {
    this.#all = null
    for (const listener of [...this.#listeners]) listener()
  }
}

export const tasks = new Rows<Task>()
export const comments = new Rows<Comment>()
export const documents = new Rows<Document>()
export const projects = new Rows<Project>()
export const notifications = new Rows<Notification>()
export const people = new Rows<Person>()
export const teams = new Rows<Team>()
export const labels = new Rows<Label>()

export function attach(sync: HiveSync | null): void {
  tasks.attach(sync && sync.tasks)
  comments.attach(sync && sync.comments)
  documents.attach(sync && sync.documents)
  projects.attach(sync && sync.projects)
  notifications.attach(sync && sync.notifications)
  people.attach(sync && sync.users)
  teams.attach(sync && sync.teams)
  labels.attach(sync && sync.labels)
}
