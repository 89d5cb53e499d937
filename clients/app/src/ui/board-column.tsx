/// A column of a board, and its cards.
import { useState, type FormEvent } from 'react'
import { people, type Status, type Task } from '../data/rows'
import { createTask } from '../data/tasks'
import { useRow } from '../data/use-rows'
import { Link } from '../router'
import { Avatar } from './avatar'
import type { Dragging } from './dragging'
import { taskPath } from './frame'
import { STATUS_NAMES } from '../data/words'
import { Icon, PriorityIcon, StatusIcon } from './icons'
import { DueDate, Labels, TaskMarks } from './task-line'

interface ColumnProps {
  status: Status
  cards: readonly Task[]
  projectId: string
  canWrite: boolean
  dragging: Dragging
  columns: ReadonlyMap<Status, readonly Task[]>
}

export function BoardColumn({ status, cards, projectId, canWrite, dragging, columns }: ColumnProps) {
  const isTarget = dragging.target?.status === status
  return (
    <section
      className={`column ${isTarget ? 'column-target' : ''}`}
      data-status={status}
      aria-labelledby={`column-${status}`}
    >
      <h2 id={`column-${status}`} className="column-title">
        <StatusIcon status={status} />
        {STATUS_NAMES[status]}
        <span className="group-count">{cards.length}</span>
      </h2>
      <ul className="cards">
        {cards.map((task) => (
          <li key={task.id}>
            <Card task={task} dragging={dragging} columns={columns} />
          </li>
        ))}
      </ul>
      {canWrite && <AddCard status={status} projectId={projectId} />}
    </section>
  )
}

function Card({
  task,
  dragging,
  columns,
}: {
  task: Task
  dragging: Dragging
  columns: ReadonlyMap<Status, readonly Task[]>
}) {
  const assignee = useRow(people, task.assigneeId)
  const isLifted = dragging.target?.id === task.id
  return (
    <Link
      to={taskPath(task)}
      className={`card ${isLifted ? 'card-lifted' : ''}`}
      data-task={task.id}
      draggable={false}
      aria-describedby="board-help"
      onPointerDown={(event) => dragging.pointerDown(event, task, columns)}
      onKeyDown={(event) => dragging.keyDown(event, task, columns)}
      onClick={(event) => dragging.click(event)}
    >
      <span className="card-head">
        <span className="task-key">{task.key || '…'}</span>
        <PriorityIcon priority={task.priority} />
        {assignee && <Avatar id={assignee.id} name={assignee.displayName} />}
      </span>
      <span className="card-title">{task.title}</span>
      <span className="card-foot">
        <Labels ids={task.labelIds} />
        <DueDate task={task} />
        <TaskMarks task={task} />
      </span>
    </Link>
  )
}

function AddCard({ status, projectId }: { status: Status; projectId: string }) {
  const [isOpen, setOpen] = useState(false)
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const title = String(new FormData(form).get('title') ?? '').trim()
    if (!title) return setOpen(false)
    createTask(title, projectId, { status })
    form.reset()
  }
  if (!isOpen)
    return (
      <button className="add-card" onClick={() => setOpen(true)}>
        <Icon name="plus" /> Add<span className="visually-hidden"> a task to {STATUS_NAMES[status]}</span>
      </button>
    )
  return (
    <form className="add-form" onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
      <input
        name="title"
        aria-label={`Title of a new task in ${STATUS_NAMES[status]}`}
        placeholder="Title"
        maxLength={255}
        autoFocus
        autoComplete="off"
        onBlur={(event) => !event.target.value && setOpen(false)}
      />
    </form>
  )
}
