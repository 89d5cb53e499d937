/// The examples of a first visit, and the task that stands in their variables once somebody is signed in.
import { toJson } from './documents'
import board from './examples/board.graphql?raw'
import changes from './examples/changes.graphql?raw'
import moveTask from './examples/move-task.graphql?raw'
import taskChanges from './examples/task-changes.graphql?raw'
import type { Answer, Request } from './http'
import exampleTask from './operations/example-task.graphql?raw'
import taskStatus from './operations/task-status.graphql?raw'
import type { Tab, Tabs } from './tabs/tabs'

export type ExampleName = 'board' | 'move-task' | 'changes' | 'task-changes'

const PLACEHOLDER = 'the id of a task'

export const EXAMPLES: readonly Omit<Tab, 'id'>[] = [
  example('board', board, { cards: 6 }),
  example('move-task', moveTask, { input: { id: PLACEHOLDER, status: 'IN_REVIEW' } }),
  example('changes', changes, { after: null }),
  example('task-changes', taskChanges, { id: PLACEHOLDER, after: null }),
]

function example(name: ExampleName, query: string, variables: object): Omit<Tab, 'id'> {
  const filled = toJson(variables)
  return { query, variables: filled, headers: '', example: name, filled }
}

export type Ask = (request: Request) => Promise<Answer>

interface TaskNode {
  id: string
  status: string
  viewerCan: string[]
  project: { visibility: string }
}

/**
 * Puts a task into the examples whose variables nobody has changed: the one that they name already, where the viewer may
 * move it, or else another.
 */
export async function fillExamples(tabs: Tabs, ask: Ask): Promise<void> {
  const [named] = tabs.value.tabs.map(taskIn).filter((id) => id !== null && id !== PLACEHOLDER)
  const task = await usableTask(ask, named ?? null)
  if (!task) return
  for (const tab of tabs.value.tabs) {
    const id = taskIn(tab)
    if (id === null || id === task.id) continue
    fill(tabs, tab, tab.example === 'move-task' ? moveVariables(task) : { id: task.id, after: null })
  }
}

/** The id in the variables that the page filled in; null where somebody has changed them, or there is none. */
function taskIn(tab: Tab): string | null {
  if (tab.filled === null || tab.filled !== tab.variables) return null
  const { id, input } = JSON.parse(tab.filled) as { id?: string; input?: { id: string } }
  return (tab.example === 'task-changes' ? id : tab.example === 'move-task' ? input?.id : null) ?? null
}

/**
 * Before the example mutation runs: turns it around when the task is already where it would go, so that every run makes a change.
 * Variables that somebody has changed are sent as they are.
 */
export async function turnAround(tabs: Tabs, tab: Tab, ask: Ask): Promise<void> {
  const id = tab.example === 'move-task' ? taskIn(tab) : null
  const task = id === null ? null : await usableTask(ask, id)
  if (task) fill(tabs, tab, moveVariables(task))
}

function moveVariables(task: TaskNode): object {
  return { input: { id: task.id, status: task.status === 'IN_REVIEW' ? 'IN_PROGRESS' : 'IN_REVIEW' } }
}

function fill(tabs: Tabs, tab: Tab, variables: object): void {
  const filled = toJson(variables)
  tabs.edit(tab.id, { variables: filled, filled })
}

/** The task of that id where the viewer may move it, or else one that they may. */
async function usableTask(ask: Ask, id: string | null): Promise<TaskNode | null> {
  const named = id === null || id === PLACEHOLDER ? null : await readTask(ask, id)
  return named?.viewerCan.includes('MOVE') ? named : await findTask(ask)
}

/** A task that others of the team see too comes first, so that they see it move. */
async function findTask(ask: Ask): Promise<TaskNode | null> {
  try {
    const { data } = await ask({ query: exampleTask })
    const found = data as { viewer: { assignedTasks: Nodes } | null; tasks: Nodes | null } | null | undefined
    const tasks = [...(found?.viewer?.assignedTasks.nodes ?? []), ...(found?.tasks?.nodes ?? [])]
    const movable = tasks.filter((task) => task.viewerCan.includes('MOVE'))
    return movable.find((task) => task.project.visibility !== 'PRIVATE') ?? movable[0] ?? null
  } catch {
    return null // The placeholder says what is wanted.
  }
}

async function readTask(ask: Ask, id: string): Promise<TaskNode | null> {
  try {
    const { data } = await ask({ query: taskStatus, variables: { id } })
    return (data as { task: TaskNode | null } | null | undefined)?.task ?? null
  } catch {
    return null // Another task is looked for.
  }
}

interface Nodes {
  nodes: TaskNode[]
}
