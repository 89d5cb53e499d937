/// What the viewer does to tasks: each shows at once, and is sent.
import { rankBetween } from '@pantherahive/client/rank'
import { change, newId } from './mutations'
import { type Status, type Task } from './rows'
import { STATUS_NAMES } from './words'

/** The cards of a column, in their order. */
export function column(all: readonly Task[], projectId: string, status: Status): Task[] {
  return all.filter((task) => task.projectId === projectId && task.status === status && !task.deletedAt).sort(byRank)
}

export function byRank(a: Task, b: Task): number {
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.id < b.id ? -1 : 1
}

/** Puts a task into a column, after `before` and ahead of `after`, which are its neighbours there. */
export function moveTask(task: Task, status: Status, before: Task | undefined, after: Task | undefined): void {
  const place = before ? { afterId: before.id } : after ? { beforeId: after.id } : {}
  change('taskMove', { id: task.id, status, ...place }, `Move ${task.key} to ${STATUS_NAMES[status]}`, {
    collection: 'tasks',
    patch: {
      id: task.id,
      changes: {
        status,
        rank: rankBetween(
          before?.rank ?? null,
          before && after && before.rank >= after.rank ? null : (after?.rank ?? null),
        ),
      } as Partial<Task>,
    },
  })
}

export function changeStatus(task: Task, status: Status): void {
  if (status !== task.status) update(task, { status }, { status }, `Set ${task.key} to ${STATUS_NAMES[status]}`)
}

/** `input` is what is sent, `shown` what the row looks like meanwhile. */
export function update(task: Task, input: object, shown: Partial<Task>, label: string): void {
  change('taskUpdate', { id: task.id, ...input }, label, {
    collection: 'tasks',
    patch: { id: task.id, changes: shown as object },
  })
}

/** Rules stand in no row: the screen that shows one reads it again. */
export function recur(task: Task, recurrence: string | null): void {
  update(task, { recurrence }, {}, `Set how ${task.key} repeats`)
}

export function createTask(
  title: string,
  projectId: string,
  more: { status?: Status; after?: Task; parent?: Task; assigneeId?: string | null },
): void {
  const { uuid, id } = newId('Task')
  const { status = 'TODO', after, parent, assigneeId = null } = more
  const row: Partial<Task> & { isNew: true } = {
    isNew: true,
    id,
    version: 0,
    key: '…',
    title,
    status,
    priority: 'NONE',
    dueOn: null,
    rank: rankBetween(after?.rank ?? null, null),
    isBlocked: false,
    threadCount: 0,
    deletedAt: null,
    projectId,
    parentId: parent?.id ?? null,
    assigneeId,
    labelIds: [],
    subtasks: { total: 0, done: 0 },
  }
  const input = {
    id: uuid,
    projectId,
    title,
    status,
    ...(after ? { afterId: after.id } : {}),
    ...(parent ? { parentId: parent.id } : {}),
    ...(assigneeId ? { assigneeId } : {}),
  }
  change('taskCreate', input, `Create “${title}”`, { collection: 'tasks', patch: { id, changes: row as object } })
}

export function isOpen({ status }: Task): boolean {
  return status !== 'DONE' && status !== 'CANCELED'
}
