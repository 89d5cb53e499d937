/// What became of a task, newest first.
import { useState } from 'react'
import { Avatar } from './avatar'
import { PRIORITY_NAMES, STATUS_NAMES } from '../data/words'
import { Icon } from './icons'
import { dayInWords, momentInWords, timeAgo } from './times'
import type { TaskHistoryData } from './use-history'

type Entry = TaskHistoryData['activity']['nodes'][number]
type FieldChange = Entry['changes'][number]

const FIRST_SHOWN = 6

export function History({ entries: all }: { entries: readonly Entry[] }) {
  const [isWhole, setWhole] = useState(false)
  const entries = all.map((entry) => ({ entry, words: inWords(entry) })).filter(({ words }) => words)
  if (entries.length === 0) return null
  const shown = isWhole ? entries : entries.slice(0, FIRST_SHOWN)
  return (
    <section className="task-section" aria-labelledby="activity">
      <h2 id="activity">Activity</h2>
      <ol className="activity">
        {shown.map(({ entry, words }) => (
          <li key={entry.id}>
            {entry.actor ? (
              <Avatar id={entry.actor.id} name={entry.actor.displayName} isDecoration />
            ) : (
              <Icon name="clock" />
            )}
            <span>
              <span className="activity-actor">{entry.actor?.displayName ?? 'The server'}</span> {words}
            </span>
            <time className="faint" dateTime={entry.createdAt} title={momentInWords(entry.createdAt)}>
              {timeAgo(entry.createdAt)}
            </time>
          </li>
        ))}
      </ol>
      {entries.length > shown.length && (
        <button className="button button-quiet edit-button" onClick={() => setWhole(true)}>
          <Icon name="history" /> Show all {entries.length}
        </button>
      )}
    </section>
  )
}

function inWords({ kind, changes }: Entry): string | null {
  if (kind === 'CREATED') return 'created the task'
  if (kind === 'DELETED') return 'deleted the task'
  if (kind === 'RESTORED') return 'restored the task'
  if (kind === 'COMMENTED') return 'commented'
  if (kind === 'REACTED') return null
  const words = changes.map(changeInWords).filter(Boolean)
  return words.length > 0 ? words.join(', ') : null
}

function changeInWords({ field, before, after, references }: FieldChange): string | null {
  const name = (id: unknown) => references.find((each) => each.id === id)?.name ?? 'somebody'
  const names = (ids: unknown, without: unknown) =>
    (Array.isArray(ids) ? ids : [])
      .filter((id) => !(Array.isArray(without) && without.includes(id)))
      .map(name)
      .join(', ')
  switch (field) {
    case 'status':
      return `moved it to ${STATUS_NAMES[after as keyof typeof STATUS_NAMES]}`
    case 'priority':
      return `set the priority to ${PRIORITY_NAMES[after as keyof typeof PRIORITY_NAMES]}`
    case 'title':
      return 'renamed it'
    case 'description':
      return 'changed the description'
    case 'assigneeId':
      return after ? `assigned ${name(after)}` : 'unassigned it'
    case 'dueOn':
      return after ? `set it due ${dayInWords(String(after))}` : 'took the due date away'
    case 'estimate':
      return after === null ? 'took the estimate away' : `estimated ${String(after)}`
    case 'labelIds': {
      const [added, removed] = [names(after, before), names(before, after)]
      return [added && `added ${added}`, removed && `removed ${removed}`].filter(Boolean).join(' and ') || null
    }
    case 'projectId':
      return 'moved it here from another project'
    case 'parentId':
      return after ? 'made it a sub-task' : 'made it a task of its own'
    case 'attachments':
      return after ? 'attached a file' : 'removed a file'
    case 'links':
      return after ? 'linked another task' : 'removed a link'
    default:
      return null
  }
}
