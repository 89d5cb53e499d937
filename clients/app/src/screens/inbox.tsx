/// Notifications: what others did that concerns the viewer, as it happens.
import { useMemo, useState } from 'react'
import { fromGlobalId } from '@pantherahive/client'
import { isUnread } from '../data/notifications'
import { replica } from '../data/replica'
import { notifications, people, tasks, type Notification } from '../data/rows'
import { useRow, useRows } from '../data/use-rows'
import { Link } from '../router'
import { Avatar } from '../ui/avatar'
import { documentPath, projectPath, taskPath } from '../ui/frame'
import { Icon, type IconName } from '../ui/icons'
import { Empty, ScreenTitle } from '../ui/states'
import { momentInWords, timeAgo } from '../ui/times'

function mark(ids: string[], as: 'READ' | 'UNREAD' | 'ARCHIVED'): void {
  const now = new Date().toISOString()
  const changes = as === 'READ' ? { readAt: now } : as === 'UNREAD' ? { readAt: null } : { archivedAt: now }
  replica().notifications.update(ids, (drafts) => drafts.forEach((draft) => Object.assign(draft, changes)))
}

export function InboxScreen() {
  const all = useRows(notifications)
  const [isUnreadOnly, setUnreadOnly] = useState(false)
  const unread = useMemo(() => all.filter(isUnread), [all])
  const shown = useMemo(
    () =>
      all
        .filter((each) => !each.archivedAt && !(isUnreadOnly && each.readAt))
        .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt)),
    [all, isUnreadOnly],
  )
  return (
    <div className="screen screen-reading">
      <ScreenTitle title="Inbox">
        <div className="title-tools">
          <button
            className="button button-toggle"
            aria-pressed={isUnreadOnly}
            onClick={() => setUnreadOnly(!isUnreadOnly)}
          >
            Only unread
          </button>
          <button
            className="button"
            disabled={unread.length === 0}
            onClick={() =>
              mark(
                unread.map(({ id }) => id),
                'READ',
              )
            }
          >
            <Icon name="check" /> Mark all as read
          </button>
        </div>
      </ScreenTitle>
      {shown.length === 0 && (
        <Empty
          title={isUnreadOnly ? 'Everything is read' : 'Nothing yet'}
          hint="Comments, mentions and assignments appear here as they happen."
        />
      )}
      <ul className="plain-list">
        {shown.map((notification) => (
          <NotificationLine key={notification.id} notification={notification} />
        ))}
      </ul>
    </div>
  )
}

const ICONS: Record<string, IconName> = {
  MENTIONED: 'comment',
  COMMENTED: 'comment',
  REACTION: 'smile',
  ASSIGNED: 'tasks',
  DUE_SOON: 'clock',
  OVERDUE: 'clock',
  DOCUMENT_CHANGED: 'document',
}

function NotificationLine({ notification }: { notification: Notification }) {
  const { id, reason, title, body, eventCount, createdAt, readAt, actorId, subjectId } = notification
  const actor = useRow(people, actorId)
  const task = useRow(tasks, subjectId)
  const path = task ? taskPath(task) : pathOf(subjectId)
  const text = (
    <>
      <span className="notification-title">
        {title}
        {eventCount > 1 && <span className="faint"> · {eventCount} changes</span>}
      </span>
      {body && <span className="notification-body">{body}</span>}
    </>
  )
  return (
    <li className={`notification ${readAt ? '' : 'notification-unread'}`}>
      <span className="unread-dot" role={readAt ? undefined : 'img'} aria-label={readAt ? undefined : 'Unread'} />
      {actor ? (
        <Avatar id={actor.id} name={actor.displayName} size="large" />
      ) : (
        <span className="notification-icon">
          <Icon name={ICONS[reason] ?? 'inbox'} />
        </span>
      )}
      {path ? (
        <Link to={path} className="notification-text" onClick={() => !readAt && mark([id], 'READ')}>
          {text}
        </Link>
      ) : (
        <span className="notification-text">{text}</span>
      )}
      <time className="faint" dateTime={createdAt} title={momentInWords(createdAt)}>
        {timeAgo(createdAt)}
      </time>
      <button
        className="icon-button"
        aria-label={readAt ? 'Mark as unread' : 'Mark as read'}
        onClick={() => mark([id], readAt ? 'UNREAD' : 'READ')}
      >
        <Icon name={readAt ? 'eye' : 'check'} />
      </button>
      <button className="icon-button" aria-label="Archive" onClick={() => mark([id], 'ARCHIVED')}>
        <Icon name="archive" />
      </button>
    </li>
  )
}

/** Where to read more; null for what has no screen, and for tasks that are not here. */
function pathOf(subjectId: string | null): string | null {
  if (!subjectId) return null
  const { type } = fromGlobalId(subjectId)
  return type === 'Document' ? documentPath(subjectId) : type === 'Project' ? projectPath(subjectId) : null
}
