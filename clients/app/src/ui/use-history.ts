/// The activity and files of a task, read again shortly after something about the task has changed.
import { useEffect, useState } from 'react'
import type { ResultOf } from '../graph/graph'
import { TaskHistory } from '../graph/operations'
import { watchChanges } from '../data/live'
import { client } from '../data/session'

export type TaskHistoryData = NonNullable<ResultOf<typeof TaskHistory>['task']>

/** Changes that follow one another so closely are read together, in milliseconds. */
const SETTLE_MS = 250

export function useHistory(taskId: string): TaskHistoryData | null {
  const [data, setData] = useState<TaskHistoryData | null>(null)
  useEffect(() => {
    let isCurrent = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = () =>
      client.request(TaskHistory, { id: taskId }).then(
        ({ task }) => isCurrent && setData(task),
        () => undefined,
      )
    void read()
    const unwatch = watchChanges(({ entityId, subject }) => {
      if (entityId !== taskId && subject?.id !== taskId) return
      clearTimeout(timer)
      timer = setTimeout(read, SETTLE_MS)
    })
    return () => {
      isCurrent = false
      clearTimeout(timer)
      unwatch()
    }
  }, [taskId])
  return data
}
