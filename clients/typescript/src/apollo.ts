/** Apollo Client: links that sign in, renew and resume, and changes brought into its cache. */
import { ApolloLink, Observable, type ApolloCache, type Reference } from '@apollo/client'
import { getMainDefinition } from '@apollo/client/utilities/internal'

import { defaultRules, effectOf, VersionFilter, type Change, type ListRule } from './apply-change.ts'
import type { HiveClient } from './client.ts'
import { HiveError } from './errors.ts'

export { defaultRules, type Change, type ListRule } from './apply-change.ts'

/**
 * The terminating link: queries and mutations by HTTP, subscriptions by the client's socket, which goes on after every break. What
 * a change brings of an object is left out where something newer has passed.
 */
export function createLink(client: HiveClient): ApolloLink {
  const versions = new VersionFilter()
  return new ApolloLink(({ query, variables }) => {
    const main = getMainDefinition(query)
    if (main.kind === 'OperationDefinition' && main.operation === 'subscription') {
      return new Observable((observer) => {
        const subscription = client.subscribe(query, variables, {
          next: (data) => observer.next({ data: versions.filter(data) as Record<string, unknown> }),
          error: (error) => observer.error(error),
          complete: () => observer.complete(),
        })
        return () => subscription.unsubscribe()
      })
    }
    return new Observable((observer) => {
      const ending = new AbortController()
      client.request(query, variables, { signal: ending.signal }).then(
        (data) => {
          versions.note(data)
          observer.next({ data: data as Record<string, unknown> })
          observer.complete()
        },
        (error: unknown) => {
          if (ending.signal.aborted) return
          const { errors, data } = error instanceof HiveError ? error.details : {}
          if (!errors?.length) return observer.error(error)
          // Apollo decides by its `errorPolicy` what becomes of data beside errors.
          observer.next({ data: (data ?? null) as Record<string, unknown> | null, errors: errors as never })
          observer.complete()
        },
      )
      return () => ending.abort()
    })
  })
}

/**
 * Brings a change into the cache: its object, which Apollo has written with the result, comes to stand in the lists that `rules`
 * say, once and in its place, and in no other; one that is deleted or no longer to be seen is gone from everywhere.
 */
export function applyChange(cache: ApolloCache, change: Change, rules: readonly ListRule[] = defaultRules): void {
  const { type, entityId, entity } = change
  const id = cache.identify({ __typename: type, id: entityId })
  if (!id) return
  const effect = effectOf(change)
  if (effect === 'ignore') return
  cache.batch({
    update: (batch) => {
      const own = rules.filter((rule) => rule.type === type)
      for (const rule of own) {
        const target = effect === 'write' && entity ? rule.parent(entity) : undefined
        const targetId = target
          ? batch.identify({ __typename: target.type, id: target.id })
          : target === null
            ? 'ROOT_QUERY'
            : undefined
        forEachParent(batch, rule, (parentId) => {
          batch.modify({
            id: parentId,
            fields: {
              [rule.field]: (list, { storeFieldName, readField, toReference }) => {
                const args = argumentsOf(storeFieldName)
                const belongs = parentId === targetId && !!entity && (rule.includes?.(entity, args) ?? true)
                return changed(list, id, belongs ? entity : null, rule, {
                  read: (field, from) => readField({ fieldName: field, from }),
                  refer: () => toReference({ __typename: type, id: entityId })!,
                })
              },
            },
          })
        })
      }
      if (effect === 'remove') {
        batch.evict({ id })
        batch.gc()
      }
    },
  })
}

interface Access {
  read(field: string, from: Reference): unknown
  refer(): Reference
}

/** A list or connection without the object, or with it in its place. */
function changed(list: any, id: string, entity: Record<string, unknown> | null, rule: ListRule, access: Access): any {
  if (!list) return list
  const isConnection = !Array.isArray(list)
  const edges: any[] = isConnection ? (list.edges ?? []) : []
  const nodes: Reference[] = isConnection ? (list.nodes ?? edges.map(({ node }) => node)) : list
  const rest = nodes.filter((node) => node?.__ref !== id)
  const was = nodes.length - rest.length
  let next = rest
  if (entity) {
    const own = access.refer()
    const isBefore = (node: Reference): boolean => !rule.compare || rule.compare(view(node, access), entity) <= 0
    const place = rest.findIndex((node) => !isBefore(node))
    next = place < 0 ? [...rest, own] : [...rest.slice(0, place), own, ...rest.slice(place)]
  }
  if (!isConnection) return next
  const known = new Map(edges.map((edge) => [edge.node?.__ref, edge]))
  const delta = next.length - rest.length - was
  return {
    ...list,
    ...(list.nodes ? { nodes: next } : {}),
    ...(list.edges
      ? { edges: next.map((node) => known.get(node.__ref) ?? { __typename: `${rule.type}Edge`, cursor: '', node }) }
      : {}),
    ...(typeof list.totalCount === 'number' ? { totalCount: list.totalCount + delta } : {}),
  }
}

function view(node: Reference, access: Access): Record<string, unknown> {
  return new Proxy({}, { get: (_, field) => access.read(String(field), node) })
}

function forEachParent(cache: ApolloCache, rule: ListRule, visit: (id: string) => void): void {
  const stored = cache.extract() as Record<string, Record<string, unknown>>
  for (const [id, fields] of Object.entries(stored)) {
    if (
      Object.keys(fields).some(
        (name) => name === rule.field || name.startsWith(`${rule.field}(`) || name.startsWith(`${rule.field}:`),
      )
    ) {
      visit(id)
    }
  }
}

/** The arguments in a field's name in the store, such as `tasks({"first":50})` or `tasks:{"filter":…}`. */
function argumentsOf(storeFieldName: string): Record<string, unknown> {
  const found = /^[^({:]+[(:](.*?)\)?$/.exec(storeFieldName)?.[1]
  try {
    return found ? (JSON.parse(found) as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
