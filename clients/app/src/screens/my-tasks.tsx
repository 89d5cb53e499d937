/// The first screen: what the viewer has to do, by when it is due.
import { useMemo } from 'react'
import { me } from '../data/replica'
import { tasks, type Task } from '../data/rows'
import { isOpen } from '../data/tasks'
import { useRows } from '../data/use-rows'
import { TaskLine } from '../ui/task-line'
import { Empty, ScreenTitle } from '../ui/states'
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

export function MyTasksScreen() {
  const all = useRows(tasks)
  const mine = useMemo(() => all.filter((task) => task.assigneeId === me() && isOpen(task)).toSorted(inOrder), [all])
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
      {mine.length === 0 && <Empty title="Nothing to do" hint="Tasks that are assigned to you appear here." />}
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
