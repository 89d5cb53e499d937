/// Shows Markdown as elements: nothing that people write becomes HTML, and links lead nowhere but to pages and mail.
import { Fragment, useMemo, type ReactNode } from 'react'
import { lexer, type Token, type Tokens } from 'marked'
import { people } from '../data/rows'
import { TASK_KEY } from '../data/suggestions'
import { Link } from '../router'

export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => lexer(text, { gfm: true, breaks: true }), [text])
  return <div className="markdown">{all(tokens)}</div>
}

/** `isLink`: within a link, where no other link can be. */
function all(tokens: readonly Token[] | undefined, isLink = false): ReactNode {
  return tokens?.map((token, index) => <Fragment key={index}>{one(token, isLink)}</Fragment>)
}

function one(token: Token, isLink: boolean): ReactNode {
  switch (token.type) {
    case 'paragraph':
      return <p>{all(token.tokens)}</p>
    case 'heading': {
      const Heading = (token as Tokens.Heading).depth <= 2 ? 'h3' : 'h4'
      return <Heading>{all(token.tokens)}</Heading>
    }
    case 'strong':
      return <strong>{all(token.tokens, isLink)}</strong>
    case 'em':
      return <em>{all(token.tokens, isLink)}</em>
    case 'del':
      return <del>{all(token.tokens, isLink)}</del>
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      )
    case 'blockquote':
      return <blockquote>{all(token.tokens)}</blockquote>
    case 'list': {
      const { ordered, start, items } = token as Tokens.List
      const entries = items.map((item, index) => (
        <li key={index}>
          {item.task && (
            <input
              type="checkbox"
              checked={item.checked ?? false}
              disabled
              aria-label={item.checked ? 'Done' : 'Not done'}
            />
          )}
          {all(item.tokens)}
        </li>
      ))
      return ordered ? <ol start={start || 1}>{entries}</ol> : <ul>{entries}</ul>
    }
    case 'link':
      return link(token as Tokens.Link)
    case 'image':
      return (token as Tokens.Image).text
    case 'br':
      return <br />
    case 'hr':
      return <hr />
    case 'table':
      return table(token as Tokens.Table)
    case 'checkbox':
    case 'space':
      return null
    case 'escape':
      return (token as Tokens.Escape).text
    case 'text':
      if (token.tokens) return all(token.tokens, isLink)
      return isLink ? decode((token as Tokens.Text).text) : withTasks(decode((token as Tokens.Text).text))
    default:
      return token.raw
  }
}

function link({ href, tokens }: Tokens.Link): ReactNode {
  const [scheme, rest = ''] = href.split(/:(.*)/s)
  if (scheme === 'user') {
    const person = people.all().find(({ id }) => id === rest || atobSafe(id).endsWith(rest))
    return <span className="mention">@{person?.displayName ?? all(tokens, true)}</span>
  }
  if (scheme === 'document') return <Link to={`/documents/${rest}`}>{all(tokens, true)}</Link>
  if (!/^(https?|mailto)$/.test(scheme ?? '')) return <span>{all(tokens, true)}</span>
  return (
    <a href={href} target="_blank" rel="noreferrer">
      {all(tokens, true)}
    </a>
  )
}

/** Text whose keys of tasks behind a # are links. */
function withTasks(text: string): ReactNode {
  const parts = text.split(TASK_KEY)
  if (parts.length === 1) return text
  return parts.map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <Link key={index} to={`/tasks/${part}`}>
        #{part}
      </Link>
    ),
  )
}

function table({ header, rows }: Tokens.Table): ReactNode {
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index}>{all(cell.tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, place) => (
                <td key={place}>{all(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

function decode(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)
}

function atobSafe(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}
