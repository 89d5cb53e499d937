/// All projects, by team: where a phone, which has no sidebar, finds them.
import { isActive, useProjectsByTeam } from '../data/projects'
import { canWrite } from '../data/rights'
import { Link } from '../router'
import { projectPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { Empty, ScreenTitle } from '../ui/states'
import { TemplateMenu } from '../ui/template-menu'

export function ProjectsScreen() {
  const groups = useProjectsByTeam()
  return (
    <div className="screen screen-reading">
      <ScreenTitle title="Projects" />
      {groups.length === 0 && <Empty title="No projects" hint="You are in no team that has one." />}
      {groups.map((group) => (
        <section key={group.team.id} className="task-group" aria-labelledby={`projects-${group.team.key}`}>
          <div className="group-head">
            <h2 id={`projects-${group.team.key}`}>{group.team.name}</h2>
            <TemplateMenu
              team={group.team}
              projects={group.projects.filter((each) => isActive(each) && canWrite(each))}
            />
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
