/// Does what needs an answer before anything can be shown: it is not queued, and fails where the server cannot be reached.
import { newUuid } from '@pantherahive/client'
import type { VariablesOf } from '../graph/graph'
import type { TaskLink, TaskUnlink, TemplateCreate, TemplateUse } from '../graph/operations'
import { notify } from './notices'
import { client } from './session'
import { offerUndo } from './undo'

type Immediate = typeof TaskLink | typeof TaskUnlink | typeof TemplateCreate | typeof TemplateUse
type ResultOf<D> = D extends { __apiType?: (variables: never) => infer R } ? R : never
type Result<D> = NonNullable<ResultOf<D> extends { result: infer R } ? R : never>

/** What was done; null when it was refused, which a message says. */
export async function doNow<D extends Immediate>(
  document: D,
  input: Omit<VariablesOf<D>['input'], 'clientMutationId'>,
  label: string,
  { isUndoable = true } = {},
): Promise<Result<D> | null> {
  const id = newUuid()
  try {
    const variables = { input: { ...input, clientMutationId: id } }
    const { result } = await client.request<{ result: { errors: { message: string }[] } | null }, object>(
      document as never,
      variables,
    )
    const [error] = result?.errors ?? []
    if (error) throw new Error(error.message)
    if (isUndoable) offerUndo(id, label)
    return result as Result<D> | null
  } catch (error) {
    notify(`${label}: not done. ${error instanceof Error ? error.message : String(error)}`, 'problem')
    return null
  }
}
