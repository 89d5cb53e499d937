/// The example tabs, and the task of one's own that stands in their variables once somebody is signed in.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import type { Fetcher } from '@graphiql/toolkit'
import { useEffect, useState } from 'react'
import board from './examples/board.graphql?raw'
import changes from './examples/changes.graphql?raw'
import moveTask from './examples/move-task.graphql?raw'
import taskChanges from './examples/task-changes.graphql?raw'
import type { Answer } from './http'
import exampleTask from './operations/example-task.graphql?raw'
import type { Status } from './session'

const TASK = 'the id of a task'

function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

export const exampleTabs = [
  { query: board, variables: json({ cards: 6 }) },
  { query: moveTask, variables: json({ input: { id: TASK, status: 'IN_REVIEW' } }) },
  { query: changes, variables: json({ after: null }) },
  { query: taskChanges, variables: json({ id: TASK }) },
]

/** Tasks that the example mutation really moves. */
const MOVABLE = { status: { notIn: ['IN_REVIEW', 'DONE', 'CANCELED'] } }

interface ExampleTaskData {
  viewer: { assignedTasks: { nodes: { id: string }[] } } | null
  tasks: { nodes: { id: string }[] } | null
}

async function findTask(fetcher: Fetcher): Promise<string | null> {
  try {
    const answer = (await fetcher({ query: exampleTask, variables: { filter: MOVABLE } })) as Answer
    const data = answer.data as ExampleTaskData | null | undefined
    return data?.viewer?.assignedTasks.nodes[0]?.id ?? data?.tasks?.nodes[0]?.id ?? null
  } catch {
    return null // The placeholder says what is wanted.
  }
}

/** Lives inside GraphiQL and shows nothing: puts the task into the tab that is shown, and reads the schema again when it may have changed. */
export function FilledTabs({ fetcher, status }: { fetcher: Fetcher; status: Status }) {
  const { introspect, stop } = useGraphiQLActions()
  const tabs = useGraphiQL((state) => state.tabs)
  const active = useGraphiQL((state) => state.activeTabIndex)
  const schema = useGraphiQL((state) => state.schema)
  const introspecting = useGraphiQL((state) => state.isIntrospecting)
  const variables = useGraphiQL((state) => state.variableEditor)
  const [task, setTask] = useState<string | null>(null)
  const email = status.state === 'signed-in' ? status.email : null

  useEffect(() => {
    if (!email) return
    let current = true
    void findTask(fetcher).then((found) => {
      if (current) setTask(found)
    })
    return () => {
      current = false
    }
  }, [email, fetcher])

  useEffect(() => {
    if (email && !schema && !introspecting) introspect()
    // Only on signing in: a failed introspection is not repeated by itself.
  }, [email])

  useEffect(() => {
    // GraphiQL opens its first tab with the query alone.
    const wanted = tabs[active]?.variables
    if (variables && wanted && !variables.getValue()) variables.setValue(wanted)
  }, [variables])

  // A subscription goes on as who began it, so it ends with them.
  useEffect(() => () => stop(), [email, stop])

  useEffect(() => {
    const shown = variables?.getValue()
    if (task && shown?.includes(TASK)) variables?.setValue(shown.replaceAll(TASK, task))
  }, [task, variables, active])

  return null
}
