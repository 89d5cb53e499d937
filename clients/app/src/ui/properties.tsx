/// The attributes of a task, each changed in place.
import { succeeded } from '@pantherahive/client'
import { useMemo, useState } from 'react'
import { notify } from '../data/notices'
import { labels, people, type Priority, type Status, type Task } from '../data/rows'
import { changeStatus, update } from '../data/tasks'
import { useRow, useRows } from '../data/use-rows'
import { client } from '../data/session'
import { WatchSet } from '../graph/operations'
import { Avatar } from './avatar'
import { PRIORITIES, PRIORITY_NAMES, STATUS_NAMES, STATUSES } from '../data/words'
import { Icon, PriorityIcon, StatusIcon } from './icons'
import { Recurrence } from './recurrence'
import { LabelChip } from './task-line'
import { momentInWords } from './times'
import type { TaskHistoryData } from './use-history'

interface PropertiesProps {
  task: Task
  /** Null while it was not read. */
  history: TaskHistoryData | null
  canUpdate: boolean
}

export function Properties({ task, history, canUpdate }: PropertiesProps) {
  const everybody = useRows(people)
  const sorted = useMemo(() => everybody.toSorted((a, b) => a.displayName.localeCompare(b.displayName)), [everybody])
  const assignee = useRow(people, task.assigneeId)
  const creator = useRow(people, task.creatorId)
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
            onChange={(event) => update(task, { priority: event.target.value as Priority })}
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
            onChange={(event) => update(task, { assigneeId: event.target.value || null })}
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
            onChange={(event) => update(task, { dueOn: event.target.value || null })}
          />
        </span>
      </label>
      <Recurrence task={task} rule={history?.recurrence} isOff={isOff} />
      <TaskLabels task={task} isOff={isOff} />
      {history && <Watching key={String(history.viewerIsWatching)} task={task} initial={history.viewerIsWatching} />}
      <p className="properties-foot faint">
        Created {creator && `by ${creator.displayName} `}
        <time dateTime={task.createdAt}>{momentInWords(task.createdAt)}</time>
      </p>
    </aside>
  )
}

function TaskLabels({ task, isOff }: { task: Task; isOff: boolean }) {
  const all = useRows(labels)
  const chosen = task.labelIds.map((id) => labels.get(id)).filter((label) => label !== undefined)
  const others = all.filter(({ id }) => !task.labelIds.includes(id)).toSorted((a, b) => a.name.localeCompare(b.name))
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
                onClick={() => update(task, { labelIds: task.labelIds.filter((each) => each !== id) })}
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
              onChange={(event) => update(task, { labelIds: [...task.labelIds, event.target.value] })}
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

function Watching({ task, initial }: { task: Task; initial: boolean }) {
  const [isWatching, setWatching] = useState(initial)
  async function toggle() {
    setWatching(!isWatching)
    try {
      succeeded((await client.request(WatchSet, { input: { subjectId: task.id, watching: !isWatching } })).result)
    } catch (error) {
      setWatching(isWatching)
      notify(`Not done. ${error instanceof Error ? error.message : ''}`, 'problem')
    }
  }
  return (
    <div className="property">
      <span>Updates</span>
      <button className="button button-toggle watch-button" aria-pressed={isWatching} onClick={() => void toggle()}>
        <Icon name="eye" /> {isWatching ? 'Watching' : 'Watch'}
      </button>
    </div>
  )
}
