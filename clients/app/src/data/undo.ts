/// Takes back what the viewer did: from the message that says it was done, or with Ctrl-Z outside of texts, the last first.
import { newUuid } from '@pantherahive/client'
import { Undo } from '../graph/operations'
import { notify } from './notices'
import { client } from './session'

/** How many mutations can be taken back, and how many changes of the log are remembered for that. */
const MAX_DONE = 50
const MAX_CHANGES = 500
/** How long after the answer to a mutation its change may come, in milliseconds. */
const PATIENCE_MS = 10_000

/** The mutations that can be taken back, the oldest first. */
let done: readonly string[] = []
/** The first change that each mutation caused. */
const changes = new Map<string, string>()
const waiting = new Map<string, (changeId: string) => void>()

/** The server did what the viewer wanted; `label` says what it was. */
export function offerUndo(mutationId: string, label: string): void {
  done = [...done.slice(1 - MAX_DONE), mutationId]
  notify(`${label}: done.`, 'done', { label: 'Undo', run: () => void undoMutation(mutationId) })
}

/** The log has a change; those that others caused are never asked for. */
export function noteChange({ id, clientMutationId }: { id: string; clientMutationId: string | null }): void {
  if (clientMutationId === null || changes.has(clientMutationId)) return
  changes.set(clientMutationId, id)
  if (changes.size > MAX_CHANGES) changes.delete(changes.keys().next().value as string)
  waiting.get(clientMutationId)?.(id)
}

/** Whether there was anything to take back. */
export function undoLast(): boolean {
  const last = done.at(-1)
  if (last !== undefined) void undoMutation(last)
  return last !== undefined
}

/** Somebody else signs in: what was done is not theirs. */
export function forgetUndo(): void {
  done = []
  changes.clear()
}

async function undoMutation(mutationId: string): Promise<void> {
  done = done.filter((each) => each !== mutationId)
  const changeId = changes.get(mutationId) ?? (await arrival(mutationId))
  if (changeId === null) notify('Not undone. The server has not told of this change yet.', 'problem')
  else await undoChange(changeId, false)
}

function arrival(mutationId: string): Promise<string | null> {
  return new Promise((resolve) => {
    const settle = (changeId: string | null): void => {
      clearTimeout(timer)
      waiting.delete(mutationId)
      resolve(changeId)
    }
    const timer = setTimeout(() => settle(null), PATIENCE_MS)
    waiting.set(mutationId, settle)
  })
}

/** An undoing is a change as well, which can be undone in turn. */
async function undoChange(changeId: string, isRedo: boolean): Promise<void> {
  try {
    const { undo } = await client.request(Undo, { input: { changeId, clientMutationId: newUuid() } })
    const [error] = undo?.errors ?? []
    if (error) notify(`Not ${isRedo ? 'redone' : 'undone'}. ${error.message}`, 'problem')
    const made = undo?.change
    if (!made) return
    const again = { label: isRedo ? 'Undo' : 'Redo', run: () => void undoChange(made.id, !isRedo) }
    notify(isRedo ? 'Redone.' : 'Undone.', 'done', again)
  } catch (error) {
    notify(`Not ${isRedo ? 'redone' : 'undone'}. ${error instanceof Error ? error.message : String(error)}`, 'problem')
  }
}
