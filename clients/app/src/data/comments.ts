/// What the viewer does to comments: each shows at once, is stored, and is sent.
import { newComment } from '@pantherahive/sync'
import { me, replica } from './replica'
import type { Comment } from './rows'

export function createComment(subjectId: string, body: string, parentId: string | null): void {
  replica().comments.insert(newComment({ subjectId, body, parentId, authorId: me() }))
}

export function editComment(comment: Comment, body: string): void {
  if (body !== comment.body) replica().comments.update(comment.id, (draft) => void (draft.body = body))
}

export function removeComment(comment: Comment): void {
  replica().comments.delete(comment.id)
}

/** `first` is the comment that the thread begins with. */
export function resolveThread(first: Comment, resolved: boolean): void {
  replica().comments.update(first.id, (draft) => {
    draft.resolvedAt = resolved ? new Date().toISOString() : null
  })
}
