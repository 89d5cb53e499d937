/// The first screen: what the viewer has to do, by when it is due.
import { useMemo } from 'react'
import type { ResultOf } from '../graph/graph'
import { MyTasks } from '../graph/operations'
import { viewer } from '../data/live'
import { tasks, toTask, type Task } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { useLoadOnce, useRows } from '../data/use-rows'
import { TaskLine } from '../ui/task-line'
import { Empty, Loading, Problem, ScreenTitle } from '../ui/states'
import { daysFromToday } from '../ui/times'

const GROUPS = ['Overdue', 'Today', 'Next seven days', 'Later', 'Without a date'] as const
type Group = (typeof GROUPS)[number]

function groupOf({ dueOn }: Task): Group {
  if (dueOn === null) return 'Without a date'
  const days = daysFromToday(dueOn)
  if (days < 0) return 'Overdue'
  if (days === 0) return 'Today'
  return days <= 7 ? 'Next seven days' : 'Later'
}

const WEIGHT = { URGENT: 0, HIGH: 1, MEDIUM: 2, LOW: 3, NONE: 4 }

function inOrder(a: Task, b: Task): number {
  return (
    (a.dueOn ?? '9').localeCompare(b.dueOn ?? '9') ||
    WEIGHT[a.priority] - WEIGHT[b.priority] ||
    a.key.localeCompare(b.key)
  )
}

async function load(): Promise<void> {
  let after: string | null = null
  do {
    const data: ResultOf<typeof MyTasks> = await client.request(MyTasks, { after })
    const page = data.viewer?.assignedTasks
    tasks.put(...(page?.nodes ?? []).map(toTask))
    after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
  } while (after !== null)
}

export function MyTasksScreen() {
  const me = useStore(viewer)
  const all = useRows(tasks)
  const { isLoading, problem, retry } = useLoadOnce('my-tasks', load)
  const mine = useMemo(
    () =>
      all
        .filter(
          ({ assigneeId, status, deletedAt }) =>
            assigneeId === me?.id && status !== 'DONE' && status !== 'CANCELED' && !deletedAt,
        )
        .toSorted(inOrder),
    [all, me],
  )
  const overdue = mine.filter(({ dueOn }) => dueOn !== null && daysFromToday(dueOn) < 0).length
  return (
    <div className="screen screen-reading">
      <ScreenTitle title="My tasks">
        {mine.length > 0 && (
          <p className="faint">
            {mine.length} open
            {overdue > 0 && (
              <>
                , <span className="late">{overdue} overdue</span>
              </>
            )}
          </p>
        )}
      </ScreenTitle>
      {problem && <Problem title="Your tasks could not be loaded" reason={problem} retry={retry} />}
      {isLoading && mine.length === 0 && <Loading what="your tasks" />}
      {!isLoading && !problem && mine.length === 0 && (
        <Empty title="Nothing to do" hint="Tasks that are assigned to you appear here." />
      )}
      {GROUPS.map((group) => {
        const rows = mine.filter((task) => groupOf(task) === group)
        if (rows.length === 0) return null
        return (
          <section key={group} className="task-group" aria-labelledby={`group-${group}`}>
            <h2 id={`group-${group}`} className={group === 'Overdue' ? 'late' : undefined}>
              {group} <span className="group-count">{rows.length}</span>
            </h2>
            <ul className="task-list">
              {rows.map((task) => (
                <TaskLine key={task.id} task={task} showProject />
              ))}
            </ul>
          </section>
        )
      })}
    </div>
  )
}
