/// Days and moments in words.

const DAY_MS = 86_400_000
const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(undefined, options)
const dayAndMonth = format({ day: 'numeric', month: 'short' })
const dayMonthYear = format({ day: 'numeric', month: 'short', year: 'numeric' })
const weekday = format({ weekday: 'long' })
const moment = format({ dateStyle: 'medium', timeStyle: 'short' })

/** A local day as YYYY-MM-DD. */
export function isoDay(date: Date): string {
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
}

export const today = (): string => isoDay(new Date())

/** How many days `day` is after today. */
export function daysFromToday(day: string): number {
  return Math.round((Date.parse(`${day}T00:00:00Z`) - Date.parse(`${today()}T00:00:00Z`)) / DAY_MS)
}

export function dayInWords(day: string): string {
  const days = daysFromToday(day)
  const date = new Date(`${day}T12:00:00`)
  if (days === 0) return 'Today'
  if (days === 1) return 'Tomorrow'
  if (days === -1) return 'Yesterday'
  if (days > 1 && days < 7) return weekday.format(date)
  return (date.getFullYear() === new Date().getFullYear() ? dayAndMonth : dayMonthYear).format(date)
}

export function timeAgo(at: string): string {
  const seconds = Math.max(0, (Date.now() - Date.parse(at)) / 1000)
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`
  return dayInWords(isoDay(new Date(at)))
}

export const momentInWords = (at: string): string => moment.format(new Date(at))

export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
