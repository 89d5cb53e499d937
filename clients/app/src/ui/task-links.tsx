/// What a task has to do with other tasks: what it blocks and waits for, what it is related to, what it duplicates.
import { useState } from 'react'
import { doNow } from '../data/do-now'
import { notify } from '../data/notices'
import type { Task } from '../data/rows'
import { client } from '../data/session'
import { LINK_KINDS, LINK_NAMES, type LinkKind } from '../data/words'
import { TaskIdByKey, TaskLink, TaskUnlink } from '../graph/operations'
import { Link } from '../router'
import { Icon, StatusIcon } from './icons'
import type { TaskHistoryData } from './use-history'

type Shown = TaskHistoryData['links']['nodes'][number]

export function TaskLinks({ task, links, canUpdate }: { task: Task; links: readonly Shown[]; canUpdate: boolean }) {
  if (links.length === 0 && !canUpdate) return null
  return (
    <section className="task-section" aria-labelledby="links">
      <h2 id="links">Links</h2>
      {links.length > 0 && (
        <ul className="plain-list task-links">
          {links.map(({ id, kind, target }) => (
            <li key={id}>
              <span className="link-kind">{LINK_NAMES[kind]}</span>
              <StatusIcon status={target.status} label />
              <Link to={`/tasks/${target.key}`}>
                <span className="task-key">{target.key}</span> {target.title}
              </Link>
              {canUpdate && (
                <button
                  className="icon-button"
                  aria-label={`Remove the link to ${target.key}`}
                  onClick={() => void doNow(TaskUnlink, { id }, `Unlink ${task.key} and ${target.key}`)}
                >
                  <Icon name="close" size={12} />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {canUpdate && <AddLink task={task} />}
    </section>
  )
}

function AddLink({ task }: { task: Task }) {
  const [isOpen, setOpen] = useState(false)
  if (!isOpen)
    return (
      <button className="button button-quiet edit-button" onClick={() => setOpen(true)}>
        <Icon name="link" /> Link a task
      </button>
    )
  async function add(form: FormData) {
    const key = String(form.get('key') ?? '')
      .trim()
      .replace(/^#/, '')
      .toUpperCase()
    if (!key) return
    const found = await client.request(TaskIdByKey, { key }).catch(() => null)
    if (!found?.taskByKey) return notify(`${key} is not there, or you may not see it.`, 'problem')
    const kind = form.get('kind') as LinkKind
    const input = { taskId: task.id, targetId: found.taskByKey.id, kind }
    if (await doNow(TaskLink, input, `Link ${task.key} and ${key}`)) setOpen(false)
  }
  return (
    <form
      className="link-form"
      onSubmit={(event) => {
        event.preventDefault()
        void add(new FormData(event.currentTarget))
      }}
      onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
    >
      <select name="kind" aria-label={`What ${task.key} is to the other task`} defaultValue="RELATES_TO">
        {LINK_KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {LINK_NAMES[kind]}
          </option>
        ))}
      </select>
      <input
        name="key"
        aria-label="Key of the other task"
        placeholder="Key, such as ENG-12"
        autoFocus
        autoComplete="off"
      />
      <button className="button">Link</button>
    </form>
  )
}
