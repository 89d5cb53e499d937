/// A field for Markdown that suggests people behind an @ and tasks behind a #, as a list that arrows and Enter choose from.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type TextareaHTMLAttributes } from 'react'
import { announce } from '../data/notices'
import { suggest, toMention, type Suggested, type Trigger } from '../data/suggestions'
import { Avatar } from './avatar'

interface SuggestingTextareaProps extends Omit<
  TextareaHTMLAttributes<HTMLTextAreaElement>,
  'value' | 'onChange' | 'onKeyDown'
> {
  value: string
  onText: (text: string) => void
  /** Ctrl-Enter. */
  onSubmit: () => void
  onEscape?: () => void
}

/** What is being written behind a trigger. */
interface Open {
  trigger: Trigger
  words: string
  start: number
}

/** After a key, in milliseconds. */
const PAUSE_MS = 120
const BEFORE_CARET = /(?<=^|[\s(])([@#])([^\s@#](?:[^\n@#]{0,28}[^\s@#])?)?$/u

export function SuggestingTextarea({ value, onText, onSubmit, onEscape, ...rest }: SuggestingTextareaProps) {
  const field = useRef<HTMLTextAreaElement>(null)
  const listId = useId()
  const [open, setOpen] = useState<Open | null>(null)
  const [shown, setShown] = useState<readonly Suggested[]>([])
  const [active, setActive] = useState(0)
  const caret = useRef<number | null>(null)

  useEffect(() => {
    if (!open) return setShown([])
    const abort = new AbortController()
    const timer = setTimeout(async () => {
      const found = await suggest(open.trigger, open.words, abort.signal)
      if (abort.signal.aborted) return
      setShown(found)
      setActive(0)
      if (found.length > 0) announce(`${found.length} suggestions, arrows and Enter choose.`)
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [open?.trigger, open?.words])
  useEffect(() => {
    if (caret.current === null) return
    field.current?.setSelectionRange(caret.current, caret.current)
    caret.current = null
  }, [value])

  function look() {
    const { value: text, selectionStart, selectionEnd } = field.current!
    const match = selectionStart === selectionEnd ? BEFORE_CARET.exec(text.slice(0, selectionStart)) : null
    setOpen(match ? { trigger: match[1] as Trigger, words: match[2] ?? '', start: match.index } : null)
  }

  function choose(suggested: Suggested) {
    if (!open) return
    const end = field.current!.selectionStart
    const inserted = `${open.trigger === '@' ? toMention(suggested) : `#${suggested.name}`} `
    caret.current = open.start + inserted.length
    onText(value.slice(0, open.start) + inserted + value.slice(end))
    setOpen(null)
    field.current?.focus()
  }

  function press(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) return onSubmit()
    if (shown.length === 0) return event.key === 'Escape' ? onEscape?.() : undefined
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) setActive((active + step + shown.length) % shown.length)
    else if (event.key === 'Enter' || event.key === 'Tab') choose(shown[active]!)
    else if (event.key === 'Escape') setOpen(null)
    else return
    event.preventDefault()
  }

  const isOpen = shown.length > 0
  return (
    <div className="suggesting">
      <textarea
        {...rest}
        ref={field}
        value={value}
        aria-autocomplete="list"
        aria-controls={isOpen ? listId : undefined}
        aria-activedescendant={isOpen ? `${listId}-${active}` : undefined}
        onChange={(event) => {
          onText(event.target.value)
          look()
        }}
        onSelect={look}
        onBlur={() => setOpen(null)}
        onKeyDown={press}
      />
      {isOpen && (
        <ul id={listId} className="suggestions" role="listbox" aria-label={open?.trigger === '#' ? 'Tasks' : 'People'}>
          {shown.map((suggested, index) => (
            <li
              key={suggested.id}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              // Before the field loses the focus.
              onPointerDown={(event) => {
                event.preventDefault()
                choose(suggested)
              }}
            >
              {open?.trigger === '@' && <Avatar id={suggested.id} name={suggested.name} isDecoration />}
              <span className="suggestion-name">{suggested.name}</span>
              {suggested.detail && <span className="suggestion-detail">{suggested.detail}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
