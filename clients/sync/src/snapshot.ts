/** Reads everything at one moment: a snapshot for what has one, pages for notifications. */
import { HiveError, type HiveClient } from '@pantherahive/client'

import { FIELDS, SNAPSHOT_TYPES, toRow, TYPE_NAMES, type TypeName } from './rows.ts'
import type { StoredRow } from './storage.ts'

export interface ChangeScope {
  teamIds?: string[]
  projectIds?: string[]
}

export interface Loaded {
  rows: StoredRow[]
  /** The position from which to follow changes; the rows may be newer. */
  cursor: string
}

const SNAPSHOT = `query SyncSnapshot($types: [SearchType!]!, $scope: ChangeScope) {
  snapshot(types: $types, scope: $scope) { url cursor }
}`
const NOTIFICATIONS = `query SyncNotifications($after: String) {
  notifications(first: 100, after: $after) { nodes { ${FIELDS.Notification} } pageInfo { hasNextPage endCursor } }
}`
/** An inbox of more is cut: 500 notifications, the newest. */
const MAX_NOTIFICATION_PAGES = 5

export async function loadSnapshot(
  client: HiveClient,
  scope: ChangeScope | null,
  types: readonly (typeof SNAPSHOT_TYPES)[number][] = SNAPSHOT_TYPES,
): Promise<Loaded> {
  const { snapshot } = (await client.request(SNAPSHOT, { types, scope })) as {
    snapshot: { url: string; cursor: string }
  }
  // By the way that this client takes, which need not be the server's public one.
  const { pathname, search } = new URL(snapshot.url)
  const response = await client.fetch(`${pathname}${search}`)
  const lines = await read(response)
  const end = JSON.parse(lines.at(-1) ?? 'null') as { __typename?: string; rows?: number } | null
  if (end?.__typename !== 'Snapshot' || end.rows !== lines.length - 1) {
    throw new HiveError('NETWORK', 'The snapshot was cut off.')
  }
  const rows = lines
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { __typename: TypeName } & Record<string, unknown>)
    // A newer server may send more.
    .filter(({ __typename }) => TYPE_NAMES.includes(__typename))
    .map((object) => ({ type: object.__typename, row: toRow(object) }))
  return { rows, cursor: snapshot.cursor }
}

export async function loadNotifications(client: HiveClient): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  let after: string | null = null
  for (let page = 0; page < MAX_NOTIFICATION_PAGES; page += 1) {
    const { notifications } = (await client.request(NOTIFICATIONS, { after })) as {
      notifications: { nodes: Record<string, unknown>[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
    }
    for (const node of notifications.nodes) rows.push({ type: 'Notification', row: toRow(node) })
    after = notifications.pageInfo.endCursor
    if (!notifications.pageInfo.hasNextPage) break
  }
  return rows
}

async function read(response: Response): Promise<string[]> {
  try {
    return (await response.text()).split('\n').filter(Boolean)
  } catch (cause) {
    throw new HiveError('NETWORK', 'The snapshot was cut off.', { cause })
  }
}
