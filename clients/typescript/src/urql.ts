/** urql: an exchange that signs in, renews and resumes, and changes brought into graphcache. */
import type { Exchange, Operation, OperationResult } from '@urql/core'
import { CombinedError, makeErrorResult, makeResult } from '@urql/core'
import type { Cache } from '@urql/exchange-graphcache'
import { filter, make, merge, mergeMap, pipe, share, takeUntil } from 'wonka'

import { defaultRules, effectOf, VersionFilter, type Change, type ListRule } from './apply-change.ts'
import type { HiveClient } from './client.ts'
import { HiveError } from './errors.ts'
import { fromGlobalId } from './global-id.ts'

export { defaultRules, type Change, type ListRule } from './apply-change.ts'

/** The last exchange: queries and mutations by HTTP, subscriptions by the client's socket, which goes on after every break. */
export function hiveExchange(client: HiveClient): Exchange {
  return ({ forward }) => {
    const versions = new VersionFilter()
    return (operations$) => {
      const shared$ = share(operations$)
      const answers$ = pipe(
        shared$,
        filter(({ kind }) => kind !== 'teardown'),
        mergeMap((operation) =>
          pipe(
            make<OperationResult>((observer) => run(client, versions, operation, observer)),
            takeUntil(
              pipe(
                shared$,
                filter(({ kind, key }) => kind === 'teardown' && key === operation.key),
              ),
            ),
          ),
        ),
      )
      const rest$ = pipe(
        shared$,
        filter(({ kind }) => kind === 'teardown'),
        forward,
      )
      return merge([answers$, rest$])
    }
  }
}

function run(
  client: HiveClient,
  versions: VersionFilter,
  operation: Operation,
  observer: { next(result: OperationResult): void; complete(): void },
): () => void {
  if (operation.kind === 'subscription') {
    const subscription = client.subscribe(operation.query, operation.variables as object, {
      next: (data) => observer.next({ ...makeResult(operation, { data: versions.filter(data) }), hasNext: true }),
      error: (error) => {
        observer.next(makeErrorResult(operation, toError(error)))
        observer.complete()
      },
      complete: () => observer.complete(),
    })
    return () => subscription.unsubscribe()
  }
  const ending = new AbortController()
  client.request(operation.query, operation.variables as object, { signal: ending.signal }).then(
    (data) => {
      versions.note(data)
      observer.next(makeResult(operation, { data }))
      observer.complete()
    },
    (error: unknown) => {
      if (ending.signal.aborted) return
      const { errors, data } = error instanceof HiveError ? error.details : {}
      observer.next(
        errors?.length
          ? makeResult(operation, { data: data ?? null, errors: errors as never })
          : makeErrorResult(operation, toError(error)),
      )
      observer.complete()
    },
  )
  return () => ending.abort()
}

function toError(error: unknown): Error {
  if (error instanceof HiveError && error.details.errors?.length) {
    return new CombinedError({ graphQLErrors: error.details.errors as never })
  }
  return error instanceof Error ? error : new Error(String(error))
}

/**
 * Brings a change into graphcache, as an update of `Subscription.changes`: its object comes to stand in the lists that `rules` say and
 * leaves those of where it was before (`fields` of the change say where). Lists that were asked for by `edges` are asked for anew.
 */
export function applyChange(cache: Cache, change: Change, rules: readonly ListRule[] = defaultRules): void {
  const { type, entityId, entity } = change
  const key = cache.keyOfEntity({ __typename: type, id: entityId })
  const effect = effectOf(change)
  if (!key || effect === 'ignore') return
  for (const rule of rules) {
    if (rule.type !== type) continue
    const target = effect === 'write' && entity ? rule.parent(entity) : undefined
    const targetKey =
      target === null ? 'Query' : target && cache.keyOfEntity({ __typename: target.type, id: target.id })
    const parents = new Set<string>([...formerParents(cache, change, key), ...(targetKey ? [targetKey] : [])])
    for (const parent of parents) {
      for (const { fieldName, fieldKey, arguments: args } of cache.inspectFields(parent)) {
        if (fieldName !== rule.field) continue
        const belongs = parent === targetKey && !!entity && (rule.includes?.(entity, args ?? {}) ?? true)
        const list = cache.resolve(parent, fieldKey) as string | null
        const nodes = list && (cache.resolve(list, 'nodes') as string[] | null | undefined)
        if (!Array.isArray(nodes)) {
          cache.invalidate(parent, fieldName, args ?? undefined)
          continue
        }
        cache.link(list as string, 'nodes', placed(cache, nodes, key, belongs ? entity! : null, rule))
      }
    }
  }
  if (effect === 'remove') cache.invalidate({ __typename: type, id: entityId })
}

function placed(
  cache: Cache,
  nodes: readonly string[],
  key: string,
  entity: Record<string, unknown> | null,
  rule: ListRule,
): string[] {
  const rest = nodes.filter((node) => node !== key)
  if (!entity) return rest
  const view = (node: string): Record<string, unknown> =>
    new Proxy({}, { get: (_, field) => cache.resolve(node, String(field)) })
  const place = rule.compare ? rest.findIndex((node) => rule.compare!(view(node), entity) > 0) : -1
  return place < 0 ? [...rest, key] : [...rest.slice(0, place), key, ...rest.slice(place)]
}

/** Objects in whose lists it may stand: those that the change says it has left, and of one that is gone those that it names. */
function formerParents(cache: Cache, { fields = [] }: Change, key: string): string[] {
  const parents: string[] = []
  for (const { before } of fields) {
    if (typeof before !== 'string') continue
    try {
      const found = cache.keyOfEntity({ __typename: fromGlobalId(before).type, id: before })
      if (found) parents.push(found)
    } catch {
      // No id.
    }
  }
  for (const field of ['project', 'subject']) {
    const found = cache.resolve(key, field)
    if (typeof found === 'string') parents.push(found)
  }
  return parents
}
