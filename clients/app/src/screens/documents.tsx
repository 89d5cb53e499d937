/// The documents of a project.
import { toGlobalId } from '@pantherahive/client'
import { useMemo } from 'react'
import { createDocument, documentsOf } from '../data/documents'
import { canWrite } from '../data/rights'
import { documents, projects, type Document } from '../data/rows'
import { useRow, useRows } from '../data/use-rows'
import { Link, navigate } from '../router'
import { AddForm } from '../ui/add-form'
import { DocumentMenu } from '../ui/document-menu'
import { documentPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { ProjectTabs } from '../ui/project-tabs'
import { Empty, ScreenTitle } from '../ui/states'
import { timeAgo } from '../ui/times'

export function DocumentsScreen({ projectId: uuid }: { projectId: string }) {
  const projectId = toGlobalId('Project', uuid)
  const project = useRow(projects, projectId)
  const all = useRows(documents)
  const found = useMemo(() => documentsOf(all, projectId), [all, projectId])
  if (!project) return <Empty title="This project is not there" hint="It was deleted, or you may not see it." />
  return (
    <div className="screen screen-reading">
      <ScreenTitle title={project.name} before={<ProjectTabs project={project} current="documents" />} />
      {found.length === 0 && <Empty title="No documents yet" />}
      <ul className="plain-list document-list">
        {found.map((document) => (
          <DocumentLine key={document.id} document={document} />
        ))}
      </ul>
      {canWrite(project) && (
        <AddForm
          label="New document"
          field="Title of a new document"
          add={(title) => navigate(documentPath(createDocument(projectId, title)))}
        />
      )}
    </div>
  )
}

function DocumentLine({ document }: { document: Document }) {
  const parent = useRow(documents, document.parentId)
  return (
    <li className="document-row">
      <Link to={documentPath(document.id)} className="document-line">
        <Icon name="document" />
        <span className="document-line-text">
          <span className="document-line-title">{document.title}</span>
          {parent && <span className="document-line-preview">Below {parent.title}</span>}
          {document.preview && <span className="document-line-preview">{document.preview}</span>}
        </span>
        <span className="faint">{timeAgo(document.updatedAt)}</span>
      </Link>
      <DocumentMenu document={document} />
    </li>
  )
}
