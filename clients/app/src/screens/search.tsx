/// Searches everything that the viewer can see, while they type.
import { fromGlobalId } from '@pantherahive/client'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { ResultOf } from '../graph/graph'
import { Search } from '../graph/operations'
import { client } from '../data/session'
import { Link, navigate } from '../router'
import { Avatar } from '../ui/avatar'
import { Icon, StatusIcon } from '../ui/icons'
import { Empty, Problem, ScreenTitle } from '../ui/states'

type Found = NonNullable<ResultOf<typeof Search>['search']>
type Hit = Found['edges'][number]

/** After a key, in milliseconds. */
const PAUSE_MS = 150

const TYPE_NAMES: Record<string, string> = {
  TASK: 'Tasks',
  DOCUMENT: 'Documents',
  COMMENT: 'Comments',
  PROJECT: 'Projects',
  USER: 'People',
  TEAM: 'Teams',
}

export function SearchScreen({ query, type }: { query: string; type: string }) {
  const [words, setWords] = useState(query)
  const [found, setFound] = useState<{ query: string; result: Found } | null>(null)
  const [counts, setCounts] = useState<Found['facets'][number]['buckets']>([])
  const [problem, setProblem] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)

  useEffect(() => input.current?.focus(), [])
  useEffect(() => {
    const timer = setTimeout(() => words.trim() !== query && navigate(path(words, type), { replace: true }), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [words])
  useEffect(() => {
    if (!query) return setFound(null)
    const abort = new AbortController()
    client.request(Search, { query, filter: type ? { types: [type as 'TASK'] } : null }, { signal: abort.signal }).then(
      ({ search }) => {
        if (!search || abort.signal.aborted) return
        setProblem(null)
        setFound({ query, result: search })
        if (!type) setCounts(search.facets[0]?.buckets ?? [])
      },
      (error: unknown) => !abort.signal.aborted && setProblem(error instanceof Error ? error.message : String(error)),
    )
    return () => abort.abort()
  }, [query, type])

  const result = query ? found?.result : undefined
  return (
    <div className="screen screen-reading">
      <ScreenTitle title="Search" />
      <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}>
        <Icon name="search" />
        <input
          id="search-words"
          ref={input}
          type="search"
          aria-label="Words to search for"
          placeholder="Tasks, documents, comments, people …"
          value={words}
          maxLength={500}
          autoComplete="off"
          onChange={(event) => setWords(event.target.value)}
        />
      </form>
      {counts.length > 0 && query && (
        <div className="search-types" role="group" aria-label="Kinds of results">
          <button
            className="button button-toggle"
            aria-pressed={!type}
            onClick={() => navigate(path(words, ''), { replace: true })}
          >
            All
          </button>
          {counts.map(({ value, count }) => (
            <button
              key={value}
              className="button button-toggle"
              aria-pressed={type === value}
              onClick={() => navigate(path(words, value), { replace: true })}
            >
              {TYPE_NAMES[value] ?? value} <span className="group-count">{count}</span>
            </button>
          ))}
        </div>
      )}
      <p className="visually-hidden" role="status">
        {result ? `${result.totalCount} results` : ''}
      </p>
      {problem && <Problem title="The search failed" reason={problem} />}
      {result?.suggestion && (
        <p className="suggestion">
          Nothing matches “{found?.query}”. These are results for <strong>{result.suggestion}</strong>.
        </p>
      )}
      {result && result.edges.length === 0 && (
        <Empty title="Nothing found" hint="Other words may help; the last one may be unfinished." />
      )}
      {!query && (
        <Empty
          title="Find anything you can see"
          hint="By words, phrases in quotes, or a task’s key. Press / anywhere to come here."
        />
      )}
      {result && result.edges.length > 0 && (
        <ul className="plain-list">
          {result.edges.map((hit) => (
            <li key={`${hit.node.__typename} ${hit.node.id}`}>
              <HitLine hit={hit} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function path(words: string, type: string): string {
  const asked = new URLSearchParams()
  if (words.trim()) asked.set('q', words.trim())
  if (type) asked.set('type', type)
  return asked.size > 0 ? `/search?${asked}` : '/search'
}

function HitLine({ hit }: { hit: Hit }) {
  const { node } = hit
  const line = (
    to: string | null,
    icon: ReactNode,
    title: ReactNode,
    where: string | null | undefined,
    more?: ReactNode,
  ) => {
    const content = (
      <>
        {icon}
        <span className="document-line-text">
          <span className="document-line-title">{title}</span>
          {more && <span className="document-line-preview">{more}</span>}
        </span>
        {where && <span className="faint hit-where">{where}</span>}
      </>
    )
    return to ? (
      <Link to={to} className="document-line">
        {content}
      </Link>
    ) : (
      <span className="document-line">{content}</span>
    )
  }
  switch (node.__typename) {
    case 'Task':
      return line(
        `/tasks/${node.key}`,
        <StatusIcon status={node.status} label />,
        <>
          <span className="task-key">{node.key}</span> {marked(hit, 'title') ?? node.title}
        </>,
        node.project.name,
        marked(hit, 'description'),
      )
    case 'Document':
      return line(
        `/documents/${fromGlobalId(node.id).uuid}`,
        <Icon name="document" />,
        marked(hit, 'title') ?? node.title,
        node.project.name,
        marked(hit, 'content'),
      )
    case 'Project':
      return line(
        `/projects/${fromGlobalId(node.id).uuid}`,
        <Icon name="project" />,
        marked(hit, 'name') ?? node.name,
        node.team.name,
        marked(hit, 'description'),
      )
    case 'Comment': {
      const { subject } = node
      const to = subject.__typename === 'Task' ? `/tasks/${subject.key}` : `/documents/${fromGlobalId(subject.id).uuid}`
      const title = subject.__typename === 'Task' || subject.__typename === 'Document' ? subject.title : ''
      return line(
        to,
        <Icon name="comment" />,
        <>
          {node.author?.displayName ?? 'Somebody'} on {title}
        </>,
        null,
        marked(hit, 'body') ?? node.body,
      )
    }
    case 'User':
      return line(
        null,
        <Avatar id={node.id} name={node.displayName} />,
        marked(hit, 'displayName') ?? node.displayName,
        node.email,
      )
    case 'Team':
      return line(null, <Icon name="project" />, marked(hit, 'name') ?? node.teamName, null)
  }
}

/** The attribute with its matches marked, where it has any: the server sets them between two characters that stand nowhere else. */
function marked({ highlights }: Hit, field: string): ReactNode {
  const fragments = highlights.find((each) => each.field === field)?.fragments
  if (!fragments) return null
  return fragments
    .join(' … ')
    .split(/[\uE000\uE001]/)
    .map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))
}
