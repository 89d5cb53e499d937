/// A task as one line of a list, whose status can be changed in place.
import { changeStatus, useSubtasks, useThreadCount } from '../data/tasks'
import { labels, people, projects, type Task } from '../data/rows'
import { useRow, useRows } from '../data/use-rows'
import { Link } from '../router'
import { Avatar } from './avatar'
import { STATUS_NAMES, STATUSES } from '../data/words'
import { taskPath } from './frame'
import { Icon, PriorityIcon, StatusIcon } from './icons'
import { daysFromToday, dayInWords } from './times'

export function TaskLine({
  task,
  showProject = false,
  showAssignee = false,
}: {
  task: Task
  showProject?: boolean
  showAssignee?: boolean
}) {
  const project = useRow(projects, task.projectId)
  const assignee = useRow(people, task.assigneeId)
  return (
    <li className="task-line">
      <PriorityIcon priority={task.priority} />
      <StatusSelect task={task} />
      <Link to={taskPath(task)} className="task-line-link">
        <span className="task-key">{task.key || '…'}</span>
        <span className="task-line-title">{task.title}</span>
      </Link>
      <span className="task-line-more">
        <TaskMarks task={task} />
        <Labels ids={task.labelIds} />
        {showProject && project && <span className="task-line-project">{project.name}</span>}
        <DueDate task={task} />
        {showAssignee && assignee && <Avatar id={assignee.id} name={assignee.displayName} />}
      </span>
    </li>
  )
}

/** The status icon, which is a menu. */
export function StatusSelect({ task }: { task: Task }) {
  return (
    <span className="icon-select">
      <StatusIcon status={task.status} />
      <select
        aria-label={`Status of ${task.key || task.title}`}
        value={task.status}
        onChange={(event) => changeStatus(task, event.target.value as Task['status'])}
      >
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {STATUS_NAMES[status]}
          </option>
        ))}
      </select>
    </span>
  )
}

/** Blocked, comments, sub-tasks: what is worth knowing before opening it. */
export function TaskMarks({ task }: { task: Task }) {
  const threads = useThreadCount(task.id) ?? 0
  const subtasks = useSubtasks(task.id)
  return (
    <>
      {task.isBlocked && (
        <span className="mark mark-blocked" title="Blocked">
          <Icon name="blocked" size={14} />
          <span className="visually-hidden">Blocked</span>
        </span>
      )}
      {subtasks && (
        <span className="mark" title="Sub-tasks">
          <Icon name="subtask" size={14} />
          <span className="visually-hidden">Sub-tasks: </span>
          {subtasks.done}/{subtasks.total}
        </span>
      )}
      {threads > 0 && (
        <span className="mark" title="Comments">
          <Icon name="comment" size={14} />
          <span className="visually-hidden">Comments: </span>
          {threads}
        </span>
      )}
    </>
  )
}

export function DueDate({ task }: { task: Task }) {
  if (task.dueOn === null) return null
  const isOpen = task.status !== 'DONE' && task.status !== 'CANCELED'
  const days = daysFromToday(task.dueOn)
  const kind = isOpen && days < 0 ? 'due-late' : isOpen && days <= 1 ? 'due-soon' : ''
  return (
    <span className={`due ${kind}`}>
      <span className="visually-hidden">Due </span>
      {dayInWords(task.dueOn)}
    </span>
  )
}

export function Labels({ ids }: { ids: readonly string[] }) {
  useRows(labels)
  if (ids.length === 0) return null
  return (
    <span className="labels">
      {ids.map((id) => {
        const label = labels.get(id)
        return label && <LabelChip key={id} name={label.name} color={label.color} />
      })}
    </span>
  )
}

export function LabelChip({ name, color }: { name: string; color: string }) {
  return (
    <span className="label">
      <span className="label-dot" style={{ background: color }} aria-hidden="true" />
      {name}
    </span>
  )
}
