/// The examples of a first visit, and the task, team and project that stand in their variables once somebody is signed in.
import { toJson } from './documents'
import board from './examples/board.graphql?raw'
import changes from './examples/changes.graphql?raw'
import importFile from './examples/import.graphql?raw'
import moveTask from './examples/move-task.graphql?raw'
import report from './examples/report.graphql?raw'
import taskChanges from './examples/task-changes.graphql?raw'
import undo from './examples/undo.graphql?raw'
import webhook from './examples/webhook.graphql?raw'
import type { Answer, Request } from './http'
import exampleTask from './operations/example-task.graphql?raw'
import taskStatus from './operations/task-status.graphql?raw'
import type { Tab, Tabs } from './tabs/tabs'

export type ExampleName = 'board' | 'move-task' | 'changes' | 'task-changes' | 'undo' | 'import' | 'report' | 'webhook'

const PLACEHOLDER = 'the id of a task'

export const EXAMPLES: readonly Omit<Tab, 'id'>[] = [
  example('board', board, { cards: 6 }),
  example('move-task', moveTask, { input: { id: PLACEHOLDER, status: 'IN_REVIEW' } }),
  example('changes', changes, { after: null }),
  example('task-changes', taskChanges, { id: PLACEHOLDER, after: null }),
  example('undo', undo, undoVariables(null)),
  example('import', importFile, importVariables(null)),
  example('report', report, reportVariables(null)),
  example('webhook', webhook, webhookVariables(null)),
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
  project: { id?: string; visibility: string; team?: { id: string } }
  activity?: { nodes: { id: string; kind: string }[] }
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
    const variables = isUntouched(tab) ? TEAM_EXAMPLES[tab.example ?? '']?.(task) : undefined
    if (variables !== undefined) fill(tabs, tab, variables)
    const id = taskIn(tab)
    if (id === null || id === task.id) continue
    fill(tabs, tab, tab.example === 'move-task' ? moveVariables(task) : { id: task.id, after: null })
  }
}

/** Variables of the examples about a task's history, its project and its team; without a task, words say what is wanted. */
const TEAM_EXAMPLES: Record<string, ((task: TaskNode | null) => object) | undefined> = {
  undo: undoVariables,
  import: importVariables,
  report: reportVariables,
  webhook: webhookVariables,
}

function undoVariables(task: TaskNode | null): object {
  const last = task?.activity?.nodes[0]
  const change = last && last.kind !== 'CREATED' ? last.id : 'the id of a change: run MoveTask, then History'
  return { input: { changeId: change }, task: task?.id ?? PLACEHOLDER }
}

function importVariables(task: TaskNode | null): object {
  return {
    upload: { fileName: 'tasks.csv', contentType: 'text/csv', byteSize: 1 },
    complete: { id: 'the id of the attachment' },
    import: { teamId: teamOf(task), uploadId: 'the id of the attachment', format: 'CSV', dryRun: true },
  }
}

function reportVariables(task: TaskNode | null): object {
  return { input: { kind: 'PROJECT_PROGRESS', projectId: task?.project.id ?? 'the id of a project' } }
}

function webhookVariables(task: TaskNode | null): object {
  return { input: { teamId: teamOf(task), url: 'https://example.com/hooks', events: ['task.*'] }, team: teamOf(task) }
}

function teamOf(task: TaskNode | null): string {
  return task?.project.team?.id ?? 'the id of a team'
}

/** Whether the variables are those that the page filled in. */
function isUntouched(tab: Tab): boolean {
  return tab.filled !== null && tab.filled === tab.variables
}

/** The id in the variables that the page filled in; null where somebody has changed them, or there is none. */
function taskIn(tab: Tab): string | null {
  if (!isUntouched(tab)) return null
  const { id, input } = JSON.parse(tab.variables) as { id?: string; input?: { id: string } }
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
