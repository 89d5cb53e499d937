/// One task: what it says, what is said about it, and what became of it.
import { useEffect, useMemo, useState } from 'react'
import type { ResultOf } from '../graph/graph'
import { MarkSeen, TaskByKey } from '../graph/operations'
import { announce } from '../data/notices'
import { projects, tasks, toTask, type Task } from '../data/rows'
import { client } from '../data/session'
import { byRank, createTask, update } from '../data/tasks'
import { putThreads } from '../data/threads'
import { useLoadOnce, useRow, useRows } from '../data/use-rows'
import { Link } from '../router'
import { AddForm } from '../ui/add-form'
import { Attachments } from '../ui/attachments'
import { Discussion } from '../ui/discussion'
import { projectPath } from '../ui/frame'
import { History } from '../ui/history'
import { Icon } from '../ui/icons'
import { Markdown } from '../ui/markdown'
import { Properties } from '../ui/properties'
import { Empty, Loading, Problem, useTitle } from '../ui/states'
import { SuggestingTextarea } from '../ui/suggesting-textarea'
import { TaskLine } from '../ui/task-line'
import { TaskLinks } from '../ui/task-links'
import { useHistory } from '../ui/use-history'

type Loaded = NonNullable<ResultOf<typeof TaskByKey>['task']>
export type TaskMore = Pick<Loaded, 'viewerCan' | 'viewerIsWatching' | 'creator' | 'createdAt' | 'parent'>

const more = new Map<string, TaskMore>()

async function load(key: string): Promise<void> {
  const { task } = await client.request(TaskByKey, { key })
  if (!task) return
  const {
    viewerCan,
    viewerIsWatching,
    creator,
    createdAt,
    parent,
    subtasks,
    comments: threads,
    description,
    ...row
  } = task
  more.set(task.id, { viewerCan, viewerIsWatching, creator, createdAt, parent })
  tasks.put({ ...toTask({ ...row, parent }), description }, ...subtasks.nodes.map(toTask))
  putThreads(task.id, threads)
  client.request(MarkSeen, { input: { subjectId: task.id } }).catch(() => undefined)
}

export function TaskScreen({ taskKey }: { taskKey: string }) {
  const all = useRows(tasks)
  const task = useMemo(() => all.find(({ key }) => key === taskKey), [all, taskKey])
  const { isLoading, problem, retry } = useLoadOnce(`task ${taskKey}`, () => load(taskKey))
  const details = task && more.get(task.id)
  if (problem && !details) return <Problem title="The task could not be loaded" reason={problem} retry={retry} />
  if (isLoading && !details) return <Loading what={taskKey} />
  if (!task || !details)
    return <Empty title={`${taskKey} is not there`} hint="It was deleted, or you may not see it." />
  return <TaskView task={task} details={details} />
}

function TaskView({ task, details }: { task: Task; details: TaskMore }) {
  useTitle(`${task.key} ${task.title}`)
  const project = useRow(projects, task.projectId)
  const history = useHistory(task.id)
  const canUpdate = details.viewerCan.includes('UPDATE')
  return (
    <div className="screen task-screen">
      <div className="crumbs">
        {project && (
          <Link to={projectPath(project.id)} className="crumb-link">
            <Icon name="back" /> {project.name}
          </Link>
        )}
        {details.parent && (
          <Link to={`/tasks/${details.parent.key}`} className="crumb-link">
            {details.parent.key} {details.parent.title}
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
          <Discussion subjectId={task.id} canComment={details.viewerCan.includes('COMMENT')} />
          <History entries={history?.activity.nodes ?? []} />
        </div>
        <Properties task={task} details={details} rule={history?.recurrence} canUpdate={canUpdate} />
      </div>
    </div>
  )
}

function Title({ task, canUpdate }: { task: Task; canUpdate: boolean }) {
  const [draft, setDraft] = useState<string | null>(null)
  function save() {
    const title = draft?.trim()
    setDraft(null)
    if (title && title !== task.title) update(task, { title }, { title }, `Rename ${task.key}`)
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
    if (description !== (task.description ?? null)) {
      update(task, { description }, { description }, `Describe ${task.key}`)
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
  const children = useMemo(
    () => all.filter(({ parentId, deletedAt }) => parentId === task.id && !deletedAt).toSorted(byRank),
    [all, task.id],
  )
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
          add={(title) => createTask(title, task.projectId, { parent: task, after: children.at(-1) })}
          isRepeated
        />
      )}
    </section>
  )
}
