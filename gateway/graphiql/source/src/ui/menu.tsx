/// A button that opens a menu; arrow keys move in it, Escape closes it and gives the focus back.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export interface MenuItem {
  label: string
  run: () => void
}

export function Menu({
  label,
  icon,
  items,
  note,
  class: className,
  disabled = false,
}: {
  label: string
  icon: ComponentChildren
  items: readonly MenuItem[]
  note?: string
  class?: string
  disabled?: boolean
}) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const close = () => {
    setOpen(false)
    root.current?.querySelector('button')?.focus()
  }

  useEffect(() => {
    if (!open) return
    root.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    addEventListener('pointerdown', outside)
    return () => removeEventListener('pointerdown', outside)
  }, [open])

  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
    const place = all.indexOf(document.activeElement as HTMLElement)
    const moves: Record<string, number> = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }
    if (event.key === 'Escape' && open) close()
    else if (event.key === 'Tab') setOpen(false)
    else if (open && event.key in moves) all[(moves[event.key]! + all.length) % all.length]?.focus()
    else return
    if (event.key !== 'Tab') event.preventDefault()
  }

  return (
    <div class={`menu ${className ?? ''}`} ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        class="icon-button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {icon}
      </button>
      {open && (
        <div class="menu-items">
          <div role="menu" aria-label={label}>
            {items.map(({ label: text, run }) => (
              <button
                key={text}
                type="button"
                role="menuitem"
                tabIndex={-1}
                onClick={() => {
                  close()
                  run()
                }}
              >
                {text}
              </button>
            ))}
          </div>
          {note && <p class="menu-note">{note}</p>}
        </div>
      )}
    </div>
  )
}
