/// What the viewer does to documents: each shows at once, and is sent.
import { change, newId } from './mutations'
import { documents, type Document } from './rows'

/** The documents of a project, the latest first. */
export function documentsOf(all: readonly Document[], projectId: string): Document[] {
  return all
    .filter((each) => each.projectId === projectId && !each.deletedAt)
    .toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))
}

/** Makes an empty text and returns its id. */
export function createDocument(projectId: string, title: string): string {
  const { uuid, id } = newId('Document')
  const row: Document & { isNew: true } = {
    isNew: true,
    id,
    version: 0,
    title,
    type: 'TEXT',
    rank: '',
    preview: '',
    updatedAt: new Date().toISOString(),
    deletedAt: null,
    viewerCan: [],
    projectId,
    parentId: null,
  }
  change('documentCreate', { id: uuid, projectId, title }, `Create “${title}”`, {
    collection: 'documents',
    patch: { id, changes: row as object },
  })
  return id
}

/** Whether the server has it: only then there is a text to open. */
export function isCreated(document: Document): boolean {
  return document.version > 0
}

export function renameDocument(document: Document, given: string): void {
  const title = given.trim()
  if (!title || title === document.title) return
  change('documentUpdate', { id: document.id, title }, `Rename “${document.title}”`, {
    collection: 'documents',
    patch: { id: document.id, changes: { title } as object },
  })
}

/** Puts it into a project, below another document there or at its top. */
export function moveDocument(document: Document, projectId: string, parentId: string | null): void {
  if (projectId === document.projectId && parentId === document.parentId) return
  change('documentMove', { id: document.id, projectId, parentId }, `Move “${document.title}”`, {
    collection: 'documents',
    patch: { id: document.id, changes: { projectId, parentId } as object },
  })
}

/** What is below it goes with it. */
export function removeDocument(document: Document): void {
  change('documentDelete', { id: document.id }, `Delete “${document.title}”`, {
    collection: 'documents',
    patch: { id: document.id, changes: null },
  })
}

/** Where it may go in a project: not into itself, nor below itself. */
export function placesIn(all: readonly Document[], projectId: string, moved: Document): Document[] {
  const isBelow = (each: Document | undefined): boolean =>
    each !== undefined && (each.id === moved.id || isBelow(documents.get(each.parentId)))
  return documentsOf(all, projectId)
    .filter((each) => !isBelow(each))
    .toSorted((a, b) => a.title.localeCompare(b.title))
}
