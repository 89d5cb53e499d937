/// The frame around every screen: where one can go, whether one is connected, and who one is.
import { useEffect, useState, type ReactNode } from 'react'
import { fromGlobalId } from '@pantherahive/client'
import { useUnreadCount } from '../data/notifications'
import { isActive, useProjectsByTeam } from '../data/projects'
import { connection, leave, me, pending } from '../data/replica'
import { people, type Task } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { undoLast } from '../data/undo'
import { useRow } from '../data/use-rows'
import { inWords } from '../data/writes'
import { ViewerEmail } from '../graph/operations'
import { Link, navigate, type Route } from '../router'
import { Avatar } from './avatar'
import { Icon, type IconName } from './icons'
import { Popover } from './popover'
import { chooseTheme, theme, type Theme } from './theme'

export const projectPath = (id: string): string => `/projects/${fromGlobalId(id).uuid}`
/** By its key, or by its UUID while it has none yet. */
export const taskPath = ({ key, id }: Task): string => `/tasks/${key || fromGlobalId(id).uuid}`
export const documentPath = (id: string): string => `/documents/${fromGlobalId(id).uuid}`

export function Frame({ route, children }: { route: Route; children: ReactNode }) {
  useShortcuts()
  return (
    <div className="frame">
      <a className="skip-link" href="#content" onClick={() => document.getElementById('content')?.focus()}>
        Skip to content
      </a>
      <nav className="sidebar" aria-label="Main">
        <Link to="/" className="brand">
          <Hexagon />
          <span>PantheraHive</span>
        </Link>
        <div className="places">
          <Place to="/" icon="tasks" name="My tasks" isCurrent={route.screen === 'my-tasks'} />
          <InboxPlace isCurrent={route.screen === 'inbox'} />
          <Place to="/search" icon="search" name="Search" isCurrent={route.screen === 'search'} shortcut="/" />
          <Place
            to="/projects"
            icon="project"
            name="Projects"
            isCurrent={route.screen === 'projects'}
            className="narrow-only"
          />
        </div>
        <ProjectPlaces route={route} />
        <div className="sidebar-foot">
          <ConnectionBadge />
          <ViewerMenu />
        </div>
      </nav>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}

interface PlaceProps {
  to: string
  icon: IconName
  name: string
  isCurrent: boolean
  shortcut?: string
  className?: string
  children?: ReactNode
}

function Place({ to, icon, name, isCurrent, shortcut, className = '', children }: PlaceProps) {
  return (
    <Link to={to} className={`place ${className}`} aria-current={isCurrent ? 'page' : undefined}>
      <Icon name={icon} />
      <span className="place-name">{name}</span>
      {children}
      {shortcut && <kbd aria-hidden="true">{shortcut}</kbd>}
    </Link>
  )
}

function InboxPlace({ isCurrent }: { isCurrent: boolean }) {
  const unread = useUnreadCount()
  return (
    <Place to="/inbox" icon="inbox" name="Inbox" isCurrent={isCurrent}>
      {unread > 0 && (
        <span className="count">
          {unread > 99 ? '99+' : unread}
          <span className="visually-hidden"> unread</span>
        </span>
      )}
    </Place>
  )
}

function ProjectPlaces({ route }: { route: Route }) {
  const groups = useProjectsByTeam(isActive)
  const current = 'project' in route ? route.project : null
  return (
    <div className="project-places">
      {groups.map((group) => (
        <div key={group.team.id} className="project-group" role="group" aria-labelledby={`team-${group.team.key}`}>
          <h2 id={`team-${group.team.key}`}>{group.team.name}</h2>
          {group.projects.map(({ id, name }) => (
            <Link
              key={id}
              to={projectPath(id)}
              className="place"
              aria-current={current === fromGlobalId(id).uuid ? 'page' : undefined}
            >
              <Icon name="project" />
              <span className="place-name">{name}</span>
            </Link>
          ))}
        </div>
      ))}
    </div>
  )
}

const STATE_NAMES = { live: 'Live', 'catching up': 'Catching up', offline: 'Offline' } as const

/** Says whether what is shown is true now, and what has not reached the server yet. */
function ConnectionBadge() {
  const state = useStore(connection)
  const waiting = useStore(pending)
  const isWaiting = state === 'offline' && waiting.length > 0
  const label = isWaiting ? `Offline · ${waiting.length} waiting` : STATE_NAMES[state]
  return (
    <Popover
      label={label}
      className={`connection connection-${state.replace(' ', '-')}`}
      buttonContent={
        <>
          <span className="connection-dot" aria-hidden="true" />
          <span className="connection-name">{label}</span>
        </>
      }
    >
      <div className="connection-card">
        <p className="popover-title">{STATE_NAMES[state]}</p>
        <p>
          {state === 'offline'
            ? 'The server cannot be reached. Go on working: changes are stored here, and sent as soon as it can.'
            : 'What others do appears here at once.'}
        </p>
        {waiting.length > 0 && (
          <ol className="waiting">
            {waiting.map((operation) => (
              <li key={operation.id}>{inWords(operation)}</li>
            ))}
          </ol>
        )}
      </div>
    </Popover>
  )
}

function ViewerMenu() {
  const viewer = useRow(people, me())
  const chosen = useStore(theme)
  if (!viewer) return null
  return (
    <Popover
      label={viewer.displayName}
      className="viewer"
      buttonContent={
        <>
          <Avatar id={viewer.id} name={viewer.displayName} isDecoration />
          <span className="viewer-name">{viewer.displayName}</span>
        </>
      }
    >
      <div className="viewer-card">
        <p className="popover-title">{viewer.displayName}</p>
        <Email />
        <fieldset className="segments">
          <legend>Colours</legend>
          {(['system', 'light', 'dark'] as Theme[]).map((each) => (
            <label key={each}>
              <input type="radio" name="theme" checked={chosen === each} onChange={() => chooseTheme(each)} />
              <span>{each === 'system' ? 'System' : each === 'light' ? 'Light' : 'Dark'}</span>
            </label>
          ))}
        </fieldset>
        <a className="button button-wide" href="/oauth/passkeys">
          Passkeys
        </a>
        <SignOut />
      </div>
    </Popover>
  )
}

/** Read when the menu is opened; rows of people say nothing of it. */
function Email() {
  const [email, setEmail] = useState<string | null>(null)
  useEffect(() => {
    client.request(ViewerEmail).then(
      ({ viewer }) => setEmail(viewer?.email ?? null),
      () => undefined,
    )
  }, [])
  return <p className="faint">{email}</p>
}

/** Whatever is stored here goes with the person, so what was not sent is asked about first. */
function SignOut() {
  const waiting = useStore(pending).length
  const [isAsking, setAsking] = useState(false)
  const isAsked = isAsking && waiting > 0
  return (
    <>
      {isAsked && (
        <p role="alert">
          {waiting === 1 ? 'One change has' : `${waiting} changes have`} not reached the server, and{' '}
          {waiting === 1 ? 'is' : 'are'} lost when you sign out.
        </p>
      )}
      <button className="button button-wide" onClick={() => (waiting > 0 && !isAsked ? setAsking(true) : void leave())}>
        <Icon name="leave" /> {isAsked ? 'Sign out anyway' : 'Sign out'}
      </button>
    </>
  )
}

/** `/` searches, Ctrl-Z takes back; nothing is taken from the keyboard while somebody types. */
function useShortcuts(): void {
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if ((event.target as HTMLElement).closest('input, textarea, select, [contenteditable]')) return
      const hasModifier = event.metaKey || event.ctrlKey
      if (event.key === 'z' && hasModifier && !event.shiftKey && !event.altKey && undoLast()) event.preventDefault()
      if (event.key !== '/' || hasModifier || event.altKey) return
      event.preventDefault()
      navigate('/search')
      setTimeout(() => document.querySelector<HTMLInputElement>('#search-words')?.focus())
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

export function Hexagon() {
  return (
    <svg className="hexagon" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M16 2l12 7v14l-12 7-12-7V9z" fill="#e8a317" />
      <path d="M16 9l6 3.5v7L16 23l-6-3.5v-7z" fill="#3a2a0a" />
    </svg>
  )
}

/** Whether a media query matches now. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const look = () => setMatches(list.matches)
    list.addEventListener('change', look)
    return () => list.removeEventListener('change', look)
  }, [query])
  return matches
}
