/// All projects, by team: where a phone, which has no sidebar, finds them.
import { useMemo } from 'react'
import { projects, teams } from '../data/rows'
import { useRows } from '../data/use-rows'
import { Link } from '../router'
import { projectPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { Empty, ScreenTitle } from '../ui/states'
import { TemplateMenu } from '../ui/template-menu'

export function ProjectsScreen() {
  const allProjects = useRows(projects)
  const allTeams = useRows(teams)
  const groups = useMemo(
    () =>
      allTeams
        .map((team) => ({ team, projects: allProjects.filter(({ teamId }) => teamId === team.id) }))
        .filter((group) => group.projects.length > 0),
    [allProjects, allTeams],
  )
  return (
    <div className="screen screen-reading">
      <ScreenTitle title="Projects" />
      {groups.length === 0 && <Empty title="No projects" hint="You are in no team that has one." />}
      {groups.map((group) => (
        <section key={group.team.id} className="task-group" aria-labelledby={`projects-${group.team.key}`}>
          <div className="group-head">
            <h2 id={`projects-${group.team.key}`}>{group.team.name}</h2>
            <TemplateMenu team={group.team} projects={group.projects.filter(({ status }) => status === 'ACTIVE')} />
          </div>
          <ul className="plain-list">
            {group.projects.map(({ id, name, status, visibility }) => (
              <li key={id}>
                <Link to={projectPath(id)} className="row-link">
                  <Icon name="project" />
                  <span className="row-link-name">{name}</span>
                  {visibility === 'PRIVATE' && <span className="faint">Private</span>}
                  {status !== 'ACTIVE' && (
                    <span className="faint">{status === 'COMPLETED' ? 'Completed' : 'Archived'}</span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}
