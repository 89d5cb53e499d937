/// Where a project stands, and its two sides: the board and the documents.
import { teams, type Project } from '../data/rows'
import { useRow } from '../data/use-rows'
import { Link } from '../router'
import { projectPath } from './frame'
import { Icon } from './icons'

export function ProjectTabs({ project, current }: { project: Project; current: 'board' | 'documents' }) {
  const team = useRow(teams, project.teamId)
  const tabs = [
    ['board', 'Board', projectPath(project.id)],
    ['document', 'Documents', `${projectPath(project.id)}/documents`],
  ] as const
  return (
    <div className="project-head">
      <span className="crumb faint">{team?.name}</span>
      <nav className="tabs" aria-label="Project">
        {tabs.map(([icon, name, path]) => (
          <Link key={name} to={path} className="tab" aria-current={name.toLowerCase() === current ? 'page' : undefined}>
            <Icon name={icon} /> {name}
          </Link>
        ))}
      </nav>
    </div>
  )
}
