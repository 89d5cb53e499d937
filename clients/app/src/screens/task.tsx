/// One task: what it says, what is said about it, and what became of it.
import { toGlobalId } from '@pantherahive/client'
import { useEffect, useMemo, useState } from 'react'
import { announce } from '../data/notices'
import { connection } from '../data/replica'
import { canComment, canWrite } from '../data/rights'
import { projects, tasks, type Task } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { byRank, createTask, update } from '../data/tasks'
import { useRow, useRows } from '../data/use-rows'
import { MarkSeen } from '../graph/operations'
import { Link } from '../router'
import { AddForm } from '../ui/add-form'
import { SuggestingTextarea } from '../ui/suggesting-textarea'
import { TaskLinks } from '../ui/task-links'
import { Attachments } from '../ui/attachments'
import { Discussion } from '../ui/discussion'
import { projectPath, taskPath } from '../ui/frame'
import { History } from '../ui/history'
import { Icon } from '../ui/icons'
import { Markdown } from '../ui/markdown'
import { Properties } from '../ui/properties'
import { Empty, useTitle } from '../ui/states'
import { TaskLine } from '../ui/task-line'
import { useHistory } from '../ui/use-history'

/** By its key, or by its UUID while it has none yet. */
export function TaskScreen({ taskKey }: { taskKey: string }) {
  const all = useRows(tasks)
  const task = useMemo(() => {
    const id = toGlobalId('Task', taskKey)
    return all.find((each) => each.key === taskKey || each.id === id)
  }, [all, taskKey])
  if (!task) return <Empty title={`${taskKey} is not there`} hint="It was deleted, or you may not see it." />
  return <TaskView key={task.id} task={task} />
}

function TaskView({ task }: { task: Task }) {
  useTitle(`${task.key} ${task.title}`)
  const project = useRow(projects, task.projectId)
  const parent = useRow(tasks, task.parentId)
  const history = useHistory(task.id)
  const isOffline = useStore(connection) === 'offline'
  const canUpdate = canWrite(project)
  const isNew = task.version === 0
  useEffect(() => {
    if (!isNew) client.request(MarkSeen, { input: { subjectId: task.id } }).catch(() => undefined)
  }, [task.id, isNew])
  return (
    <div className="screen task-screen">
      <div className="crumbs">
        {project && (
          <Link to={projectPath(project.id)} className="crumb-link">
            <Icon name="back" /> {project.name}
          </Link>
        )}
        {parent && (
          <Link to={taskPath(parent)} className="crumb-link">
            {parent.key} {parent.title}
          </Link>
        )}
        <span className="task-key">{task.key}</span>
      </div>
      <div className="task-layout">
        <div className="task-main">
          <Title task={task} canUpdate={canUpdate} />
          <Description task={task} canUpdate={canUpdate} />
          <Subtasks task={task} canCreate={canUpdate} />
          <TaskLinks task={task} links={history?.links.nodes ?? []} canUpdate={canUpdate} />
          <Attachments task={task} files={history?.attachments.nodes ?? []} canAttach={canUpdate} />
          <Discussion subjectId={task.id} canComment={canComment(project)} />
          {!history && isOffline && (
            <p className="task-section faint">Files and activity are shown when the server can be reached.</p>
          )}
          <History entries={history?.activity.nodes ?? []} />
        </div>
        <Properties task={task} history={history} canUpdate={canUpdate} />
      </div>
    </div>
  )
}

function Title({ task, canUpdate }: { task: Task; canUpdate: boolean }) {
  const [draft, setDraft] = useState<string | null>(null)
  function save() {
    const title = draft?.trim()
    setDraft(null)
    if (title && title !== task.title) update(task, { title })
  }
  if (!canUpdate) return <h1 className="task-title">{task.title}</h1>
  return (
    <h1 className="task-title">
      <textarea
        aria-label="Title"
        rows={1}
        maxLength={255}
        value={draft ?? task.title}
        onChange={(event) => setDraft(event.target.value.replaceAll('\n', ' '))}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur()
          if (event.key === 'Escape') setDraft(null)
        }}
      />
    </h1>
  )
}

function Description({ task, canUpdate }: { task: Task; canUpdate: boolean }) {
  const [draft, setDraft] = useState<string | null>(null)
  useEffect(() => setDraft(null), [task.id])
  function save() {
    const description = draft?.trim() || null
    setDraft(null)
    if (description !== task.description) {
      update(task, { description })
      announce('The description is saved.')
    }
  }
  if (draft !== null)
    return (
      <div className="description-form">
        <SuggestingTextarea
          aria-label="Description, in Markdown"
          value={draft}
          rows={Math.min(24, Math.max(6, draft.split('\n').length + 1))}
          autoFocus
          onText={setDraft}
          onSubmit={save}
          onEscape={() => setDraft(null)}
        />
        <div className="form-buttons">
          <button className="button button-primary" onClick={save}>
            Save
          </button>
          <button className="button button-quiet" onClick={() => setDraft(null)}>
            Cancel
          </button>
        </div>
      </div>
    )
  return (
    <section className="description" aria-label="Description">
      {task.description ? (
        <Markdown text={task.description} />
      ) : canUpdate ? null : (
        <p className="faint">No description.</p>
      )}
      {canUpdate && (
        <button className="button button-quiet edit-button" onClick={() => setDraft(task.description ?? '')}>
          <Icon name="edit" /> {task.description ? 'Edit' : 'Add a description'}
        </button>
      )}
    </section>
  )
}

function Subtasks({ task, canCreate }: { task: Task; canCreate: boolean }) {
  const all = useRows(tasks)
  const children = useMemo(() => all.filter(({ parentId }) => parentId === task.id).toSorted(byRank), [all, task.id])
  if (children.length === 0 && !canCreate) return null
  const done = children.filter(({ status }) => status === 'DONE').length
  return (
    <section className="task-section" aria-labelledby="subtasks">
      <h2 id="subtasks">
        Sub-tasks{' '}
        {children.length > 0 && (
          <span className="group-count">
            {done} of {children.length}
          </span>
        )}
      </h2>
      {children.length > 0 && (
        <ul className="task-list">
          {children.map((child) => (
            <TaskLine key={child.id} task={child} showAssignee />
          ))}
        </ul>
      )}
      {canCreate && (
        <AddForm
          label="Add a sub-task"
          field="Title of a new sub-task"
          add={(title) => createTask(title, task.projectId, { parent: task })}
          isRepeated
        />
      )}
    </section>
  )
}
