/// A team's templates: begin a project or a task with one, or make one of a project.
import { useEffect, useState } from 'react'
import { doNow } from '../data/do-now'
import type { Project, Team } from '../data/rows'
import { client } from '../data/session'
import { TemplateCreate, Templates, TemplateUse } from '../graph/operations'
import type { ResultOf } from '../graph/graph'
import { navigate } from '../router'
import { projectPath } from './frame'
import { Icon } from './icons'
import { Popover } from './popover'

type Template = NonNullable<NonNullable<ResultOf<typeof Templates>['team']>['templates']>['nodes'][number]

interface TemplateMenuProps {
  team: Team
  /** The projects of the team in which the viewer may create. */
  projects: readonly Project[]
}

export function TemplateMenu({ team, projects }: TemplateMenuProps) {
  if (projects.length === 0) return null
  return (
    <Popover
      label={`Templates of ${team.name}`}
      className="menu"
      buttonContent={
        <>
          <Icon name="project" /> Templates<span className="visually-hidden"> of {team.name}</span>
        </>
      }
    >
      {(close) => (
        <div className="menu-card">
          <UseTemplate team={team} projects={projects} close={close} />
          <MakeTemplate projects={projects} close={close} />
        </div>
      )}
    </Popover>
  )
}

function UseTemplate({ team, projects, close }: TemplateMenuProps & { close: () => void }) {
  const [templates, setTemplates] = useState<readonly Template[] | null>(null)
  const [chosen, setChosen] = useState<Template | null>(null)
  useEffect(() => {
    client.request(Templates, { id: team.id }).then(
      ({ team: found }) => setTemplates(found?.templates?.nodes ?? []),
      () => setTemplates([]),
    )
  }, [team.id])
  if (templates === null) return <p className="faint">Loading the templates …</p>
  if (templates.length === 0) return <p className="faint">There is no template yet.</p>
  const template = chosen ?? templates[0]!
  const isTask = template.kind === 'TASK'

  async function use(form: FormData) {
    const [name, startOn, projectId] = ['name', 'startOn', 'projectId'].map((each) =>
      String(form.get(each) ?? '').trim(),
    )
    const input = {
      templateId: template.id,
      ...(name ? { name } : {}),
      ...(startOn ? { startOn } : {}),
      ...(projectId ? { projectId } : {}),
    }
    const made = await doNow(TemplateUse, input, `Use the template “${template.name}”`)
    if (!made) return
    close()
    if (isTask && made.task) navigate(`/tasks/${made.task.key}`)
    else if (made.project) navigate(projectPath(made.project.id))
  }

  return (
    <form
      className="menu-form"
      onSubmit={(event) => {
        event.preventDefault()
        void use(new FormData(event.currentTarget))
      }}
    >
      <label className="field">
        <span>Template</span>
        <select
          value={template.id}
          autoFocus
          onChange={(event) => setChosen(templates.find(({ id }) => id === event.target.value) ?? null)}
        >
          {templates.map(({ id, name, taskCount }) => (
            <option key={id} value={id}>
              {name} ({taskCount} {taskCount === 1 ? 'task' : 'tasks'})
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{isTask ? 'Title of the task' : 'Name of the project'}</span>
        <input name="name" placeholder={template.name} maxLength={255} autoComplete="off" />
      </label>
      <label className="field">
        <span>Begins on</span>
        <input name="startOn" type="date" />
      </label>
      <label className="field">
        <span>Into</span>
        <select name="projectId" required={isTask}>
          {!isTask && <option value="">A new project</option>}
          {projects.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button className="button button-primary">Use the template</button>
    </form>
  )
}

function MakeTemplate({ projects, close }: Pick<TemplateMenuProps, 'projects'> & { close: () => void }) {
  async function make(form: FormData) {
    const subjectId = String(form.get('subjectId'))
    const name = String(form.get('name') ?? '').trim()
    const made = await doNow(TemplateCreate, { subjectId, name }, `Make the template “${name}”`, { isUndoable: false })
    if (made) close()
  }
  return (
    <form
      className="menu-form"
      onSubmit={(event) => {
        event.preventDefault()
        void make(new FormData(event.currentTarget))
      }}
    >
      <label className="field">
        <span>Make one of</span>
        <select name="subjectId">
          {projects.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>Name of the template</span>
        <input name="name" maxLength={255} required autoComplete="off" />
      </label>
      <button className="button">Make a template</button>
    </form>
  )
}
