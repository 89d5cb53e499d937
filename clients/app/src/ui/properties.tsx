/// The attributes of a task, each changed in place.
import { useMemo, useState } from 'react'
import { change } from '../data/mutations'
import { labels, people, type Priority, type Status, type Task } from '../data/rows'
import { changeStatus, update } from '../data/tasks'
import { useRow, useRows } from '../data/use-rows'
import type { TaskMore } from '../screens/task'
import { Avatar } from './avatar'
import { PRIORITIES, PRIORITY_NAMES, STATUS_NAMES, STATUSES } from '../data/words'
import { Icon, PriorityIcon, StatusIcon } from './icons'
import { Recurrence } from './recurrence'
import { LabelChip } from './task-line'
import { momentInWords } from './times'

interface PropertiesProps {
  task: Task
  details: TaskMore
  /** How it comes again; undefined until that is read. */
  rule: string | null | undefined
  canUpdate: boolean
}

export function Properties({ task, details, rule, canUpdate }: PropertiesProps) {
  const everybody = useRows(people)
  const sorted = useMemo(() => everybody.toSorted((a, b) => a.displayName.localeCompare(b.displayName)), [everybody])
  const assignee = useRow(people, task.assigneeId)
  const isOff = !canUpdate
  return (
    <aside className="properties" aria-label="Attributes">
      <label className="property">
        <span>Status</span>
        <span className="property-value">
          <StatusIcon status={task.status} />
          <select
            value={task.status}
            disabled={isOff}
            onChange={(event) => changeStatus(task, event.target.value as Status)}
          >
            {STATUSES.map((status) => (
              <option key={status} value={status}>
                {STATUS_NAMES[status]}
              </option>
            ))}
          </select>
        </span>
      </label>
      <label className="property">
        <span>Priority</span>
        <span className="property-value">
          <PriorityIcon priority={task.priority} />
          <select
            value={task.priority}
            disabled={isOff}
            onChange={(event) => {
              const priority = event.target.value as Priority
              update(task, { priority }, { priority }, `Set the priority of ${task.key} to ${PRIORITY_NAMES[priority]}`)
            }}
          >
            {PRIORITIES.map((priority) => (
              <option key={priority} value={priority}>
                {PRIORITY_NAMES[priority]}
              </option>
            ))}
          </select>
        </span>
      </label>
      <label className="property">
        <span>Assignee</span>
        <span className="property-value">
          {assignee ? (
            <Avatar id={assignee.id} name={assignee.displayName} isDecoration />
          ) : (
            <span className="avatar avatar-none" aria-hidden="true" />
          )}
          <select
            value={task.assigneeId ?? ''}
            disabled={isOff}
            onChange={(event) => {
              const assigneeId = event.target.value || null
              update(task, { assigneeId }, { assigneeId }, `Assign ${task.key}`)
            }}
          >
            <option value="">Nobody</option>
            {sorted.map(({ id, displayName }) => (
              <option key={id} value={id}>
                {displayName}
              </option>
            ))}
          </select>
        </span>
      </label>
      <label className="property">
        <span>Due</span>
        <span className="property-value">
          <Icon name="calendar" />
          <input
            type="date"
            value={task.dueOn ?? ''}
            disabled={isOff}
            onChange={(event) => {
              const dueOn = event.target.value || null
              update(task, { dueOn }, { dueOn }, `Set when ${task.key} is due`)
            }}
          />
        </span>
      </label>
      <Recurrence task={task} rule={rule} isOff={isOff} />
      <TaskLabels task={task} isOff={isOff} />
      <Watching task={task} details={details} />
      <p className="properties-foot faint">
        Created {details.creator && `by ${details.creator.displayName} `}
        <time dateTime={details.createdAt}>{momentInWords(details.createdAt)}</time>
      </p>
    </aside>
  )
}

function TaskLabels({ task, isOff }: { task: Task; isOff: boolean }) {
  const all = useRows(labels)
  const chosen = task.labelIds.map((id) => labels.get(id)).filter((label) => label !== undefined)
  const others = all.filter(({ id }) => !task.labelIds.includes(id)).toSorted((a, b) => a.name.localeCompare(b.name))
  function set(input: object, labelIds: string[]) {
    update(task, input, { labelIds }, `Label ${task.key}`)
  }
  return (
    <div className="property property-labels">
      <span id="labels-name">Labels</span>
      <div className="label-editor">
        {chosen.map(({ id, name, color }) => (
          <span key={id} className="label-edit">
            <LabelChip name={name} color={color} />
            {!isOff && (
              <button
                className="icon-button"
                aria-label={`Remove the label ${name}`}
                onClick={() =>
                  set(
                    { removeLabelIds: [id] },
                    task.labelIds.filter((each) => each !== id),
                  )
                }
              >
                <Icon name="close" size={12} />
              </button>
            )}
          </span>
        ))}
        {!isOff && others.length > 0 && (
          <span className="icon-select" title="Add a label">
            <Icon name="plus" />
            <select
              aria-label="Add a label"
              value=""
              onChange={(event) => set({ addLabelIds: [event.target.value] }, [...task.labelIds, event.target.value])}
            >
              <option value="" disabled>
                Add a label
              </option>
              {others.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </span>
        )}
      </div>
    </div>
  )
}

function Watching({ task, details }: { task: Task; details: TaskMore }) {
  const [isWatching, setWatching] = useState(details.viewerIsWatching)
  function toggle() {
    details.viewerIsWatching = !isWatching
    setWatching(!isWatching)
    change(
      'watchSet',
      { subjectId: task.id, watching: !isWatching },
      `${isWatching ? 'Stop watching' : 'Watch'} ${task.key}`,
    )
  }
  return (
    <div className="property">
      <span>Updates</span>
      <button className="button button-toggle watch-button" aria-pressed={isWatching} onClick={toggle}>
        <Icon name="eye" /> {isWatching ? 'Watching' : 'Watch'}
      </button>
    </div>
  )
}
