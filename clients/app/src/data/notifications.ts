/// The inbox in numbers.
import { useMemo } from 'react'
import { notifications, type Notification } from './rows'
import { useRows } from './use-rows'

/** Whether it is in the inbox and was not read. */
export function isUnread({ readAt, archivedAt, snoozedUntil }: Notification): boolean {
  return !readAt && !archivedAt && (!snoozedUntil || snoozedUntil <= new Date().toISOString())
}

export function useUnreadCount(): number {
  const all = useRows(notifications)
  return useMemo(() => all.filter(isUnread).length, [all])
}
