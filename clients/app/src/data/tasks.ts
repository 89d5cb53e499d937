/// What the viewer does to tasks: each shows at once, is stored, and is sent.
import { newTask } from '@pantherahive/sync'
import { rankBetween } from '@pantherahive/client/rank'
import { TaskRecur } from '../graph/operations'
import { doNow } from './do-now'
import { connection, replica } from './replica'
import { comments, tasks, type Status, type Task } from './rows'
import { derived } from './use-rows'

/** The cards of a column, in their order. */
export function column(all: readonly Task[], projectId: string, status: Status): Task[] {
  return all.filter((task) => task.projectId === projectId && task.status === status).sort(byRank)
}

export function byRank(a: Task, b: Task): number {
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.id < b.id ? -1 : 1
}

/** Puts a task into a column, after `before` and ahead of `after`, which are its neighbours there. */
export function moveTask(task: Task, status: Status, before: Task | undefined, after: Task | undefined): void {
  const place = before ? { afterId: before.id } : after ? { afterId: null } : {}
  replica().moveTask(task.id, { status, ...place })
}

export function changeStatus(task: Task, status: Status): void {
  if (status !== task.status) update(task, { status })
}

export function update(task: Task, changes: Partial<Task>): void {
  replica().tasks.update(task.id, (draft) => void Object.assign(draft, changes))
}

/** Rules stand in no row: the screen that shows one reads it again. */
export async function recur(task: Task, recurrence: string | null): Promise<void> {
  // The due day, which a rule needs, may still be on its way.
  if (connection.get() !== 'offline') await replica().settled()
  await doNow(TaskRecur, { id: task.id, recurrence }, `Set how ${task.key} repeats`)
}

export function createTask(
  title: string,
  projectId: string,
  more: { status?: Status; parent?: Task; assigneeId?: string | null },
): void {
  const { parent, ...rest } = more
  // New tasks stand at the end of their project.
  const last = tasks.all().reduce<string | null>((rank, task) => {
    return task.projectId === projectId && (rank === null || task.rank > rank) ? task.rank : rank
  }, null)
  replica().tasks.insert(
    newTask({ title, projectId, ...rest, parentId: parent?.id ?? null, rank: rankBetween(last, null) }),
  )
}

export function isOpen({ status }: Task): boolean {
  return status !== 'DONE' && status !== 'CANCELED'
}

/** How many threads there are about a task. */
export const useThreadCount = derived(comments, (all) => {
  const counts = new Map<string, number>()
  for (const { parentId, subjectId } of all)
    if (parentId === null) counts.set(subjectId, (counts.get(subjectId) ?? 0) + 1)
  return counts
})

/** How many sub-tasks a task has, and how many of them are done. */
export const useSubtasks = derived(tasks, (all) => {
  const counts = new Map<string, { total: number; done: number }>()
  for (const { parentId, status } of all) {
    if (parentId === null) continue
    const count = counts.get(parentId) ?? { total: 0, done: 0 }
    counts.set(parentId, { total: count.total + 1, done: count.done + (status === 'DONE' ? 1 : 0) })
  }
  return counts
})
