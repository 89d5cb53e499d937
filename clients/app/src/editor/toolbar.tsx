/// Buttons for what the text can be; the keyboard reaches them with the arrow keys.
import type { Editor } from '@tiptap/core'
import { useEffect, useReducer, useRef, type KeyboardEvent, type ReactNode } from 'react'

interface Tool {
  name: string
  keys?: string
  show: ReactNode
  isOn?: (editor: Editor) => boolean
  run: (editor: Editor) => void
}

const line = (path: string) => (
  <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
    <path d={path} />
  </svg>
)

const TOOLS: readonly (readonly Tool[])[] = [
  [
    {
      name: 'H1 heading',
      show: 'H1',
      isOn: (e) => e.isActive('heading', { level: 1 }),
      run: (e) => e.chain().focus().toggleHeading({ level: 1 }).run(),
    },
    {
      name: 'H2 heading',
      show: 'H2',
      isOn: (e) => e.isActive('heading', { level: 2 }),
      run: (e) => e.chain().focus().toggleHeading({ level: 2 }).run(),
    },
    {
      name: 'H3 heading',
      show: 'H3',
      isOn: (e) => e.isActive('heading', { level: 3 }),
      run: (e) => e.chain().focus().toggleHeading({ level: 3 }).run(),
    },
  ],
  [
    {
      name: 'Bold',
      keys: 'Ctrl-B',
      show: <b>B</b>,
      isOn: (e) => e.isActive('bold'),
      run: (e) => e.chain().focus().toggleBold().run(),
    },
    {
      name: 'Italic',
      keys: 'Ctrl-I',
      show: <i>I</i>,
      isOn: (e) => e.isActive('italic'),
      run: (e) => e.chain().focus().toggleItalic().run(),
    },
    {
      name: 'Struck through',
      show: <s>S</s>,
      isOn: (e) => e.isActive('strike'),
      run: (e) => e.chain().focus().toggleStrike().run(),
    },
    {
      name: 'Code',
      keys: 'Ctrl-E',
      show: line('M5.5 5L2.5 8l3 3M10.5 5l3 3-3 3'),
      isOn: (e) => e.isActive('code'),
      run: (e) => e.chain().focus().toggleCode().run(),
    },
  ],
  [
    {
      name: 'List',
      show: line('M6.5 4h7M6.5 8h7M6.5 12h7M3 4h.1M3 8h.1M3 12h.1'),
      isOn: (e) => e.isActive('bulletList'),
      run: (e) => e.chain().focus().toggleBulletList().run(),
    },
    {
      name: 'Numbered list',
      show: line('M6.5 4h7M6.5 8h7M6.5 12h7M2.4 3.1l.9-.6v3.200M2.3 9.800c.5-.9 1.7-.5 1.4.4L2.3 12.300h1.5'),
      isOn: (e) => e.isActive('orderedList'),
      run: (e) => e.chain().focus().toggleOrderedList().run(),
    },
    {
      name: 'Check list',
      show: line('M2.5 4.500l1.2 1.200L6 3.400M2.5 11.500l1.2 1.200L6 10.400M8.5 4.500h5M8.5 11.500h5'),
      isOn: (e) => e.isActive('taskList'),
      run: (e) => e.chain().focus().toggleTaskList().run(),
    },
    {
      name: 'Quote',
      show: line('M3 4v8M6.5 5.500h7M6.5 10.500h5'),
      isOn: (e) => e.isActive('blockquote'),
      run: (e) => e.chain().focus().toggleBlockquote().run(),
    },
    {
      name: 'Block of code',
      show: line('M2.5 3h11v10h-11zM6.5 6.500L5 8l1.5 1.500M9.5 6.500L11 8 9.5 9.5'),
      isOn: (e) => e.isActive('codeBlock'),
      run: (e) => e.chain().focus().toggleCodeBlock().run(),
    },
    {
      name: 'Table',
      show: line('M2.5 3h11v10h-11zM2.5 6.500h11M2.5 10h11M8 3v10'),
      isOn: (e) => e.isActive('table'),
      run: (e) => e.chain().focus().insertTable({ rows: 3, cols: 3, withHeaderRow: true }).run(),
    },
  ],
  [
    {
      name: 'Undo',
      keys: 'Ctrl-Z',
      show: line('M6 3.500L3 6.500l3 3M3.2 6.500H9a4 4 0 0 1 0 7H6'),
      run: (e) => e.chain().focus().undo().run(),
    },
    {
      name: 'Redo',
      keys: 'Ctrl-Shift-Z',
      show: line('M10 3.500l3 3-3 3M12.8 6.500H7a4 4 0 0 0 0 7h3'),
      run: (e) => e.chain().focus().redo().run(),
    },
  ],
]

export function Toolbar({ editor }: { editor: Editor }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    editor.on('transaction', redraw)
    return () => void editor.off('transaction', redraw)
  }, [editor])

  function press(event: KeyboardEvent) {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (step === 0) return
    const buttons = [...(bar.current?.querySelectorAll('button') ?? [])]
    const next =
      buttons[(buttons.indexOf(document.activeElement as HTMLButtonElement) + step + buttons.length) % buttons.length]
    event.preventDefault()
    next?.focus()
  }

  return (
    <div className="toolbar" role="toolbar" aria-label="Form of the text" ref={bar} onKeyDown={press}>
      {TOOLS.map((group, place) => (
        <div className="tool-group" key={place}>
          {group.map(({ name, keys, show, isOn, run }, index) => (
            <button
              key={name}
              className="tool"
              tabIndex={place === 0 && index === 0 ? 0 : -1}
              aria-label={name}
              title={keys ? `${name} (${keys})` : name}
              aria-pressed={isOn ? isOn(editor) : undefined}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => run(editor)}
            >
              {show}
            </button>
          ))}
        </div>
      ))}
    </div>
  )
}
