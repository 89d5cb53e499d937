/// Icons, drawn on a grid of 16, in the colour of the text around them.
import type { ReactNode } from 'react'
import type { Priority, Status } from '../data/rows'
import { PRIORITY_NAMES, STATUS_NAMES } from '../data/words'

const PATHS = {
  tasks: 'M2.5 4.5l1.2 1.2L6 3.4M2.5 11.5l1.2 1.2L6 10.4M8.5 4.5h5M8.5 11.5h5',
  inbox: 'M2 9.5h3.2l1 1.8h3.6l1-1.800H14M2 9.500l2-6h8l2 6v3.500H2z',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.600L14 14',
  board: 'M2.5 2.500h3v11h-3zM6.5 2.500h3v7h-3zM10.5 2.500h3v9h-3z',
  document: 'M4 1.800h5.500L12.5 5v9.200H4zM9.2 2v3.200h3.200M6 8h4.500M6 10.500h4.5',
  project: 'M8 1.500l5.5 3.200v6.600L8 14.500l-5.5-3.200V4.700z',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  comment: 'M2.5 3h11v7.500H7.500L4.5 13v-2.500h-2z',
  calendar: 'M2.5 4h11v9.500h-11zM2.5 7h11M5.5 2.500V5M10.5 2.500V5',
  subtask: 'M3 3v6.500h4M9 7.500h4.500v4H9z',
  blocked: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM4 4l8 8',
  attach: 'M12.5 7.500l-5 5a3 3 0 0 1-4.2-4.200l5.5-5.500a2 2 0 0 1 2.9 2.900l-5.3 5.300a1 1 0 0 1-1.5-1.500l4.6-4.6',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.800V8l2.2 1.6',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  smile: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.5 9.500a3 3 0 0 0 5 0M6 6.200v.3M10 6.200v.3',
  reply: 'M6.5 4L3 7.5 6.5 11M3.2 7.500H9a4 4 0 0 1 4 4v1',
  trash: 'M3 4.500h10M6.5 4.500V3h3v1.500M4.5 4.500l.6 9h5.800l.6-9',
  edit: 'M3 13l.6-2.6 7-7 2 2-7 7zM9.5 4.500l2 2',
  check: 'M3.5 8.500l3 3 6-7',
  back: 'M9.5 3.500L5 8l4.5 4.5',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500V3M8 13v1.500M1.5 8H3M13 8h1.500M3.4 3.400l1 1M11.6 11.600l1 1M3.4 12.600l1-1M11.6 4.400l1-1',
  leave: 'M6.5 3H3v10h3.500M7 8h6.500M11 5.500L13.5 8 11 10.5',
  history: 'M2.8 5.500A6 6 0 1 1 2 8M2.5 2.500v3.200h3.200M8 5v3.200l2 1.3',
  more: 'M3.500 8h.01M8 8h.01M12.500 8h.01',
  repeat:
    'M3 7.500a5 5 0 0 1 8.800-2.700L13 6.200M13 3v3.200H9.800M13 8.500a5 5 0 0 1-8.800 2.700L3 9.800M3 13V9.800h3.200',
  link: 'M6.800 9.200a2.600 2.600 0 0 0 3.700 0l2-2a2.600 2.600 0 0 0-3.700-3.700l-.8.8M9.200 6.800a2.600 2.600 0 0 0-3.700 0l-2 2a2.600 2.600 0 0 0 3.700 3.700l.8-.8',
  archive: 'M2 3.500h12v2.500H2zM3 6v7h10V6M6.5 8.500h3',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** How much of the circle is filled: a quarter for each step. */
const FILLED: Record<Status, number> = { BACKLOG: 0, TODO: 0, IN_PROGRESS: 0.5, IN_REVIEW: 0.75, DONE: 1, CANCELED: 1 }
const RADIUS = 3

export function StatusIcon({ status, label = false }: { status: Status; label?: boolean }) {
  const around = 2 * Math.PI * RADIUS
  let inside: ReactNode = null
  if (status === 'DONE') inside = <path className="status-mark" d="M5.2 8.200l2 2 3.6-4.2" />
  else if (status === 'CANCELED') inside = <path className="status-mark" d="M5.8 5.800l4.4 4.400M10.2 5.800l-4.4 4.4" />
  else if (FILLED[status] > 0)
    inside = (
      <circle
        className="status-part"
        cx="8"
        cy="8"
        r={RADIUS}
        strokeDasharray={`${around * FILLED[status]} ${around}`}
        transform="rotate(-90 8 8)"
      />
    )
  return (
    <svg
      className={`status-icon status-${status.toLowerCase()}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      {...named(label && STATUS_NAMES[status])}
    >
      <circle
        className="status-ring"
        cx="8"
        cy="8"
        r="6"
        strokeDasharray={status === 'BACKLOG' ? '2.4 2.3' : undefined}
      />
      {inside}
    </svg>
  )
}

const BARS: Record<Priority, number> = { NONE: 0, LOW: 1, MEDIUM: 2, HIGH: 3, URGENT: 3 }

export function PriorityIcon({ priority }: { priority: Priority }) {
  return (
    <svg
      className={`priority-icon priority-${priority.toLowerCase()}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      {...named(`${PRIORITY_NAMES[priority]} priority`)}
    >
      {priority === 'URGENT' ? (
        <path
          className="priority-urgent-mark"
          d="M3 2h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V3a1 1 0 0 1 1-1zm4.2 2.500l.3 5h1l.3-5zm.1 6.300v1.400h1.400v-1.400z"
        />
      ) : (
        [0, 1, 2].map((bar) => (
          <rect
            key={bar}
            className={bar < BARS[priority] ? 'bar-on' : 'bar-off'}
            x={2 + bar * 4.5}
            y={9 - bar * 3}
            width="3"
            height={5 + bar * 3}
            rx="1"
          />
        ))
      )}
    </svg>
  )
}

function named(label: string | false) {
  return label ? { role: 'img' as const, 'aria-label': label } : { 'aria-hidden': true as const }
}
