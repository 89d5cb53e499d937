/// How a task comes again: one of the usual rules, or one of RFC 5545 that is written out.
import { useState } from 'react'
import type { Task } from '../data/rows'
import { recur } from '../data/tasks'
import { RECURRENCE_NAMES } from '../data/words'
import { Icon } from './icons'

const OTHER = 'other'

interface RecurrenceProps {
  task: Task
  /** Undefined until it is read. */
  rule: string | null | undefined
  isOff: boolean
}

export function Recurrence({ task, rule, isOff }: RecurrenceProps) {
  const [isWriting, setWriting] = useState(false)
  const isUsual = !rule || rule in RECURRENCE_NAMES
  if (isWriting)
    return (
      <form
        className="property"
        onSubmit={(event) => {
          event.preventDefault()
          setWriting(false)
          void recur(task, String(new FormData(event.currentTarget).get('rule') ?? '').trim() || null)
        }}
        onKeyDown={(event) => event.key === 'Escape' && setWriting(false)}
      >
        <span>Repeats</span>
        <span className="property-value">
          <input
            name="rule"
            aria-label="Rule of recurrence, as in RFC 5545"
            defaultValue={rule ?? 'FREQ=WEEKLY;BYDAY=MO,TH'}
            maxLength={500}
            autoFocus
            autoComplete="off"
          />
          <button className="icon-button" aria-label="Set the rule">
            <Icon name="check" />
          </button>
        </span>
      </form>
    )
  return (
    <label className="property">
      <span>Repeats</span>
      <span className="property-value">
        <Icon name="repeat" />
        <select
          value={rule ?? ''}
          disabled={isOff || rule === undefined || task.dueOn === null}
          title={task.dueOn === null ? 'A task that repeats needs a due day.' : (rule ?? undefined)}
          onChange={(event) => {
            if (event.target.value === OTHER) setWriting(true)
            else void recur(task, event.target.value || null)
          }}
        >
          <option value="">{task.dueOn === null ? 'Never: it has no due day' : 'Never'}</option>
          {Object.entries(RECURRENCE_NAMES).map(([each, name]) => (
            <option key={each} value={each}>
              {name}
            </option>
          ))}
          {!isUsual && <option value={rule}>{rule}</option>}
          <option value={OTHER}>Another rule …</option>
        </select>
      </span>
    </label>
  )
}
