/// Threads of comments: read a page at a time, and true from then on by live changes.
import { MoreReplies, MoreThreads } from '../graph/operations'
import type { ThreadsData } from '../graph/fragments'
import { comments, toThreadComment } from './rows'
import { client } from './session'
import { Store } from './store'

/** Where the next page begins, by the object or comment whose page it is. */
export const nextPages = new Store<ReadonlyMap<string, string>>(new Map())

interface Page {
  hasNextPage: boolean
  endCursor: string | null
}

export function putThreads(subjectId: string, { nodes, pageInfo }: ThreadsData): void {
  for (const { replies, attachments, ...first } of nodes) {
    comments.put(toThreadComment(first, { subjectId, parentId: null, attachments: attachments.nodes }))
    comments.put(
      ...replies.nodes.map((reply) => toThreadComment(reply, { subjectId, parentId: first.id, attachments: [] })),
    )
    remember(first.id, replies.pageInfo)
  }
  remember(subjectId, pageInfo)
}

export async function loadMoreThreads(subjectId: string): Promise<void> {
  const { node } = await client.request(MoreThreads, { id: subjectId, after: nextPages.get().get(subjectId) ?? null })
  if (node && 'comments' in node) putThreads(subjectId, node.comments)
}

export async function loadMoreReplies(subjectId: string, parentId: string): Promise<void> {
  const { node } = await client.request(MoreReplies, { id: parentId, after: nextPages.get().get(parentId) ?? null })
  if (node?.__typename !== 'Comment') return
  comments.put(...node.replies.nodes.map((reply) => toThreadComment(reply, { subjectId, parentId, attachments: [] })))
  remember(parentId, node.replies.pageInfo)
}

function remember(id: string, { hasNextPage, endCursor }: Page): void {
  const pages = new Map(nextPages.get())
  if (hasNextPage && endCursor) pages.set(id, endCursor)
  else if (!pages.delete(id)) return
  nextPages.set(pages)
}
