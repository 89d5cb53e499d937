/// Takes back what the viewer did: from the message that says it was done, or with Ctrl-Z outside of texts, the last first.
import { newUuid } from '@pantherahive/client'
import { Undo } from '../graph/operations'
import { notify } from './notices'
import { client } from './session'

/** Finds the change to be undone when it is asked for. */
type FindChange = () => Promise<string>

/** How many can be taken back by Ctrl-Z. */
const MAX_DONE = 50

/** What can be taken back, the oldest first. */
let done: readonly FindChange[] = []

/** The server did what the viewer wanted; `label` says what it was. */
export function offerUndo(findChange: FindChange, label: string): void {
  done = [...done.slice(1 - MAX_DONE), findChange]
  notify(`${label}: done.`, 'done', { label: 'Undo', run: () => void takeBack(findChange) })
}

/** Whether there was anything to take back. */
export function undoLast(): boolean {
  const last = done.at(-1)
  if (last) void takeBack(last)
  return last !== undefined
}

/** Somebody else signs in: what was done is not theirs. */
export function forgetUndo(): void {
  done = []
}

/** An undoing is a change as well, which can be undone in turn. */
async function takeBack(findChange: FindChange, isRedo = false): Promise<void> {
  done = done.filter((each) => each !== findChange)
  try {
    const { undo } = await client.request(Undo, {
      input: { changeId: await findChange(), clientMutationId: newUuid() },
    })
    const [error] = undo?.errors ?? []
    if (error) notify(`Not ${isRedo ? 'redone' : 'undone'}. ${error.message}`, 'problem')
    const made = undo?.change
    if (!made) return
    const again = () => void takeBack(() => Promise.resolve(made.id), !isRedo)
    notify(isRedo ? 'Redone.' : 'Undone.', 'done', { label: isRedo ? 'Undo' : 'Redo', run: again })
  } catch (error) {
    notify(`Not ${isRedo ? 'redone' : 'undone'}. ${error instanceof Error ? error.message : String(error)}`, 'problem')
  }
}
