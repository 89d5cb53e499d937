/** Brings writes together with the changes in the log that they became, whichever is known first. */
import type { Operation } from './operations.ts'

/** How many of either wait for the other at most. */
const MAX_WAITING = 200

export class Traces {
  #changes = new Map<string, string>()
  #operations = new Map<string, Operation>()

  constructor(readonly found: (operation: Operation, changeId: string) => void) {}

  /** The log has a change; of a mutation that caused several, the first counts. */
  noteChange({ id, clientMutationId }: { id: string; clientMutationId: string | null }): void {
    if (clientMutationId === null) return
    const operation = this.#operations.get(clientMutationId)
    if (!operation) return remember(this.#changes, clientMutationId, this.#changes.get(clientMutationId) ?? id)
    this.#operations.delete(clientMutationId)
    this.found(operation, id)
  }

  /** The server has done a write. */
  noteAnswer(mutationId: string, operation: Operation): void {
    const changeId = this.#changes.get(mutationId)
    if (changeId === undefined) return remember(this.#operations, mutationId, operation)
    this.#changes.delete(mutationId)
    this.found(operation, changeId)
  }
}

function remember<T>(entries: Map<string, T>, key: string, value: T): void {
  entries.set(key, value)
  if (entries.size > MAX_WAITING) entries.delete(entries.keys().next().value!)
}
