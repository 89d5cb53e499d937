/// Notifications: what others did that concerns the viewer, as it happens.
import { useMemo, useState } from 'react'
import { fromGlobalId } from '@pantherahive/client'
import { Notifications, NotificationsMark } from '../graph/operations'
import { unreadCount } from '../data/live'
import { notify } from '../data/notices'
import { notifications, type Notification } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { useLoadOnce, useRows } from '../data/use-rows'
import { Link } from '../router'
import { Avatar } from '../ui/avatar'
import { Icon, type IconName } from '../ui/icons'
import { Empty, Loading, Problem, ScreenTitle } from '../ui/states'
import { momentInWords, timeAgo } from '../ui/times'
import type { ResultOf } from '../graph/graph'

const MAX_PAGES = 4

async function load(): Promise<void> {
  let after: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const data: ResultOf<typeof Notifications> = await client.request(Notifications, { after })
    notifications.put(...(data.notifications?.nodes ?? []))
    unreadCount.set(data.notifications?.unreadCount ?? 0)
    const info = data.notifications?.pageInfo
    if (!info?.hasNextPage) return
    after = info.endCursor
  }
}

async function mark(
  input: { ids?: string[]; all?: boolean; as: 'READ' | 'UNREAD' | 'ARCHIVED' },
  shown: readonly Notification[],
): Promise<void> {
  const now = new Date().toISOString()
  const changes = input.as === 'READ' ? { readAt: now } : input.as === 'UNREAD' ? { readAt: null } : { archivedAt: now }
  for (const { id } of shown) notifications.amend(id, changes)
  try {
    const { result } = await client.request(NotificationsMark, { input })
    if (!result) return
    unreadCount.set(result.unreadCount)
    notifications.put(...result.notifications)
    if (result.errors[0]) throw new Error(result.errors[0].message)
  } catch (error) {
    for (const each of shown) notifications.put(each)
    notify(error instanceof Error ? error.message : String(error), 'problem')
  }
}

export function InboxScreen() {
  const all = useRows(notifications)
  const unread = useStore(unreadCount)
  const [isUnreadOnly, setUnreadOnly] = useState(false)
  const { isLoading, problem, retry } = useLoadOnce('inbox', load)
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
            disabled={unread === 0}
            onClick={() =>
              void mark(
                { all: true, as: 'READ' },
                all.filter(({ readAt }) => !readAt),
              )
            }
          >
            <Icon name="check" /> Mark all as read
          </button>
        </div>
      </ScreenTitle>
      {problem && <Problem title="Your notifications could not be loaded" reason={problem} retry={retry} />}
      {isLoading && shown.length === 0 && <Loading what="your notifications" />}
      {!isLoading && !problem && shown.length === 0 && (
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

const ICONS: Partial<Record<Notification['reason'], IconName>> = {
  MENTIONED: 'comment',
  COMMENTED: 'comment',
  REACTION: 'smile',
  ASSIGNED: 'tasks',
  DUE_SOON: 'clock',
  OVERDUE: 'clock',
  DOCUMENT_CHANGED: 'document',
}

function NotificationLine({ notification }: { notification: Notification }) {
  const { id, reason, title, body, eventCount, createdAt, readAt, actor } = notification
  const path = pathOf(notification)
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
        <Link
          to={path}
          className="notification-text"
          onClick={() => !readAt && void mark({ ids: [id], as: 'READ' }, [notification])}
        >
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
        onClick={() => void mark({ ids: [id], as: readAt ? 'UNREAD' : 'READ' }, [notification])}
      >
        <Icon name={readAt ? 'eye' : 'check'} />
      </button>
      <button
        className="icon-button"
        aria-label="Archive"
        onClick={() => void mark({ ids: [id], as: 'ARCHIVED' }, [notification])}
      >
        <Icon name="archive" />
      </button>
    </li>
  )
}

function pathOf({ subject }: Notification): string | null {
  const about = subject?.__typename === 'Comment' ? subject.subject : subject
  if (!about) return null
  switch (about.__typename) {
    case 'Task':
      return `/tasks/${about.key}`
    case 'Document':
      return `/documents/${fromGlobalId(about.id).uuid}`
    case 'Project':
      return `/projects/${fromGlobalId(about.id).uuid}`
    default:
      return null
  }
}
