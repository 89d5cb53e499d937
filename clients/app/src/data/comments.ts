/// What the viewer does to comments: each shows at once, and is sent.
import { viewer } from './live'
import { change, newId } from './mutations'
import type { Comment } from './rows'

export function createComment(subjectId: string, body: string, parentId: string | null): void {
  const me = viewer.get()
  if (!me) return
  const { uuid, id } = newId('Comment')
  const row: Comment & { isNew: true } = {
    isNew: true,
    isPending: true,
    id,
    version: 0,
    body,
    createdAt: new Date().toISOString(),
    editedAt: null,
    resolvedAt: null,
    subjectId,
    parentId,
    authorId: me.id,
    authorName: me.displayName,
    reactions: [],
    attachments: [],
  }
  change('commentCreate', { id: uuid, subjectId, body, ...(parentId ? { parentId } : {}) }, 'Comment', {
    collection: 'comments',
    patch: { id, changes: row as object },
  })
}

export function editComment(comment: Comment, body: string): void {
  if (body === comment.body) return
  change('commentUpdate', { id: comment.id, body }, 'Edit a comment', {
    collection: 'comments',
    patch: { id: comment.id, changes: { body, editedAt: new Date().toISOString() } as object },
  })
}

export function removeComment(comment: Comment): void {
  change('commentDelete', { id: comment.id }, 'Delete a comment', {
    collection: 'comments',
    patch: { id: comment.id, changes: null },
  })
}

/** `first` is the comment that the thread begins with. */
export function resolveThread(first: Comment, resolved: boolean): void {
  change('commentResolve', { id: first.id, resolved }, resolved ? 'Resolve a thread' : 'Reopen a thread', {
    collection: 'comments',
    patch: { id: first.id, changes: { resolvedAt: resolved ? new Date().toISOString() : null } as object },
  })
}
