/// What a replica does not hold of a task: its activity, its files, and whether the viewer watches it; read again shortly after something about the task has changed.
import { useEffect, useState } from 'react'
import type { ResultOf } from '../graph/graph'
import { TaskHistory } from '../graph/operations'
import { watch } from '../data/replica'
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
    const unwatch = watch(taskId, () => {
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
