/// The documents of a project.
import { toGlobalId } from '@pantherahive/client'
import { useMemo } from 'react'
import type { ResultOf } from '../graph/graph'
import { ProjectDocuments } from '../graph/operations'
import { documents, projects, toDocument } from '../data/rows'
import { client } from '../data/session'
import { useLoadOnce, useRow, useRows } from '../data/use-rows'
import { Link } from '../router'
import { documentPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { ProjectTabs } from '../ui/project-tabs'
import { Empty, Loading, Problem, ScreenTitle } from '../ui/states'
import { timeAgo } from '../ui/times'

async function load(projectId: string): Promise<void> {
  let after: string | null = null
  do {
    const { project }: ResultOf<typeof ProjectDocuments> = await client.request(ProjectDocuments, {
      id: projectId,
      after,
    })
    documents.put(...(project?.documents.nodes ?? []).map(toDocument))
    after = project?.documents.pageInfo.hasNextPage ? project.documents.pageInfo.endCursor : null
  } while (after !== null)
}

export function DocumentsScreen({ projectId: uuid }: { projectId: string }) {
  const projectId = toGlobalId('Project', uuid)
  const project = useRow(projects, projectId)
  const all = useRows(documents)
  const { isLoading, problem, retry } = useLoadOnce(`documents ${projectId}`, () => load(projectId))
  const found = useMemo(
    () =>
      all
        .filter((each) => each.projectId === projectId && !each.deletedAt)
        .toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt)),
    [all, projectId],
  )
  if (!project) return <Empty title="This project is not there" hint="It was deleted, or you may not see it." />
  return (
    <div className="screen screen-reading">
      <ScreenTitle title={project.name} before={<ProjectTabs project={project} current="documents" />} />
      {problem && <Problem title="The documents could not be loaded" reason={problem} retry={retry} />}
      {isLoading && found.length === 0 && <Loading what="the documents" />}
      {!isLoading && !problem && found.length === 0 && <Empty title="No documents yet" />}
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
