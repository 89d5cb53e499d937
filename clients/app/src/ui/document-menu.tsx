/// What can be done to a document from outside of its text: another title, another place, and its removal.
import { useState } from 'react'
import { isCreated, moveDocument, placesIn, removeDocument, renameDocument } from '../data/documents'
import { documents, projects, type Document } from '../data/rows'
import { canWrite } from '../data/rights'
import { useRow, useRows } from '../data/use-rows'
import { Icon } from './icons'
import { Popover } from './popover'

interface DocumentMenuProps {
  document: Document
  onRemoved?: () => void
}

export function DocumentMenu({ document, onRemoved }: DocumentMenuProps) {
  if (!canWrite(useRow(projects, document.projectId)) || !isCreated(document)) return null
  return (
    <Popover
      label={document.title}
      className="menu"
      buttonContent={
        <>
          <Icon name="more" />
          <span className="visually-hidden">Change “{document.title}”</span>
        </>
      }
    >
      {(close) => (
        <div className="menu-card">
          <Rename document={document} close={close} />
          <Move document={document} close={close} />
          <button
            className="button button-wide button-danger"
            onClick={() => {
              close()
              removeDocument(document)
              onRemoved?.()
            }}
          >
            <Icon name="trash" /> Delete
          </button>
        </div>
      )}
    </Popover>
  )
}

function Rename({ document, close }: { document: Document; close: () => void }) {
  return (
    <form
      className="menu-form"
      onSubmit={(event) => {
        event.preventDefault()
        renameDocument(document, String(new FormData(event.currentTarget).get('title') ?? ''))
        close()
      }}
    >
      <label className="field">
        <span>Title</span>
        <input name="title" defaultValue={document.title} maxLength={255} required autoFocus autoComplete="off" />
      </label>
      <button className="button">Rename</button>
    </form>
  )
}

function Move({ document, close }: { document: Document; close: () => void }) {
  const all = useRows(documents)
  const targets = useRows(projects)
    .filter((each) => each.id === document.projectId || canWrite(each))
    .toSorted((a, b) => a.name.localeCompare(b.name))
  const [projectId, setProject] = useState(document.projectId)
  const [parentId, setParent] = useState(document.parentId ?? '')
  return (
    <form
      className="menu-form"
      onSubmit={(event) => {
        event.preventDefault()
        moveDocument(document, projectId, parentId || null)
        close()
      }}
    >
      <label className="field">
        <span>Project</span>
        <select
          value={projectId}
          onChange={(event) => {
            setProject(event.target.value)
            setParent('')
          }}
        >
          {targets.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>Below</span>
        <select value={parentId} onChange={(event) => setParent(event.target.value)}>
          <option value="">No other document</option>
          {placesIn(all, projectId, document).map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button className="button">Move</button>
    </form>
  )
}
