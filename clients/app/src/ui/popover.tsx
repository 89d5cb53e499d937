/// A button that opens a small card beside it: closed by Escape, by a click elsewhere, and by leaving it with Tab.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react'

interface PopoverProps {
  label: string
  className?: string
  buttonContent: ReactNode
  /** What is in the card; a function is given what closes it. */
  children: ReactNode | ((close: () => void) => ReactNode)
}

export function Popover({ label, className = '', buttonContent, children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false)
  const frame = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const id = useId()
  function close() {
    setOpen(false)
    button.current?.focus()
  }
  useEffect(() => {
    if (!isOpen) return
    function look(event: Event) {
      if (!frame.current?.contains(event.target as Node)) setOpen(false)
    }
    function press(event: KeyboardEvent) {
      if (event.key === 'Escape') close()
    }
    addEventListener('pointerdown', look)
    addEventListener('focusin', look)
    addEventListener('keydown', press)
    return () => {
      removeEventListener('pointerdown', look)
      removeEventListener('focusin', look)
      removeEventListener('keydown', press)
    }
  }, [isOpen])
  return (
    <div className={`popover ${className}`} ref={frame}>
      <button
        ref={button}
        className="popover-button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {buttonContent}
      </button>
      {isOpen && (
        <div id={id} className="popover-card" role="group" aria-label={label}>
          {typeof children === 'function' ? children(close) : children}
        </div>
      )}
    </div>
  )
}
