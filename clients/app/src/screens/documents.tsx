/// The documents of a project.
import { toGlobalId } from '@pantherahive/client'
import { useMemo } from 'react'
import { documents, projects } from '../data/rows'
import { useRow, useRows } from '../data/use-rows'
import { Link } from '../router'
import { documentPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { ProjectTabs } from '../ui/project-tabs'
import { Empty, ScreenTitle } from '../ui/states'
import { timeAgo } from '../ui/times'

export function DocumentsScreen({ projectId: uuid }: { projectId: string }) {
  const projectId = toGlobalId('Project', uuid)
  const project = useRow(projects, projectId)
  const all = useRows(documents)
  const found = useMemo(
    () => all.filter((each) => each.projectId === projectId).toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt)),
    [all, projectId],
  )
  if (!project) return <Empty title="This project is not there" hint="It was deleted, or you may not see it." />
  return (
    <div className="screen screen-reading">
      <ScreenTitle title={project.name} before={<ProjectTabs project={project} current="documents" />} />
      {found.length === 0 && <Empty title="No documents yet" />}
      <ul className="plain-list document-list">
        {found.map(({ id, title, preview, updatedAt }) => (
          <li key={id}>
            <Link to={documentPath(id)} className="document-line">
              <Icon name="document" />
              <span className="document-line-text">
                <span className="document-line-title">{title}</span>
                {preview && <span className="document-line-preview">{preview}</span>}
              </span>
              <span className="faint">{timeAgo(updatedAt)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
