/// Does what no row holds, so that it cannot be shown before the server has answered: it is not queued, and fails offline.
import { newUuid } from '@pantherahive/client'
import type { VariablesOf } from '../graph/graph'
import { ChangesAfter, LogCursor } from '../graph/operations'
import type { TaskLink, TaskRecur, TaskUnlink, TemplateCreate, TemplateUse } from '../graph/operations'
import { notify } from './notices'
import { client } from './session'
import { offerUndo } from './undo'

type Immediate = typeof TaskLink | typeof TaskUnlink | typeof TaskRecur | typeof TemplateCreate | typeof TemplateUse
type DataOf<D> = D extends { __apiType?: (variables: never) => infer R } ? R : never
type Result<D> = NonNullable<DataOf<D> extends { result: infer R } ? R : never>

/** What was done; null when it was refused, which a message says. */
export async function doNow<D extends Immediate>(
  document: D,
  input: Omit<VariablesOf<D>['input'], 'clientMutationId'>,
  label: string,
  { isUndoable = true } = {},
): Promise<Result<D> | null> {
  const id = newUuid()
  try {
    const before = isUndoable ? (await client.request(LogCursor)).changes?.cursor : undefined
    const { result } = await client.request<{ result: { errors: { message: string }[] } | null }, object>(
      document as never,
      { input: { ...input, clientMutationId: id } },
    )
    const [error] = result?.errors ?? []
    if (error) throw new Error(error.message)
    if (before) offerUndo(() => changeOf(id, before), label)
    return result as Result<D> | null
  } catch (error) {
    notify(`${label}: not done. ${error instanceof Error ? error.message : String(error)}`, 'problem')
    return null
  }
}

/** The change that a mutation caused, which the log has behind `cursor`. */
async function changeOf(mutationId: string, cursor: string): Promise<string> {
  const { changes } = await client.request(ChangesAfter, { after: cursor })
  const found = changes?.nodes.find(({ clientMutationId }) => clientMutationId === mutationId)
  if (!found) throw new Error('Too much has happened since.')
  return found.id
}
