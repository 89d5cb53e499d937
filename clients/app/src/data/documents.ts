/// What the viewer does to documents: each shows at once, is stored, and is sent.
import { newDocument } from '@pantherahive/sync'
import { me, replica } from './replica'
import { documents, type Document } from './rows'

/** The documents of a project, the latest first. */
export function documentsOf(all: readonly Document[], projectId: string): Document[] {
  return all.filter((each) => each.projectId === projectId).toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))
}

/** Makes an empty text and returns its id. */
export function createDocument(projectId: string, title: string): string {
  const document = newDocument({ projectId, title, ownerId: me() })
  replica().documents.insert(document)
  return document.id
}

/** Whether the server has it: only then there is a text to open. */
export function isCreated(document: Document): boolean {
  return document.version > 0
}

export function renameDocument(document: Document, given: string): void {
  const title = given.trim()
  if (title && title !== document.title) replica().documents.update(document.id, (draft) => void (draft.title = title))
}

/** Puts it into a project, below another document there or at its top. */
export function moveDocument(document: Document, projectId: string, parentId: string | null): void {
  if (projectId === document.projectId && parentId === document.parentId) return
  replica().documents.update(document.id, (draft) => {
    draft.projectId = projectId
    draft.parentId = parentId
  })
}

/** What is below it goes with it. */
export function removeDocument(document: Document): void {
  replica().documents.delete(document.id)
}

/** Where it may go in a project: not into itself, nor below itself. */
export function placesIn(all: readonly Document[], projectId: string, moved: Document): Document[] {
  const isBelow = (each: Document | undefined): boolean =>
    each !== undefined && (each.id === moved.id || isBelow(documents.get(each.parentId)))
  return documentsOf(all, projectId)
    .filter((each) => !isBelow(each))
    .toSorted((a, b) => a.title.localeCompare(b.title))
}
