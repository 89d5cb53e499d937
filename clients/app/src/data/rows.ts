/// The rows that the application holds, and how the server's objects become them.
import type {
  CommentRowData,
  DocumentRowData,
  NotificationRowData,
  ProjectRowData,
  TaskRowData,
  ThreadCommentData,
} from '../graph/fragments'
import { Collection } from './collection'

export interface Task extends Omit<TaskRowData, 'project' | 'parent' | 'assignee' | 'labels' | 'subtaskProgress'> {
  projectId: string
  parentId: string | null
  assigneeId: string | null
  labelIds: string[]
  subtasks: { total: number; done: number }
  /** Undefined until it is read. */
  description?: string | null
}

export type Status = Task['status']
export type Priority = Task['priority']

export interface Comment extends Omit<CommentRowData, 'subject' | 'parent' | 'author' | 'attachments'> {
  subjectId: string
  parentId: string | null
  authorId: string | null
  authorName: string
  attachments: CommentRowData['attachments']['nodes']
  /** Not yet answered by the server. */
  isPending?: boolean
}

export interface Document extends Omit<DocumentRowData, 'project' | 'parent'> {
  projectId: string
  parentId: string | null
}

export interface Project extends Omit<ProjectRowData, 'team' | 'projectStatus'> {
  teamId: string
  status: ProjectRowData['projectStatus']
}

export interface Person {
  id: string
  displayName: string
}

export interface Team {
  id: string
  name: string
  key: string
  viewerRole: string | null
}

export interface Label {
  id: string
  name: string
  color: string
}

export type Notification = NotificationRowData

export const tasks = new Collection<Task>()
export const comments = new Collection<Comment>()
export const documents = new Collection<Document>()
export const projects = new Collection<Project>()
export const notifications = new Collection<Notification>()
export const people = new Collection<Person>()
export const teams = new Collection<Team>()
export const labels = new Collection<Label>()

/** By the names under which unanswered changes are stored. */
export const collections = { tasks, comments, documents, projects, notifications }
export type CollectionName = keyof typeof collections

export function toTask({ project, parent, assignee, labels, subtaskProgress, ...rest }: TaskRowData): Task {
  return {
    ...rest,
    projectId: project.id,
    parentId: parent?.id ?? null,
    assigneeId: assignee?.id ?? null,
    labelIds: labels.nodes.map(({ id }) => id),
    subtasks: { total: subtaskProgress.total, done: subtaskProgress.done },
  }
}

export function toComment({ subject, parent, author, attachments, ...rest }: CommentRowData): Comment {
  return {
    ...rest,
    subjectId: subject.id,
    parentId: parent?.id ?? null,
    authorId: author?.id ?? null,
    authorName: author?.displayName ?? 'Somebody',
    attachments: attachments.nodes,
  }
}

/** A comment that was read with its thread; `more` is what the whole thread has in common, and its files. */
export function toThreadComment(
  { author, ...rest }: ThreadCommentData,
  more: Pick<Comment, 'subjectId' | 'parentId' | 'attachments'>,
): Comment {
  return { ...rest, ...more, authorId: author?.id ?? null, authorName: author?.displayName ?? 'Somebody' }
}

export function toDocument({ project, parent, ...rest }: DocumentRowData): Document {
  return { ...rest, projectId: project.id, parentId: parent?.id ?? null }
}

export function toProject({ team, projectStatus, ...rest }: ProjectRowData): Project {
  return { ...rest, teamId: team.id, status: projectStatus }
}
